#include <Eigen/LU>

#include "algebra/eigen_map.hpp"

namespace fortet::algebra {

Matrix solve(const Matrix& a, const Matrix& b) {
  const Eigen::MatrixXd system = transpose_of(a).transpose(), right = transpose_of(b).transpose();
  return transposed(from_transpose(Eigen::PartialPivLU<Eigen::MatrixXd>(system).solve(right)));
}

}  // namespace fortet::algebra
