#include "gaussian/dense.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>

namespace fortet::gaussian {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unit = std::numeric_limits<double>::epsilon();

Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }

}  // namespace

double excess(double k) { return (k - 1) - (k < 0.5 ? std::log(k) : std::log1p(k - 1)); }

Dense to_dense(const Matrix& matrix) {
  return Eigen::Map<const RowMajor>(matrix.data(), index(matrix.rows()), index(matrix.cols()));
}

Column to_column(std::span<const double> values) {
  return Eigen::Map<const Column>(values.data(), index(values.size()));
}

Matrix to_matrix(const Dense& dense) {
  Matrix matrix(static_cast<std::size_t>(dense.rows()), static_cast<std::size_t>(dense.cols()));
  Eigen::Map<RowMajor>(matrix.data(), dense.rows(), dense.cols()) = dense;
  return matrix;
}

std::vector<double> to_vector(const Column& column) { return {column.begin(), column.end()}; }

Eigensystem eigen(const Dense& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Dense> solver(symmetric);
  return {solver.eigenvectors(), solver.eigenvalues()};
}

Factor factor(const Dense& covariance) {
  const Eigen::Index d = covariance.rows();
  const Column scale = covariance.diagonal().cwiseMax(0).cwiseSqrt();
  const Column inverse_scale = scale.unaryExpr([](double s) { return s > 0 ? 1 / s : 0.0; });
  const Dense correlation = inverse_scale.asDiagonal() * covariance * inverse_scale.asDiagonal();
  const auto [vectors, values] = eigen(correlation);

  Factor out;
  out.smallest_eigenvalue = values.minCoeff();
  const double zero = static_cast<double>(d) * unit * values.maxCoeff();
  Column root = Column::Zero(d), inverse = Column::Zero(d);
  for (Eigen::Index i = 0; i < d; ++i) {
    if (values(i) <= zero) continue;
    root(i) = std::sqrt(values(i));
    inverse(i) = 1 / root(i);
    out.log_determinant += std::log(values(i)) + 2 * std::log(scale(i));
    ++out.rank;
  }
  if (out.rank < d) out.log_determinant = -infinity;
  out.root = scale.asDiagonal() * vectors * root.asDiagonal();
  out.inverse = inverse.asDiagonal() * vectors.transpose() * inverse_scale.asDiagonal();
  return out;
}

double relative_entropy(const Root& a, const Root& b, const Dense& shifts) {
  if (a.rank != b.rank) return infinity;
  const Dense ratio = b.inverse * a.root, whitened = b.inverse * shifts;
  // equal ranks: the ranges are equal when those of `a` and of the shifts lie
  // in that of `b`
  const double slack = 1e-8;  // square root of what rounding leaves in a covariance
  if ((b.root * ratio - a.root).norm() > slack * a.root.norm()) return infinity;
  if ((b.root * whitened - shifts).norm() > slack * (shifts.norm() + b.root.norm())) return infinity;
  double sum = whitened.squaredNorm();
  const Column values = svd(ratio).values;
  for (int i = 0; i < a.rank; ++i) sum += excess(values(i) * values(i));
  return 0.5 * sum;
}

}  // namespace fortet::gaussian
