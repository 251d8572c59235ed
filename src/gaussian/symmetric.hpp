#pragma once
// Covariances without Eigen in sight, for sources that include Kokkos.
#include <span>

#include "fortet/matrix.hpp"

namespace fortet::gaussian {

/// covariance = root root^T; inverse root = I on its range; log_determinant = -inf when singular.
struct CovarianceFactor {
  Matrix root, inverse;
  double log_determinant = 0;
  bool singular = false;
};
/// O(d^3). Throws InvalidArgument in `function`'s name unless the matrix is d x d, finite, symmetric and
/// positive semi-definite up to rounding.
CovarianceFactor factor_covariance(const Matrix& covariance, std::size_t d, const char* function);

/// KL(N(mean_a, a) | N(mean_b, b)); +inf without absolute continuity. O(d^3).
double relative_entropy(std::span<const double> mean_a, const Matrix& a, std::span<const double> mean_b,
                        const Matrix& b);

/// Half the squared Wasserstein distance of N(mean_a, a) and N(mean_b, b). O(d^3).
double bures_wasserstein(std::span<const double> mean_a, const Matrix& a, std::span<const double> mean_b,
                         const Matrix& b);

}  // namespace fortet::gaussian
