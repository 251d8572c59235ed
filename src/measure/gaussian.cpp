#include "fortet/measure/gaussian.hpp"

#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "gaussian/affine.hpp"
#include "gaussian/symmetric.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::Gaussian";

}  // namespace

Gaussian::Gaussian(std::vector<double> mean, Matrix covariance)
    : mean_(std::move(mean)), covariance_(std::move(covariance)) {
  detail::require(!mean_.empty(), where, "mean", "empty", "expected at least one coordinate");
  for (std::size_t i = 0; i < mean_.size(); ++i)
    detail::require(std::isfinite(mean_[i]), where, "mean[" + std::to_string(i) + "]", mean_[i],
                    "expected a finite number");
  auto factor = gaussian::factor_covariance(covariance_, mean_.size(), where);
  root_ = std::move(factor.root);
  singular_ = factor.singular;
  if (singular_) return;
  whitening_ = std::move(factor.inverse);
  log_normaliser_ =
      -0.5 * (factor.log_determinant + static_cast<double>(mean_.size()) * std::log(2 * std::numbers::pi));
}

void Gaussian::sample(const execution_space& exec, RandomKey key, Points<double> out) const {
  detail::require_kokkos("fortet::Gaussian::sample");
  gaussian::require_columns("fortet::Gaussian::sample", "out", out.extent(1), dimension());
  gaussian::fill_rows(exec, mean_, out);
  gaussian::add_noise(exec, key, root_, out);
}

void Gaussian::log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const {
  constexpr const char* function = "fortet::Gaussian::log_density";
  detail::require_kokkos(function);
  detail::require(!singular_, function, "covariance", "singular",
                  "expected a positive definite covariance: others have no density");
  gaussian::require_columns(function, "x", x.extent(1), dimension());
  gaussian::require_rows(function, "out", out.extent(0), x.extent(0));
  const auto whitened = gaussian::workspace(exec, x.extent(0), x.extent(1));
  gaussian::apply(exec, {whitening_, mean_, std::vector<double>(mean_.size(), 0.0)}, x, whitened);
  gaussian::squared_norms(exec, log_normaliser_, -0.5, whitened, out);
}

double relative_entropy(const Gaussian& a, const Gaussian& b) {
  detail::require(a.dimension() == b.dimension(), "fortet::relative_entropy", "b.dimension()", b.dimension(),
                  "expected the dimension of a");
  return gaussian::relative_entropy(a.mean(), a.covariance(), b.mean(), b.covariance());
}

double bures_wasserstein(const Gaussian& a, const Gaussian& b) {
  detail::require(a.dimension() == b.dimension(), "fortet::bures_wasserstein", "b.dimension()", b.dimension(),
                  "expected the dimension of a");
  return gaussian::bures_wasserstein(a.mean(), a.covariance(), b.mean(), b.covariance());
}

}  // namespace fortet
