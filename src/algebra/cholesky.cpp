#include <Eigen/Cholesky>

#include "algebra/eigen_map.hpp"

namespace fortet::algebra {
namespace {

// A symmetric matrix is its own transpose; a right side is not.
template <class Decomposition>
Matrix solved(const Matrix& a, const Matrix& b) {
  const Eigen::MatrixXd right = transpose_of(b).transpose();
  return transposed(from_transpose(Decomposition(transpose_of(a)).solve(right)));
}

}  // namespace

Matrix solve_positive(const Matrix& a, const Matrix& b) { return solved<Eigen::LLT<Eigen::MatrixXd>>(a, b); }

Matrix solve_semidefinite(const Matrix& a, const Matrix& b) {
  return solved<Eigen::LDLT<Eigen::MatrixXd>>(a, b);
}

Matrix inverse_cholesky(const Matrix& a) {
  const Eigen::LLT<Eigen::MatrixXd> decomposition(transpose_of(a));
  Eigen::MatrixXd inverse = Eigen::MatrixXd::Identity(decomposition.rows(), decomposition.cols());
  decomposition.matrixL().solveInPlace(inverse);
  return transposed(from_transpose(inverse));
}

}  // namespace fortet::algebra
