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

  /// Whether the covariance is singular up to rounding, measured on the correlation matrix so that the scale
  /// of a coordinate does not matter.
  bool singular() const { return singular_; }
  /// root with root root^T = covariance (not the symmetric one; columns beyond the rank are zero).
  const Matrix& root() const { return root_; }

  /// x = mean + root z with root root^T = covariance. Asynchronous after an O(d^2) copy; O(d^2) a row.
  void sample(const execution_space& exec, RandomKey key, Points<double> out) const;
  /// Log density at each row of x. Throws InvalidArgument when the covariance is singular. O(d^2) a row.
  void log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const;

 private:
  std::vector<double> mean_;
  Matrix covariance_;
  Matrix root_;
  Matrix whitening_;  // inverse of root_; empty when singular
  double log_normaliser_ = 0;
  bool singular_ = false;
};

/// KL(a | b) = int log(da/db) da; +inf when a is not absolutely continuous with respect to b. O(d^3) on the
/// host. Throws InvalidArgument on unequal dimensions.
double relative_entropy(const Gaussian& a, const Gaussian& b);

/// BW(a, b) = |m - m'|^2 / 2 + tr(S + S') / 2 - tr (S^{1/2} S' S^{1/2})^{1/2}, half the squared W2 distance.
/// O(d^3) on the host. Throws InvalidArgument on unequal dimensions. Source: Dowson, Landau 1982.
double bures_wasserstein(const Gaussian& a, const Gaussian& b);

}  // namespace fortet
