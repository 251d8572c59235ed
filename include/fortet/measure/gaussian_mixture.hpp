#pragma once
#include <vector>

#include "fortet/measure/gaussian.hpp"

namespace fortet {

/// sum_k weights_k N(mean_k, covariance_k), weights normalised to one. Models SamplableMeasure and
/// DensityMeasure.
class GaussianMixture {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  static constexpr bool normalised = true;

  /// Throws InvalidArgument without components, with unequal dimensions, or weights that are negative, not
  /// finite, all zero, or of another number.
  GaussianMixture(std::vector<double> weights, std::vector<Gaussian> components);

  int dimension() const { return components_.front().dimension(); }
  const std::vector<double>& weights() const { return weights_; }
  const std::vector<Gaussian>& components() const { return components_; }

  /// Draws a component, then from it. Asynchronous after an O(K d^2) copy; O(K + d^2) a row.
  void sample(const execution_space& exec, RandomKey key, Points<double> out) const;
  /// Log density at each row of x. Throws InvalidArgument when a component of positive weight is singular.
  /// O(K d^2) a row, O(K) memory a row.
  void log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const;

 private:
  std::vector<double> weights_;
  std::vector<Gaussian> components_;
};

}  // namespace fortet
