#pragma once
#include <memory>

#include "fortet/nn/architecture.hpp"
#include "fortet/nn/drift_model.hpp"

namespace fortet {

namespace nn {
struct Plan;
}

/// The multilayer perceptron described by an Architecture, as a DriftModel. On the host a tile of rows goes
/// through the whole network inside one core's cache (packed products, activation in their epilogue),
/// forwards, backwards and through all steps of walk(); elsewhere one Kokkos kernel a layer does the same
/// arithmetic. Sums over a batch run over a fixed number of slots, so on one machine every result is bitwise
/// the same for any number of threads.
template <class Real, class Memory = DefaultMemory>
class Mlp final : public DriftModel<Real, Memory> {
 public:
  using Base = DriftModel<Real, Memory>;
  using typename Base::execution_space;
  using typename Base::Scratch;

  /// Throws InvalidArgument unless dimension >= 1 and the architecture is valid.
  Mlp(int dimension, const Architecture& architecture);

  const Architecture& architecture() const;
  int dimension() const override;
  std::size_t parameter_count() const override;
  std::string describe() const override;
  /// Weights and biases uniform on +-1/sqrt(inputs); the output layer is zero, so that training starts from
  /// the drift b = 0.
  void initialise(RandomKey key, Vector<Real, Memory> parameters) const override;

  /// 2 flops a weight and row.
  void evaluate(const execution_space& exec, ConstVector<Real, Memory> parameters,
                ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                Points<Real, Memory> out) const override;
  /// 6 flops a weight and row, the forward pass included.
  void vjp(const execution_space& exec, ConstVector<Real, Memory> parameters, ConstVector<Real, Memory> times,
           ConstPoints<Real, Memory> x, ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
           Points<Real, Memory> input_cotangent, Scratch& scratch) const override;
  double loss_gradient(const execution_space& exec, ConstVector<Real, Memory> parameters,
                       const Batch<Real, Memory>& batch, Vector<Real, Memory> gradient,
                       Scratch& scratch) const override;
  void walk(const execution_space& exec, ConstVector<Real, Memory> parameters,
            const std::vector<ChainStep>& steps, RandomKey key, Points<Real, Memory> x,
            Paths<Real, Memory> path, Paths<Real, Memory> reversals) const override;

 private:
  std::shared_ptr<const nn::Plan> plan_;
};

}  // namespace fortet
