#include <Eigen/SVD>

#include "gaussian/dense.hpp"

namespace fortet::gaussian {

// Two-sided Jacobi is exact but slow on a full matrix. Eigenvectors of a a^T and a^T a first make it nearly
// diagonal: what they leave, in clusters of equal or of tiny singular values, takes Jacobi a few rotations.
Svd svd(const Dense& a) {
  const double largest = a.cwiseAbs().maxCoeff();
  const Dense scaled = largest > 0 ? Dense(a / largest) : a;
  const Dense left = eigen(scaled * scaled.transpose()).vectors,
              right = eigen(scaled.transpose() * scaled).vectors;
  const Eigen::JacobiSVD<Dense> rest(left.transpose() * a * right, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return {left * rest.matrixU(), right * rest.matrixV(), rest.singularValues()};
}

}  // namespace fortet::gaussian
