#include "algebra/eigen_map.hpp"

namespace fortet::algebra {

Matrix operator*(const Matrix& a, const Matrix& b) {
  // copies, because Eigen's sums of a few terms are ordered by how far their addresses are from a vector's
  const Eigen::MatrixXd left = transpose_of(b), right = transpose_of(a);
  Eigen::MatrixXd out(left.rows(), right.cols());
  out.noalias() = left * right;
  return from_transpose(out);
}

}  // namespace fortet::algebra
