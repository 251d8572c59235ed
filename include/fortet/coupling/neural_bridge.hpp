#pragma once
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "fortet/measure/sampler.hpp"
#include "fortet/nn/drift_model.hpp"
#include "fortet/reference/isotropic.hpp"

namespace fortet {

/// A model with the parameters it was trained to. Views are shared: parameters must not be written
/// afterwards.
template <class Real, class Memory = DefaultMemory>
struct NeuralDrift {
  std::shared_ptr<const DriftModel<Real, Memory>> model;
  ConstVector<Real, Memory> parameters;
};

enum class Direction { forward, backward };

/// How paths of a NeuralBridge are simulated.
struct PathOptions {
  /// `euler`: the chain as it was trained, drift and noise frozen over a step. `heun`: predictor and
  /// corrector with the same noise, of second weak order.
  enum class Stepper { euler, heun };
  Stepper stepper = Stepper::euler;
  Direction direction = Direction::forward;
  /// h of the family with the marginals of the bridge,
  ///   dX = [(b - b')/2 + h^2 (b + b')/2] dt + h sigma dW,   b' the backward drift,
  /// which is the SDE for h = 1 and the probability flow for h = 0 (Song et al. 2021; Cao et al. 2023).
  double noise_level = 1;
  int refinement = 1;  ///< steps into which each step of the training grid is cut

  /// Throws InvalidArgument unless noise_level >= 0 and refinement >= 1.
  void validate(const char* function) const;
};

/// A Schroedinger bridge as a pair of learnt drifts on a time grid,
///   dX = b(t, X) dt + sigma dW forwards,  dX = b'(t, X) dt + sigma dW in reverse time (t the forward clock),
/// with the source and target it was trained on. Models ConditionalCoupling and Bridge; density and maps are
/// not available. Cheap to copy. Sampling functions cost one network evaluation a row and step and do not
/// wait.
template <class Real, class Memory = DefaultMemory>
class NeuralBridge {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;
  using Drift = NeuralDrift<Real, Memory>;
  using Marginal = Sampler<Real, Memory>;

  /// Throws InvalidArgument when dimensions differ, the grid does not run from 0 to the horizon in increasing
  /// times, or a drift has no model or another number of parameters.
  NeuralBridge(Marginal source, Marginal target, IsotropicReference reference, std::vector<double> grid,
               Drift forward, Drift backward);

  int source_dimension() const { return source_.dimension(); }
  int target_dimension() const { return target_.dimension(); }
  const IsotropicReference& reference() const { return reference_; }
  const Marginal& source() const { return source_; }
  const Marginal& target() const { return target_; }
  const std::vector<double>& grid() const { return grid_; }
  const Drift& drift(Direction direction) const {
    return direction == Direction::forward ? forward_ : backward_;
  }

  /// X0 from the source, X1 by the forward chain.
  void sample(const execution_space& exec, RandomKey key, Points<Real, Memory> x0,
              Points<Real, Memory> x1) const;
  /// X1 | X0 = x0 by the forward chain.
  void sample_conditional(const execution_space& exec, RandomKey key, ConstPoints<Real, Memory> x0,
                          Points<Real, Memory> x1) const;
  /// X0 | X1 = x1 by the backward chain.
  void sample_backward(const execution_space& exec, RandomKey key, ConstPoints<Real, Memory> x1,
                       Points<Real, Memory> x0) const;
  /// X_t of the forward chain from the source.
  void sample_marginal(const execution_space& exec, RandomKey key, double t, Points<Real, Memory> out) const;
  /// Paths from `start` at increasing times in [0, horizon], which need not lie on the grid; paths is (n, d,
  /// times.size()). Backward paths start from `start` at the horizon and are returned in the order of `times`
  /// all the same. O(n d grid) memory for the steps between.
  void sample_paths(const execution_space& exec, RandomKey key, std::span<const double> times,
                    ConstPoints<Real, Memory> start, Paths<Real, Memory> paths,
                    const PathOptions& options = {}) const;

  /// Forward paths from draws of the source; paths.extent(0) of them. As sample_paths() above otherwise.
  void sample_paths(const execution_space& exec, RandomKey key, std::span<const double> times,
                    Paths<Real, Memory> paths, const PathOptions& options = {}) const;

  /// b(t, x).
  void forward_drift(const execution_space& exec, double t, ConstPoints<Real, Memory> x,
                     Points<Real, Memory> out) const;
  /// b'(t, x); with the forward drift it sums to sigma^2 grad log p_t (Nelson).
  void backward_drift(const execution_space& exec, double t, ConstPoints<Real, Memory> x,
                      Points<Real, Memory> out) const;
  /// (b - b')/2, whose flow has the bridge's marginals.
  void probability_flow_drift(const execution_space& exec, double t, ConstPoints<Real, Memory> x,
                              Points<Real, Memory> out) const;

  /// Takes x from time t to time 0 along the probability flow and returns int_0^t div v ds along the way, so
  /// that
  ///   log p_t(x) = log p_0(start) - integral   (Chen et al. 2018).
  /// Classical Runge-Kutta with `steps` steps; the divergence is exact (2 d gradients an evaluation) when
  /// probes = 0, otherwise Hutchinson's with that many probes.
  void pull_back(const execution_space& exec, double t, ConstPoints<Real, Memory> x,
                 Points<Real, Memory> start, Vector<Real, Memory> integral, int steps = 100, int probes = 0,
                 RandomKey key = {}) const;

 private:
  Marginal source_, target_;
  IsotropicReference reference_;
  std::vector<double> grid_;
  Drift forward_, backward_;
};

/// log p_t(x) along the probability flow, from the density of the source. Blocking. Throws as pull_back().
template <class Real, class Memory, DensityMeasure Source>
void flow_log_density(const typename Memory::execution_space& exec, const NeuralBridge<Real, Memory>& bridge,
                      const Source& source, double t, std::type_identity_t<ConstPoints<Real, Memory>> x,
                      Vector<Real, Memory> out, int steps = 100) {
  using Other = typename Source::scalar_type;
  const std::size_t n = x.extent(0), d = x.extent(1);
  const auto uninitialised = [&exec](const char* label) {
    return Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, std::string(label));
  };
  Points<Real, Memory> start(uninitialised("fortet::neural::start"), n, d);
  Points<Other, Memory> rounded(uninitialised("fortet::neural::rounded"), n, d);
  Vector<Real, Memory> integral(uninitialised("fortet::neural::integral"), n);
  Vector<Other, Memory> density(uninitialised("fortet::neural::density"), n);
  bridge.pull_back(exec, t, x, start, integral, steps);
  Kokkos::deep_copy(exec, rounded, start);
  source.log_density(exec, rounded, density);
  exec.fence("fortet::flow_log_density");
  const auto base = to_host(density), change = to_host(integral);
  std::vector<double> sum(n);
  for (std::size_t i = 0; i < n; ++i) sum[i] = base[i] - change[i];
  Kokkos::deep_copy(out, vector_from_host<Real, Memory>(std::span<const double>(sum)));
}

/// Any measure one can sample, as a Sampler in the precision asked for: its own draws, rounded.
template <class Real, class Memory = DefaultMemory, SamplableMeasure M>
Sampler<Real, Memory> as_sampler(M measure) {
  using Own = typename M::scalar_type;
  const int dimension = measure.dimension();
  return {dimension, [measure = std::move(measure)](const typename Memory::execution_space& exec,
                                                    RandomKey key, Points<Real, Memory> out) {
            if constexpr (std::is_same_v<Own, Real>) {
              measure.sample(exec, key, out);
            } else {
              Points<Own, Memory> own(
                  Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::neural::draws"),
                  out.extent(0), out.extent(1));
              measure.sample(exec, key, own);
              Kokkos::deep_copy(exec, out, own);
            }
          }};
}

extern template class NeuralBridge<float>;
extern template class NeuralBridge<double>;

}  // namespace fortet
