#include "nn/least_squares.hpp"

#include <Eigen/Eigenvalues>

namespace fortet::nn {

AffineMap least_squares(const double* x, const double* y, std::size_t n, std::size_t d) {
  using Cloud = Eigen::Map<const Eigen::MatrixXd>;
  const auto rows = static_cast<Eigen::Index>(n), cols = static_cast<Eigen::Index>(d);
  // copies are aligned, so that the order of the sums below does not depend on where the caller's arrays lie
  const Eigen::MatrixXd given = Cloud(x, rows, cols), wanted = Cloud(y, rows, cols);
  const Eigen::RowVectorXd x_mean = given.colwise().mean(), y_mean = wanted.colwise().mean();
  const Eigen::MatrixXd centred = given.rowwise() - x_mean;
  const Eigen::MatrixXd cross = centred.transpose() * (wanted.rowwise() - y_mean);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> covariance(centred.transpose() * centred);
  const double smallest = 1e-13 * covariance.eigenvalues().maxCoeff();  // of a direction that varies
  const Eigen::VectorXd inverse =
      covariance.eigenvalues().unaryExpr([smallest](double v) { return v > smallest ? 1 / v : 0.0; });
  const Eigen::MatrixXd& axes = covariance.eigenvectors();
  const Eigen::MatrixXd slope = (axes * inverse.asDiagonal() * axes.transpose() * cross).transpose();
  const Eigen::VectorXd offset = y_mean.transpose() - slope * x_mean.transpose();
  AffineMap map{Matrix(d, d), std::vector<double>(offset.begin(), offset.end())};
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j)
      map.slope(i, j) = slope(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
  return map;
}

}  // namespace fortet::nn
