#pragma once
// Roots of covariances that may be singular. Host only.
#include "algebra/algebra.hpp"

namespace fortet::gaussian {

/// S = root root^T and inverse root = I on the range of S. The factor is found on the correlation matrix, so
/// that a covariance whose coordinates differ by any scale keeps its digits and its rank.
struct Factor {
  Matrix root;     // d x d; columns beyond the rank are zero
  Matrix inverse;  // a left inverse of root on the range of S; rows beyond the rank are zero
  std::size_t rank = 0;
  double log_determinant = 0;      // of S; -inf when singular
  double smallest_eigenvalue = 0;  // of the correlation matrix
};
/// O(d^3). Negative eigenvalues, which a covariance has by rounding only, count as zero.
Factor factor(const Matrix& covariance);

/// k - 1 - log k >= 0: twice the relative entropy of N(0, k) to N(0, 1).
double excess(double k);

/// A covariance root root^T with a left inverse of its root, which may be singular.
struct Root {
  Matrix root, inverse;
  std::size_t rank = 0;
};
/// KL(N(0, a) | N(0, b)) + sum over the columns s of `shifts` of s^T b^{-1} s / 2; one column is the
/// relative entropy of Gaussians that far apart. +inf when a is not absolutely continuous to b. O(d^3).
double relative_entropy(const Root& a, const Root& b, const Matrix& shifts);

}  // namespace fortet::gaussian
