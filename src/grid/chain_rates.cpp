#include "grid/chain_rates.hpp"

#include <array>
#include <cmath>
#include <sstream>
#include <string>

namespace fortet::grid {
namespace {

using Point = std::array<double, RegularGrid::max_dimension>;

Point node(const RegularGrid& grid, std::size_t i) {
  Point x{};
  for (int k = 0; k < grid.dimension(); ++k) x[static_cast<std::size_t>(k)] = grid.coordinate(i, k);
  return x;
}

std::string place(double t, std::span<const double> x) {
  std::ostringstream text;
  text << "at t = " << t << ", x = (";
  for (std::size_t k = 0; k < x.size(); ++k) text << (k ? ", " : "") << x[k];
  text << ")";
  return text.str();
}

/// B(z) = z / (e^z - 1).
double bernoulli(double z) {
  if (std::abs(z) < 1e-5) return 1 - z / 2 + z * z / 12;
  return z > 700 ? 0.0 : z / std::expm1(z);
}

/// Drift along `axis` at the face above node i, times spacing / D.
class FacePeclet {
 public:
  FacePeclet(const DriftDiffusion& process, const RegularGrid& grid, int axis, double t)
      : process_(process), grid_(grid), axis_(axis), t_(t), d_(static_cast<std::size_t>(grid.dimension())) {}

  double operator()(std::size_t i) const {
    const auto k = static_cast<std::size_t>(axis_);
    const double h = grid_.axis(axis_).spacing(), diffusion = 0.5 * process_.sigma * process_.sigma;
    Point x = node(grid_, i);
    double value = 0;
    if (const auto& potential = process_.drift.potential()) {
      Point next = x;
      next[k] = grid_.axis(axis_).node(grid_.index(i, axis_) + 1);
      value = (potential(view(x)) - potential(view(next))) / diffusion;
    } else {
      x[k] += 0.5 * h;
      Point b{};
      process_.drift(t_, view(x), std::span<double>(b.data(), d_));
      value = b[k] * h / diffusion;
    }
    if (!std::isfinite(value))
      detail::reject("fortet::GridIpf",
                     "drift along axis " + std::to_string(axis_) + " " + place(t_, view(x)), value,
                     "expected a finite number");
    return value;
  }

 private:
  std::span<const double> view(const Point& x) const { return {x.data(), d_}; }

  const DriftDiffusion& process_;
  const RegularGrid& grid_;
  int axis_;
  double t_;
  std::size_t d_;
};

}  // namespace

AxisRates axis_rates(const DriftDiffusion& process, const RegularGrid& grid, int axis, bool periodic,
                     double t) {
  const double h = grid.axis(axis).spacing(), scale = 0.5 * process.sigma * process.sigma / (h * h);
  const std::size_t inner = grid.inner(axis), n = static_cast<std::size_t>(grid.axis(axis).nodes);
  const FacePeclet peclet(process, grid, axis, t);
  AxisRates rates{std::vector<double>(grid.size(), 0.0), std::vector<double>(grid.size(), 0.0)};
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const bool last = i / inner % n + 1 == n;
    if (last && !periodic) continue;
    const double z = process.drift.is_zero() ? 0.0 : peclet(i);
    const std::size_t next = last ? i - (n - 1) * inner : i + inner;
    rates.up[i] = scale * bernoulli(-z);
    rates.down[next] = scale * bernoulli(z);
  }
  return rates;
}

std::vector<double> survival(const DriftDiffusion& process, const RegularGrid& grid, double t,
                             double duration) {
  std::vector<double> factor(grid.size());
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const Point x = node(grid, i);
    const std::span<const double> view(x.data(), static_cast<std::size_t>(grid.dimension()));
    const double rate = process.killing(t, view);
    if (!std::isfinite(rate))
      detail::reject("fortet::GridIpf", "killing rate " + place(t, view), rate, "expected a finite number");
    factor[i] = std::exp(-rate * duration);
  }
  return factor;
}

}  // namespace fortet::grid
