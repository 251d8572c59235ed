#pragma once
// Optional: Eigen matrices in and out. Not included by fortet.hpp; needs Eigen's headers where it is used.
#include <Eigen/Core>

#include "fortet/measure/gaussian.hpp"
#include "fortet/types.hpp"

namespace fortet {

/// The rows of an n x d matrix or expression as points. Blocking; O(n d).
template <class Real, class Memory = DefaultMemory, class Derived>
Points<Real, Memory> points_from_eigen(const Eigen::MatrixBase<Derived>& rows) {
  const Eigen::Matrix<typename Derived::Scalar, Eigen::Dynamic, Eigen::Dynamic> copy = rows;
  return points_from_host<Real, Memory>(copy.data(), static_cast<std::size_t>(copy.rows()),
                                        static_cast<std::size_t>(copy.cols()), 1, copy.rows());
}

/// A row or column vector. Blocking.
template <class Real, class Memory = DefaultMemory, class Derived>
Vector<Real, Memory> vector_from_eigen(const Eigen::MatrixBase<Derived>& vector) {
  EIGEN_STATIC_ASSERT_VECTOR_ONLY(Derived);
  std::vector<typename Derived::Scalar> copy(static_cast<std::size_t>(vector.size()));
  for (Eigen::Index i = 0; i < vector.size(); ++i) copy[static_cast<std::size_t>(i)] = vector(i);
  return vector_from_host<Real, Memory>(std::span<const typename Derived::Scalar>(copy));
}

template <class Derived>
Matrix matrix_from_eigen(const Eigen::MatrixBase<Derived>& matrix) {
  Matrix out(static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols()));
  Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      out.data(), matrix.rows(), matrix.cols()) = matrix.template cast<double>();
  return out;
}

/// N(mean, covariance). Throws InvalidArgument as the constructor of Gaussian.
template <class Mean, class Covariance>
Gaussian gaussian_from_eigen(const Eigen::MatrixBase<Mean>& mean,
                             const Eigen::MatrixBase<Covariance>& covariance) {
  EIGEN_STATIC_ASSERT_VECTOR_ONLY(Mean);
  std::vector<double> copy(static_cast<std::size_t>(mean.size()));
  for (Eigen::Index i = 0; i < mean.size(); ++i)
    copy[static_cast<std::size_t>(i)] = static_cast<double>(mean(i));
  return {std::move(copy), matrix_from_eigen(covariance)};
}

/// An n x d matrix, a point a row. Blocking.
template <class Real, class Memory>
auto to_eigen(const Points<Real, Memory>& points) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, points);
  Eigen::Matrix<std::remove_const_t<Real>, Eigen::Dynamic, Eigen::Dynamic> out(
      static_cast<Eigen::Index>(host.extent(0)), static_cast<Eigen::Index>(host.extent(1)));
  for (Eigen::Index k = 0; k < out.cols(); ++k)
    for (Eigen::Index i = 0; i < out.rows(); ++i) out(i, k) = host(i, k);
  return out;
}

/// A column vector. Blocking.
template <class Real, class Memory>
auto to_eigen(const Vector<Real, Memory>& vector) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, vector);
  Eigen::Matrix<std::remove_const_t<Real>, Eigen::Dynamic, 1> out(static_cast<Eigen::Index>(host.extent(0)));
  for (Eigen::Index i = 0; i < out.size(); ++i) out(i) = host(i);
  return out;
}

/// For Gaussian::covariance() and the slopes of affine maps.
inline Eigen::MatrixXd to_eigen(const Matrix& matrix) {
  return Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
      matrix.data(), static_cast<Eigen::Index>(matrix.rows()), static_cast<Eigen::Index>(matrix.cols()));
}

/// For Gaussian::mean() and the offsets of affine maps.
inline Eigen::VectorXd to_eigen(const std::vector<double>& vector) {
  return Eigen::Map<const Eigen::VectorXd>(vector.data(), static_cast<Eigen::Index>(vector.size()));
}

}  // namespace fortet
