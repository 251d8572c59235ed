#pragma once
#include <vector>

#include "fortet/concepts.hpp"
#include "fortet/matrix.hpp"

namespace fortet {

/// N(mean, covariance). Parameters and draws are double; singular covariances are allowed (no density then).
/// Models SamplableMeasure and DensityMeasure.
class Gaussian {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  static constexpr bool normalised = true;

  /// Throws InvalidArgument on an empty mean, a covariance of another size, entries that are not finite, an
  /// asymmetric covariance, or a negative eigenvalue beyond rounding. O(d^3) on the host.
  Gaussian(std::vector<double> mean, Matrix covariance);

  int dimension() const { return static_cast<int>(mean_.size()); }
  const std::vector<double>& mean() const { return mean_; }
  const Matrix& covariance() const { return covariance_; }

  /// x = mean + covariance^{1/2} z. Asynchronous after an O(d^2) copy; O(d^2) a row.
  void sample(const execution_space& exec, RandomKey key, Points<double> out) const;
  /// Log density at each row of x. Throws InvalidArgument when the covariance is singular. O(d^2) a row.
  void log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const;

 private:
  std::vector<double> mean_;
  Matrix covariance_;
  Matrix root_;       // symmetric square root
  Matrix whitening_;  // covariance^{-1/2}; empty when singular
  double log_normaliser_ = 0;
};

}  // namespace fortet
