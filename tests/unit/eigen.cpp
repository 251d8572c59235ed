#include "fortet/eigen.hpp"

#include <boost/test/unit_test.hpp>

using namespace fortet;

BOOST_AUTO_TEST_CASE(points_and_back) {
  Eigen::Matrix<double, 2, 3, Eigen::RowMajor> rows;
  rows << 1, 2, 3, 4, 5, 6;
  BOOST_TEST((to_host(points_from_eigen<double>(rows)) == std::vector<double>{1, 2, 3, 4, 5, 6}));
  BOOST_TEST((to_eigen(points_from_eigen<float>(rows)) == rows.cast<float>()));
  // expressions, blocks and transposes are not contiguous
  BOOST_TEST((to_eigen(points_from_eigen<double>(2 * rows.transpose().topRows(2))) ==
              2 * rows.transpose().topRows(2)));
  const ConstPoints<double> read_only = points_from_eigen<double>(rows);
  BOOST_TEST((to_eigen(read_only) == rows));
}

BOOST_AUTO_TEST_CASE(vectors_and_back) {
  const Eigen::Vector3d column(1, 2, 3);
  BOOST_TEST((to_eigen(vector_from_eigen<double>(column)) == column));
  BOOST_TEST((to_eigen(vector_from_eigen<float>(column.transpose())) == column.cast<float>()));
}

BOOST_AUTO_TEST_CASE(matrices_and_back) {
  Eigen::MatrixXf matrix(2, 3);
  matrix << 1, 2, 3, 4, 5, 6;
  BOOST_TEST((matrix_from_eigen(matrix) == Matrix{{1, 2, 3}, {4, 5, 6}}));
  BOOST_TEST((to_eigen(Matrix{{1, 2, 3}, {4, 5, 6}}) == matrix.cast<double>()));
  BOOST_TEST((to_eigen(std::vector<double>{1, 2}) == Eigen::Vector2d(1, 2)));
}

BOOST_AUTO_TEST_CASE(a_gaussian) {
  const Eigen::Vector2f mean(1, 2);
  Eigen::Matrix2d covariance;
  covariance << 2, 0.5, 0.5, 1;
  const Gaussian gaussian = gaussian_from_eigen(mean, covariance);
  BOOST_TEST((gaussian.mean() == std::vector<double>{1, 2}));
  BOOST_TEST((gaussian.covariance() == Matrix{{2, 0.5}, {0.5, 1}}));
  BOOST_TEST(
      (to_eigen(gaussian_from_eigen(mean.transpose(), 2 * covariance).covariance()) == 2 * covariance));
  BOOST_CHECK_THROW(gaussian_from_eigen(mean, Eigen::Matrix3d::Identity()), InvalidArgument);
  BOOST_CHECK_THROW(gaussian_from_eigen(mean, -covariance), InvalidArgument);
}
