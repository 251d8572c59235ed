#pragma once
// Eigen on the host: included by host sources only, never beside Kokkos.
#include <Eigen/Core>
#include <span>
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet::gaussian {

using Dense = Eigen::MatrixXd;
using Column = Eigen::VectorXd;

Dense to_dense(const Matrix& matrix);
Column to_column(std::span<const double> values);
Matrix to_matrix(const Dense& dense);
std::vector<double> to_vector(const Column& column);
inline Dense symmetric_part(const Dense& a) { return 0.5 * (a + a.transpose()); }

/// S = root root^T and inverse root = I on the range of S. The factor is found on the correlation matrix, so
/// that a covariance whose coordinates differ by any scale keeps its digits and its rank.
struct Factor {
  Dense root;     // d x d; columns beyond the rank are zero
  Dense inverse;  // a left inverse of root on the range of S; rows beyond the rank are zero
  int rank = 0;
  double log_determinant = 0;      // of S; -inf when singular
  double smallest_eigenvalue = 0;  // of the correlation matrix
};
/// O(d^3). Negative eigenvalues, which a covariance has by rounding only, count as zero.
Factor factor(const Dense& covariance);

/// symmetric = vectors diag(values) vectors^T, ascending. O(d^3).
struct Eigensystem {
  Dense vectors;
  Column values;
};
Eigensystem eigen(const Dense& symmetric);

/// a = left diag(values) right^T, all square, descending. O(d^3).
struct Svd {
  Dense left, right;
  Column values;
};
Svd svd(const Dense& a);

/// k - 1 - log k >= 0: twice the relative entropy of N(0, k) to N(0, 1).
double excess(double k);

/// A covariance root root^T with a left inverse of its root, which may be singular.
struct Root {
  Dense root, inverse;
  int rank = 0;
};
/// KL(N(0, a) | N(0, b)) + sum over the columns s of `shifts` of s^T b^{-1} s / 2; one column is the
/// relative entropy of Gaussians that far apart. +inf when a is not absolutely continuous to b. O(d^3).
double relative_entropy(const Root& a, const Root& b, const Dense& shifts);

}  // namespace fortet::gaussian
