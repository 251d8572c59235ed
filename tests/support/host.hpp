#pragma once
// Small conveniences of the tests: host arrays in and out, messages of errors, naive linear algebra.
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "fortet/matrix.hpp"
#include "support/views.hpp"

namespace fortet::test {

inline Matrix transpose(const Matrix& a) {
  Matrix out(a.cols(), a.rows());
  for (std::size_t i = 0; i < a.rows(); ++i)
    for (std::size_t j = 0; j < a.cols(); ++j) out(j, i) = a(i, j);
  return out;
}

inline Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows(), b.cols());
  for (std::size_t i = 0; i < a.rows(); ++i)
    for (std::size_t k = 0; k < a.cols(); ++k)
      for (std::size_t j = 0; j < b.cols(); ++j) out(i, j) += a(i, k) * b(k, j);
  return out;
}

/// alpha a + beta b.
inline Matrix combine(double alpha, const Matrix& a, double beta, const Matrix& b) {
  Matrix out(a.rows(), a.cols());
  for (std::size_t i = 0; i < a.rows() * a.cols(); ++i)
    out.data()[i] = alpha * a.data()[i] + beta * b.data()[i];
  return out;
}
inline Matrix operator+(const Matrix& a, const Matrix& b) { return combine(1, a, 1, b); }
inline Matrix operator-(const Matrix& a, const Matrix& b) { return combine(1, a, -1, b); }

inline double norm(const Matrix& a) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rows() * a.cols(); ++i) sum += a.data()[i] * a.data()[i];
  return std::sqrt(sum);
}
/// |a - b| / |b| in the Frobenius norm (absolute where b = 0).
inline double difference(const Matrix& a, const Matrix& b) {
  const double scale = norm(b);
  return norm(a - b) / (scale > 0 ? scale : 1);
}

/// Gauss-Jordan with partial pivoting; the logarithm of |det a| on request.
inline Matrix inverse(Matrix a, double* log_determinant = nullptr) {
  const std::size_t d = a.rows();
  Matrix out = isotropic(d, 1);
  double log_det = 0;
  for (std::size_t c = 0; c < d; ++c) {
    std::size_t pivot = c;
    for (std::size_t i = c; i < d; ++i)
      if (std::abs(a(i, c)) > std::abs(a(pivot, c))) pivot = i;
    for (std::size_t j = 0; j < d; ++j) {
      std::swap(a(c, j), a(pivot, j));
      std::swap(out(c, j), out(pivot, j));
    }
    const double p = a(c, c);
    log_det += std::log(std::abs(p));
    for (std::size_t j = 0; j < d; ++j) {
      a(c, j) /= p;
      out(c, j) /= p;
    }
    for (std::size_t i = 0; i < d; ++i) {
      if (i == c) continue;
      const double f = a(i, c);
      for (std::size_t j = 0; j < d; ++j) {
        a(i, j) -= f * a(c, j);
        out(i, j) -= f * out(c, j);
      }
    }
  }
  if (log_determinant) *log_determinant = log_det;
  return out;
}

/// A random covariance B B^T / d + floor I; equal seeds give equal matrices.
inline Matrix random_covariance(std::size_t d, unsigned seed, double floor = 0.2) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Matrix b(d, d);
  for (std::size_t i = 0; i < d * d; ++i) b.data()[i] = normal(engine);
  return combine(1.0 / static_cast<double>(d), b * transpose(b), floor, isotropic(d, 1));
}
inline std::vector<double> random_vector(std::size_t d, unsigned seed) {
  std::mt19937_64 engine(seed + 1000);
  std::normal_distribution<double> normal;
  std::vector<double> out(d);
  for (double& v : out) v = normal(engine);
  return out;
}

/// Mean and covariance of the rows of a row-major n x d array.
struct SampleMoments {
  std::vector<double> mean;
  Matrix covariance;
};
inline SampleMoments sample_moments(const std::vector<double>& rows, std::size_t d) {
  const std::size_t n = rows.size() / d;
  SampleMoments out{std::vector<double>(d), Matrix(d, d)};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k) out.mean[k] += rows[i * d + k] / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k)
      for (std::size_t l = 0; l < d; ++l)
        out.covariance(k, l) +=
            (rows[i * d + k] - out.mean[k]) * (rows[i * d + l] - out.mean[l]) / static_cast<double>(n);
  return out;
}

/// Largest deviation of sample moments from exact ones, in standard errors of n Gaussian draws: S_kk / n for
/// a mean, (S_kk S_ll + S_kl^2) / n for a covariance. Entries of zero variance must agree to rounding.
inline double standard_errors(const std::vector<double>& rows, const std::vector<double>& mean,
                              const Matrix& covariance) {
  const std::size_t d = mean.size();
  const double n = static_cast<double>(rows.size() / d);
  const SampleMoments got = sample_moments(rows, d);
  double worst = 0;
  const auto judge = [&worst](double error, double variance, double scale) {
    worst = std::max(worst, std::abs(error) / (std::sqrt(variance) + 1e-12 * (1 + std::abs(scale))));
  };
  for (std::size_t k = 0; k < d; ++k) {
    judge(got.mean[k] - mean[k], covariance(k, k) / n, mean[k]);
    for (std::size_t l = 0; l < d; ++l)
      judge(got.covariance(k, l) - covariance(k, l),
            (covariance(k, k) * covariance(l, l) + covariance(k, l) * covariance(k, l)) / n,
            covariance(k, l));
  }
  return worst;
}

}  // namespace fortet::test
