// GCC 12's own AVX-512 headers trip this warning inside Eigen's products.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <string>

#include "fortet/compare/gaussian_fit.hpp"
#include "fortet/error.hpp"

namespace fortet {
namespace {

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const Dense> view(const Matrix& matrix) {
  return {matrix.data(), static_cast<Eigen::Index>(matrix.rows()), static_cast<Eigen::Index>(matrix.cols())};
}

/// tr (S^{1/2} S' S^{1/2})^{1/2}; rounding may leave eigenvalues slightly below zero.
double root_trace(const Eigen::Ref<const Dense>& s, const Eigen::Ref<const Dense>& t) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(s);
  const Eigen::MatrixXd root = eigen.eigenvectors() *
                               eigen.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal() *
                               eigen.eigenvectors().transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> middle(root * t * root, Eigen::EigenvaluesOnly);
  return middle.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
}

}  // namespace

double bures_wasserstein(const Moments& first, const Moments& second) {
  const std::size_t d = first.mean.size();
  const auto check = [d](const Moments& moments, const char* argument) {
    detail::require(
        d > 0 && moments.mean.size() == d && moments.covariance.rows() == d && moments.covariance.cols() == d,
        "fortet::bures_wasserstein", argument, moments.mean.size(),
        "a mean and a covariance of one dimension on both sides");
  };
  check(first, "first.mean.size()");
  check(second, "second.mean.size()");
  double squared = 0;
  for (std::size_t k = 0; k < d; ++k) {
    const double difference = first.mean[k] - second.mean[k];
    squared += difference * difference;
  }
  const auto s = view(first.covariance), t = view(second.covariance);
  return std::max((squared + s.trace() + t.trace()) / 2 - root_trace(s, t), 0.0);
}

}  // namespace fortet
