#include <Eigen/SVD>

#include "algebra/eigen_map.hpp"

namespace fortet::algebra {
namespace {

// Two-sided Jacobi of a square matrix, by the transpose: its left vectors are ours on the right.
Svd jacobi(const Matrix& a) {
  const Eigen::JacobiSVD<Eigen::MatrixXd, Eigen::NoQRPreconditioner> solver(
      transpose_of(a), Eigen::ComputeFullU | Eigen::ComputeFullV);
  Column values(a.rows(), 1);
  for (std::size_t i = 0; i < a.rows(); ++i)
    values(i, 0) = solver.singularValues()(static_cast<Eigen::Index>(i));
  return {transposed(from_transpose(solver.matrixV())), transposed(from_transpose(solver.matrixU())), values};
}

}  // namespace

// Jacobi is exact but slow on a full matrix. Eigenvectors of a a^T and a^T a first make it nearly diagonal:
// what they leave, in clusters of equal or of tiny singular values, takes Jacobi a few rotations.
Svd svd(const Matrix& a) {
  const double scale = largest(a) > 0 ? largest(a) : 1;
  const Matrix scaled = a / scale;
  const Matrix left = eigen(scaled * transposed(scaled)).vectors,
               right = eigen(transposed(scaled) * scaled).vectors;
  const Svd rest = jacobi(transposed(left) * a * right);
  return {left * rest.left, right * rest.right, rest.values};
}

}  // namespace fortet::algebra
