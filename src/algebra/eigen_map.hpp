#pragma once
// A Matrix as Eigen sees it. Only the sources of this folder include Eigen.
#define EIGEN_DONT_PARALLELIZE  // blocks of a product would depend on the number of threads
#include <Eigen/Core>

#include "algebra/algebra.hpp"

namespace fortet::algebra {

/// The storage of a row-major Matrix is that of its transpose in columns, the one layout that is compiled.
inline Eigen::Map<const Eigen::MatrixXd> transpose_of(const Matrix& a) {
  return {a.data(), static_cast<Eigen::Index>(a.cols()), static_cast<Eigen::Index>(a.rows())};
}
inline Eigen::Map<Eigen::MatrixXd> transpose_of(Matrix& a) {
  return {a.data(), static_cast<Eigen::Index>(a.cols()), static_cast<Eigen::Index>(a.rows())};
}

/// The Matrix whose transpose is `a`.
inline Matrix from_transpose(const Eigen::MatrixXd& a) {
  Matrix out(static_cast<std::size_t>(a.cols()), static_cast<std::size_t>(a.rows()));
  transpose_of(out) = a;
  return out;
}

}  // namespace fortet::algebra
