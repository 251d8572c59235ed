#include "gaussian/linear_process.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "gaussian/factor.hpp"

namespace fortet {
namespace {

using namespace algebra;

// Series of Phi = exp(A h), c = int_0^h exp(A u) b du, Q = int_0^h exp(A u) S
// exp(A u)^T du for |A| h <= 1/4, where the terms fall faster than (1/2)^j /
// j!: sixteen of them reach the last digit.
gaussian::Kernel short_step(const Matrix& a, const Column& b, const Matrix& s, double h) {
  gaussian::Kernel k{identity(a.rows()), h * b, h * s};
  Matrix power = identity(a.rows()), covariance = h * s;
  Column offset = h * b;
  for (int j = 1; j <= 16; ++j) {
    power = (h / j) * (a * power);
    offset = (h / (j + 1)) * (a * offset);
    const Matrix half = a * covariance;
    covariance = (h / (j + 1)) * (half + transposed(half));
    k.factor += power;
    k.offset += offset;
    k.covariance += covariance;
  }
  return k;
}

gaussian::Kernel linear_kernel(const Matrix& a, const Column& b, const Matrix& s, double h) {
  int doublings = 0;
  for (double reach = norm(a) * h; reach > 0.25; reach /= 2) ++doublings;
  gaussian::Kernel k = short_step(a, b, s, std::ldexp(h, -doublings));
  for (int i = 0; i < doublings; ++i) {
    k.covariance = symmetric_part(k.covariance + k.factor * k.covariance * transposed(k.factor));
    k.offset += k.factor * k.offset;
    k.factor = k.factor * k.factor;
  }
  return k;
}

Column offset_of(const LinearSde& sde) {
  return sde.offset.empty() ? Column(sde.drift.rows(), 1) : column(sde.offset);
}

Matrix noise_of(const LinearSde& sde) { return sde.noise * transposed(sde.noise); }

gaussian::Kernel kernel_of(const LinearSde& sde, double h) {
  return linear_kernel(sde.drift, offset_of(sde), noise_of(sde), h);
}

void require_finite(const Matrix& m, const char* function, const char* name) {
  for (std::size_t i = 0; i < m.rows(); ++i)
    for (std::size_t j = 0; j < m.cols(); ++j)
      detail::require(std::isfinite(m(i, j)), function,
                      std::string(name) + "(" + std::to_string(i) + ", " + std::to_string(j) + ")", m(i, j),
                      "expected a finite number");
}

}  // namespace

LinearTransition LinearSde::transition(double t, double s) const {
  detail::require(s >= t, "fortet::LinearSde::transition", "s", s, "expected a time not before t");
  const gaussian::Kernel k = kernel_of(*this, s - t);
  return {k.factor, to_vector(k.offset), k.covariance};
}

void LinearSde::validate(const char* function) const {
  const std::size_t d = drift.rows();
  detail::require(d > 0 && drift.cols() == d, function, "drift size",
                  std::to_string(d) + " x " + std::to_string(drift.cols()), "expected a square matrix");
  detail::require(offset.empty() || offset.size() == d, function, "offset.size()", offset.size(),
                  "expected the dimension of the drift, or empty");
  detail::require(noise.rows() == d && noise.cols() > 0, function, "noise.rows()", noise.rows(),
                  "expected the dimension of the drift, and at least one column");
  detail::require(std::isfinite(horizon) && horizon > 0, function, "horizon", horizon,
                  "expected a finite number > 0");
  require_finite(drift, function, "drift");
  require_finite(noise, function, "noise");
  for (double value : offset)
    detail::require(std::isfinite(value), function, "offset", value, "expected finite coordinates");
  const gaussian::Factor q = gaussian::factor(kernel_of(*this, horizon).covariance);
  detail::require(q.rank == d, function, "rank of Cov(X_T | X_0)", q.rank,
                  "expected noise that reaches all " + std::to_string(d) + " directions by the horizon");
}

namespace gaussian {
namespace {

// Brownian motion is the limit of rate 0
double rate_of(const Brownian&) { return 0; }
double rate_of(const OrnsteinUhlenbeck& ou) { return ou.rate; }

template <class Isotropic>
Column mean_of(const Isotropic& reference, std::size_t d) {
  Column out(d, 1);
  for (std::size_t i = 0; i < d; ++i) out(i, 0) = reference.mean_of(static_cast<int>(i));
  return out;
}

// 1 - mean_factor without cancellation
template <class Isotropic>
double pull(const Isotropic& reference, double t, double s) {
  return -std::expm1(-rate_of(reference) * (s - t));
}

template <class Isotropic>
Kernel transition_of(const Isotropic& r, std::size_t d, double t, double s) {
  return {identity(d, r.mean_factor(t, s)), pull(r, t, s) * mean_of(r, d), identity(d, r.variance(t, s))};
}

Kernel transition_of(const LinearSde& r, std::size_t, double t, double s) { return kernel_of(r, s - t); }

template <class Isotropic>
PinnedKernel pinned_of(const Isotropic& r, std::size_t d, double t, double s) {
  const double whole = r.variance(t, r.horizon), before = r.variance(t, s), after = r.variance(s, r.horizon);
  const double end = before * r.mean_factor(s, r.horizon) / whole;
  return {identity(d, r.mean_factor(t, s) * after / whole), identity(d, end),
          (pull(r, t, s) - end * pull(r, t, r.horizon)) * mean_of(r, d), identity(d, before * after / whole)};
}

PinnedKernel pinned_of(const LinearSde& r, std::size_t d, double t, double s) {
  const Matrix none(d, d);
  if (s == r.horizon) return {none, identity(d), Column(d, 1), none};
  const Kernel whole = kernel_of(r, r.horizon - t), before = kernel_of(r, s - t),
               after = kernel_of(r, r.horizon - s);
  const Matrix reach = after.factor * before.covariance;
  const Matrix end = transposed(solve_positive(whole.covariance, reach));
  return {before.factor - end * whole.factor, end, before.offset - end * whole.offset,
          symmetric_part(before.covariance - end * reach)};
}

}  // namespace

LinearProcess::LinearProcess(const LinearReference& reference, std::size_t d, const char* function)
    : reference_(reference), d_(d) {
  if (const auto* ou = std::get_if<OrnsteinUhlenbeck>(&reference_))
    detail::require(ou->mean.empty() || ou->mean.size() == d, function, "reference.mean.size()",
                    ou->mean.size(),
                    "expected the dimension " + std::to_string(d) + " of the measures, or empty");
  std::visit(
      [&](const auto& r) {
        r.validate(function);
        horizon_ = r.horizon;
        epsilon_ = r.epsilon();
        if constexpr (std::is_same_v<std::decay_t<decltype(r)>, LinearSde>) {
          detail::require(r.drift.rows() == d, function, "reference.drift.rows()", r.drift.rows(),
                          "expected the dimension " + std::to_string(d) + " of the measures");
          drift_ = r.drift;
          offset_ = offset_of(r);
          noise_ = noise_of(r);
          // the inverse Cholesky factor, rather than Q^{-1/2}: it does not mind
          // coordinates of unequal scale
          whiten_ = inverse_cholesky(kernel_of(r, horizon_).covariance);
        } else {
          drift_ = identity(d, -rate_of(r));
          offset_ = rate_of(r) * mean_of(r, d);
          noise_ = identity(d, r.sigma * r.sigma);
          whiten_ = identity(d);
        }
      },
      reference_);
}

Kernel LinearProcess::transition(double t, double s) const {
  return std::visit([&](const auto& r) { return transition_of(r, d_, t, s); }, reference_);
}

PinnedKernel LinearProcess::pinned(double t, double s) const {
  return std::visit([&](const auto& r) { return pinned_of(r, d_, t, s); }, reference_);
}

}  // namespace gaussian
}  // namespace fortet
