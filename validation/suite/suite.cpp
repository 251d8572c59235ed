#include "suite.hpp"

#include <cmath>

#include "algebra/algebra.hpp"

namespace fortet::validation {

using algebra::transposed;
using algebra::operator*;
using algebra::operator+;

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto family : {gaussian_cases, discretisation_cases, grid_cases, limit_cases, statistics_cases,
                            mixture_cases, generative_cases, neural_cases})
    for (Case& c : family()) all.push_back(std::move(c));
  return all;
}

double relative_error(const std::vector<double>& a, const std::vector<double>& b,
                      const std::vector<double>& weights, std::size_t columns) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double w = weights.empty() ? 1 : weights[i / columns];
    error += w * (a[i] - b[i]) * (a[i] - b[i]);
    size += w * b[i] * b[i];
  }
  return std::sqrt(error / size);
}

Matrix random_covariance(std::size_t d, double condition, RandomKey key, double scale) {
  Matrix normal(d, d);
  for (std::size_t k = 0; k < d * d; ++k) normal.data()[k] = random_normal(key, k, 0);
  const Matrix axes = algebra::eigen(normal + transposed(normal)).vectors;
  algebra::Column values(d, 1);
  for (std::size_t k = 0; k < d; ++k)
    values(k, 0) =
        scale * (d == 1 ? 1 : std::pow(condition, -static_cast<double>(k) / static_cast<double>(d - 1)));
  return algebra::symmetric_part(axes * algebra::Diagonal{values} * transposed(axes));
}

double exponent(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += std::log(x[i]) / n;
    my += std::log(y[i]) / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (std::log(x[i]) - mx) * (std::log(x[i]) - mx);
    xy += (std::log(x[i]) - mx) * (std::log(y[i]) - my);
  }
  return xy / xx;
}

}  // namespace fortet::validation
