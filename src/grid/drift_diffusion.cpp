#include "fortet/reference/drift_diffusion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace fortet {

Drift Drift::gradient(Potential potential) {
  detail::require(bool(potential), "fortet::Drift::gradient", "potential", "empty", "expected a callable");
  Drift drift;
  drift.potential_ = std::move(potential);
  return drift;
}

Drift Drift::field(SteadyField field) {
  detail::require(bool(field), "fortet::Drift::field", "field", "empty", "expected a callable");
  Drift drift;
  drift.field_ = [field = std::move(field)](double, std::span<const double> x, std::span<double> b) {
    field(x, b);
  };
  return drift;
}

Drift Drift::field(Field field) {
  detail::require(bool(field), "fortet::Drift::field", "field", "empty", "expected a callable");
  Drift drift;
  drift.field_ = std::move(field);
  drift.steady_ = false;
  return drift;
}

namespace {

void require_at_nodes(const char* where, const RegularGrid& grid, const std::vector<double>& values,
                      std::size_t a_node) {
  detail::require(values.size() == grid.size() * a_node, where, "values.size()", values.size(),
                  "expected " + std::to_string(grid.size() * a_node) + ", row-major");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      detail::reject(where, "values[" + std::to_string(i) + "]", values[i], "expected finite numbers");
}

/// out = the multilinear interpolant of `values`, out.size() of them a node, at x.
void interpolate_nodes(const RegularGrid& grid, const std::vector<double>& values, std::span<const double> x,
                       std::span<double> out) {
  const std::size_t d = x.size();
  std::fill(out.begin(), out.end(), 0.0);
  for (unsigned corner = 0; corner < (1u << d); ++corner) {
    std::size_t node = 0;
    double share = 1;
    for (std::size_t k = 0; k < d; ++k) {
      const int axis = static_cast<int>(k);
      const double last = grid.axis(axis).nodes - 1;
      const double position = std::clamp(grid.axis(axis).position(x[k]), 0.0, last);
      const double low = std::min(std::floor(position), last - 1);
      const bool up = (corner >> k) & 1u;
      node += static_cast<std::size_t>(low + (up ? 1 : 0)) * grid.inner(axis);
      share *= up ? position - low : 1 - position + low;
    }
    for (std::size_t k = 0; k < out.size(); ++k) out[k] += share * values[node * out.size() + k];
  }
}

}  // namespace

Drift Drift::array(const RegularGrid& grid, std::vector<double> values) {
  require_at_nodes("fortet::Drift::array", grid, values, static_cast<std::size_t>(grid.dimension()));
  return field([grid, values = std::move(values)](std::span<const double> x, std::span<double> b) {
    interpolate_nodes(grid, values, x, b);
  });
}

KillingRate KillingRate::array(const RegularGrid& grid, std::vector<double> values) {
  require_at_nodes("fortet::KillingRate::array", grid, values, 1);
  return KillingRate([grid, values = std::move(values)](std::span<const double> x) {
    double rate = 0;
    interpolate_nodes(grid, values, x, {&rate, 1});
    return rate;
  });
}

void Drift::operator()(double t, std::span<const double> x, std::span<double> b) const {
  if (field_) return field_(t, x, b);
  std::fill(b.begin(), b.end(), 0.0);
  if (!potential_) return;
  std::array<double, RegularGrid::max_dimension> point{};
  std::copy(x.begin(), x.end(), point.begin());
  const std::span<const double> shifted(point.data(), x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double step = 1e-3 * std::max(1.0, std::abs(x[k]));
    constexpr std::array<double, 3> weight{0.75, -0.15, 1.0 / 60};
    for (std::size_t m = 0; m < weight.size(); ++m)
      for (const int sign : {1, -1}) {
        point[k] = x[k] + sign * static_cast<double>(m + 1) * step;
        b[k] -= sign * weight[m] / step * potential_(shifted);
      }
    point[k] = x[k];
  }
}

void DriftDiffusion::validate(const char* function) const {
  detail::require(std::isfinite(sigma) && sigma > 0, function, "sigma", sigma,
                  "expected a finite number > 0");
  detail::require(std::isfinite(horizon) && horizon > 0, function, "horizon", horizon,
                  "expected a finite number > 0");
}

}  // namespace fortet
