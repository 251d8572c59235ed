#include "gaussian/symmetric.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "gaussian/factor.hpp"

namespace fortet::gaussian {

using namespace algebra;

namespace {

std::string entry(std::size_t i, std::size_t j) {
  return "covariance(" + std::to_string(i) + ", " + std::to_string(j) + ")";
}

void require_symmetric(const Matrix& s, const char* function) {
  for (std::size_t i = 0; i < s.rows(); ++i) {
    for (std::size_t j = 0; j < s.cols(); ++j)
      detail::require(std::isfinite(s(i, j)), function, entry(i, j), s(i, j), "expected a finite number");
    detail::require(s(i, i) >= 0, function, entry(i, i), s(i, i), "expected a variance >= 0");
  }
  for (std::size_t i = 0; i < s.rows(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      // sums of products in another order differ by a few units in the last
      // place of the scale of the row
      const double slack = 1e-12 * std::sqrt(s(i, i)) * std::sqrt(s(j, j));
      detail::require(std::abs(s(i, j) - s(j, i)) <= slack, function, entry(i, j), s(i, j),
                      "expected " + entry(j, i) + " = " + std::to_string(s(j, i)) + ", by symmetry");
    }
}

}  // namespace

CovarianceFactor factor_covariance(const Matrix& covariance, std::size_t d, const char* function) {
  detail::require(covariance.rows() == d && covariance.cols() == d, function, "covariance size",
                  std::to_string(covariance.rows()) + " x " + std::to_string(covariance.cols()),
                  "expected " + std::to_string(d) + " x " + std::to_string(d) + " as the mean has it");
  require_symmetric(covariance, function);
  const Factor f = factor(symmetric_part(covariance));
  const double rounding = 1e3 * static_cast<double>(d) * std::numeric_limits<double>::epsilon();
  detail::require(f.smallest_eigenvalue >= -rounding, function,
                  "smallest eigenvalue of the covariance scaled to unit variances", f.smallest_eigenvalue,
                  "expected a positive semi-definite covariance");
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j)
      detail::require(covariance(i, i) > 0 || covariance(i, j) == 0, function, entry(i, j), covariance(i, j),
                      "expected 0 where a variance is 0");
  return {f.root, f.inverse, f.log_determinant, f.rank < d};
}

double relative_entropy(std::span<const double> mean_a, const Matrix& a, std::span<const double> mean_b,
                        const Matrix& b) {
  const Factor fa = factor(a), fb = factor(b);
  return relative_entropy({fa.root, fa.inverse, fa.rank}, {fb.root, fb.inverse, fb.rank},
                          column(mean_a) - column(mean_b));
}

double bures_wasserstein(std::span<const double> mean_a, const Matrix& a, std::span<const double> mean_b,
                         const Matrix& b) {
  // W2^2 = |shift|^2 + min over rotations O of |A - B O|^2 (Procrustes): a sum
  // of squares, no cancellation
  const Matrix fa = factor(a).root, fb = factor(b).root;
  const Svd s = svd(transposed(fa) * fb);
  return 0.5 * squared_norm(column(mean_a) - column(mean_b)) + 0.5 * squared_norm(fa * s.left - fb * s.right);
}

}  // namespace fortet::gaussian
