#pragma once
#include <vector>

#include "fortet/matrix.hpp"
#include "fortet/nn/drift_model.hpp"

namespace fortet {

/// b(tau, x) = slope_k x + offset_k for the label nearest to tau: the exact regression class of Gaussian
/// problems. Fitted by least squares, one step at a time, never by gradients. Its parameters are, label by
/// label, the d x d slope (row-major) and the offset.
template <class Real, class Memory = DefaultMemory>
class AffineSteps final : public DriftModel<Real, Memory> {
 public:
  using Base = DriftModel<Real, Memory>;
  using typename Base::execution_space;
  using typename Base::Scratch;

  /// Throws InvalidArgument unless dimension >= 1 and the labels increase strictly.
  AffineSteps(int dimension, std::vector<double> labels);

  const std::vector<double>& labels() const { return labels_; }
  int dimension() const override { return dimension_; }
  std::size_t parameter_count() const override;
  std::string describe() const override;
  /// All zero.
  void initialise(RandomKey key, Vector<Real, Memory> parameters) const override;
  void evaluate(const execution_space& exec, ConstVector<Real, Memory> parameters,
                ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                Points<Real, Memory> out) const override;
  /// The cotangent of x only. Throws InvalidArgument when a parameter gradient is asked for.
  void vjp(const execution_space& exec, ConstVector<Real, Memory> parameters, ConstVector<Real, Memory> times,
           ConstPoints<Real, Memory> x, ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
           Points<Real, Memory> input_cotangent, Scratch& scratch) const override;

  /// Least squares of the targets on (x, 1) at one label; writes that label's part of `parameters`.
  /// Directions in which x does not vary get slope zero. Blocking; O(n d^2 + d^3) on the host.
  void fit(std::size_t label, ConstPoints<Real, Memory> x, ConstPoints<Real, Memory> target,
           Vector<Real, Memory> parameters) const;
  /// One label's part of `parameters`. Blocking.
  AffineMap map(std::size_t label, ConstVector<Real, Memory> parameters) const;

 private:
  int dimension_;
  std::vector<double> labels_;
  Vector<Real, Memory> device_labels_;
};

}  // namespace fortet
