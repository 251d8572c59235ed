#include "fortet/coupling/grid_bridge.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "chunked_sum.hpp"
#include "grid/grid_gibbs.hpp"
#include "grid/interpolation.hpp"
#include "measure/allocate.hpp"

namespace fortet::impl {

using fortet::detail::allocate;

namespace {

/// exp(potential / epsilon) times the cells' masses, as logs.
Vector<double> weighted(const DefaultExec& exec, const GridMeasure& measure,
                        const ConstVector<double>& potential, double epsilon) {
  const Vector<double> terms = log_masses(exec, measure);
  Kokkos::parallel_for(
      "fortet::grid::weighted", Kokkos::RangePolicy<DefaultExec>(exec, 0, terms.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { terms(i) += potential(i) / epsilon; });
  return terms;
}

/// Log of the sum of `terms` against the transition density of `geometry`, plus `constant`.
Vector<double> spread(const DefaultExec& exec, const GridGeometry& geometry, Side rows,
                      const Vector<double>& terms, double constant) {
  const RegularGrid& states = rows == Side::source ? geometry.source : geometry.target;
  const Vector<double> out = allocate(exec, "fortet::grid::propagated", states.size());
  fortet::detail::make_heat_kernel<double>(heat_axes(geometry, rows), GridKernel::automatic)
      ->apply(exec, terms, out);
  const double shift =
      constant - 0.5 * geometry.dimension() * std::log(2 * std::numbers::pi * geometry.epsilon);
  Kokkos::parallel_for(
      "fortet::grid::normalise", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) += shift; });
  exec.fence("fortet::grid::spread");
  return out;
}

/// The same without any spreading: the log density that `terms` are on their own grid, at the states. -inf
/// outside its box.
Vector<double> unspread(const DefaultExec& exec, const GridGeometry& geometry, Side rows,
                        const Vector<double>& terms, double constant) {
  const bool forward = rows == Side::source;
  const RegularGrid &states = forward ? geometry.source : geometry.target,
                    &own = forward ? geometry.target : geometry.source;
  const int d = geometry.dimension();
  bool same = states == own;
  for (int k = 0; k < d; ++k) same = same && geometry.factor[k] == 1 && geometry.shift[k] == 0;
  double shift = constant - std::log(own.cell_volume());
  for (int k = 0; k < d && !forward; ++k) shift -= std::log(std::abs(geometry.factor[k]));
  const Vector<double> out = allocate(exec, "fortet::grid::unspread", states.size());
  Kokkos::parallel_for(
      "fortet::grid::unspread", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        if (same) {
          out(i) = terms(i) + shift;
          return;
        }
        bool inside = true;
        const auto position = [&](int k) {
          const double x = states.coordinate(i, k);
          const double at = forward ? geometry.pushed(k, x) : (x - geometry.shift[k]) / geometry.factor[k];
          inside = inside && at >= own.axis(k).lower && at <= own.axis(k).upper;
          return at;
        };
        const auto at = grid::point_stencil(own, geometry.boundary, position);
        out(i) = inside ? grid::interpolate(terms, own, at, d, 0, -1) + shift
                        : -Kokkos::Experimental::infinity_v<double>;
      });
  exec.fence("fortet::grid::unspread");
  return out;
}

/// Log of the sum of `terms` against the transition density of `geometry`, plus `constant`. A kernel of less
/// variance than h^2, which the grid it sums over does not resolve, is interpolated between none, h^2 and
/// 2 h^2: error O(h^6) for smooth densities, none where no variance is left.
Vector<double> propagate(const DefaultExec& exec, GridGeometry geometry, Side rows,
                         const Vector<double>& terms, double constant) {
  double resolved = 0;
  for (int k = 0; k < geometry.dimension(); ++k) {
    const double spacing = rows == Side::source ? geometry.target.axis(k).spacing()
                                                : geometry.factor[k] * geometry.source.axis(k).spacing();
    geometry.weight[k] = 1;  // a process is isotropic
    resolved = std::max(resolved, spacing * spacing);
  }
  const double part = geometry.epsilon / resolved;
  if (part >= 1) return spread(exec, geometry, rows, terms, constant);
  const Vector<double> none = unspread(exec, geometry, rows, terms, constant);
  if (part == 0) return none;
  geometry.epsilon = resolved;
  const Vector<double> one = spread(exec, geometry, rows, terms, constant);
  geometry.epsilon = 2 * resolved;
  const Vector<double> two = spread(exec, geometry, rows, terms, constant);
  Kokkos::parallel_for(
      "fortet::grid::interpolate_variance", Kokkos::RangePolicy<DefaultExec>(exec, 0, one.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        if (Kokkos::isfinite(none(i)) && Kokkos::isfinite(two(i)))  // else one spacing of spreading serves
          one(i) = 0.5 * (1 - part) * (2 - part) * none(i) + part * (2 - part) * one(i) -
                   0.5 * part * (1 - part) * two(i);
      });
  exec.fence("fortet::grid::interpolate_variance");
  return one;
}

Kokkos::Array<double, RegularGrid::max_dimension> as_array(const double* values, std::size_t n) {
  Kokkos::Array<double, RegularGrid::max_dimension> result{};
  for (std::size_t k = 0; k < n; ++k) result[k] = values[k];
  return result;
}

}  // namespace

RegularGrid grid_between(const RegularGrid& source, const RegularGrid& target) {
  if (source == target) return source;
  std::vector<GridAxis> axes;
  for (int k = 0; k < source.dimension(); ++k) {
    const GridAxis &a = source.axis(k), &b = target.axis(k);
    GridAxis axis{std::min(a.lower, b.lower), std::max(a.upper, b.upper), 2};
    axis.nodes = static_cast<int>(std::ceil(axis.length() / std::min(a.spacing(), b.spacing()) - 1e-9));
    axes.push_back(axis);
  }
  return RegularGrid(axes);
}

Vector<double> log_forward_factor(const DefaultExec& exec, const GridPlan& plan, GridGeometry geometry) {
  return propagate(exec, geometry, Side::source,
                   weighted(exec, plan.target(), plan.target_potential(), plan.epsilon()), 0.0);
}

Vector<double> log_backward_factor(const DefaultExec& exec, const GridPlan& plan, GridGeometry geometry) {
  return propagate(exec, geometry, Side::target,
                   weighted(exec, plan.source(), plan.source_potential(), plan.epsilon()),
                   0.5 * geometry.dimension() * std::log(2 * std::numbers::pi * plan.epsilon()));
}

void add_gradient(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                  ConstVector<double> values, double scale, ConstPoints<double> x, Points<double> out) {
  Kokkos::parallel_for(
      "fortet::grid::add_gradient", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const auto at = grid::point_stencil(grid, geometry.boundary,
                                            [&](int k) { return x(i, static_cast<std::size_t>(k)); });
        for (int k = 0; k < grid.dimension(); ++k) {
          const double slope = grid::interpolate(values, grid, at, grid.dimension(), 0, k);
          if (Kokkos::isfinite(slope)) out(i, static_cast<std::size_t>(k)) += scale * slope;
        }
      });
}

void multiply_by_density(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                         ConstVector<double> log_density, ConstPoints<double> x, Points<double> out) {
  Kokkos::parallel_for(
      "fortet::grid::multiply_by_density", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const auto at = grid::point_stencil(grid, geometry.boundary,
                                            [&](int k) { return x(i, static_cast<std::size_t>(k)); });
        const double density = Kokkos::exp(grid::interpolate(log_density, grid, at, grid.dimension(), 0, -1));
        for (std::size_t k = 0; k < out.extent(1); ++k) out(i, k) *= density;
      });
}

void linear_drift(const DefaultExec& exec, double rate, const double* mean, ConstPoints<double> x,
                  Points<double> out) {
  fortet::detail::require(out.extent(0) == x.extent(0) && out.extent(1) == x.extent(1), "fortet::GridBridge",
                          "rows of the output", out.extent(0), "expected the shape of x");
  const auto centre = as_array(mean, x.extent(1));
  Kokkos::parallel_for(
      "fortet::grid::linear_drift", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < x.extent(1); ++k) out(i, k) = rate * (centre[k] - x(i, k));
      });
}

void bridge_points(const DefaultExec& exec, RandomKey key, const BridgeStep& step, const double* mean,
                   ConstPoints<double> x0, ConstPoints<double> x1, Points<double> out) {
  const auto centre = as_array(mean, x0.extent(1));
  Kokkos::parallel_for(
      "fortet::grid::bridge_points", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < x0.extent(1); ++k)
          out(i, k) = step.from_start * x0(i, k) + step.from_end * x1(i, k) + step.from_mean * centre[k] +
                      step.deviation * random_normal(key, i, static_cast<std::uint32_t>(k));
      });
}

Vector<double> sum_of(const DefaultExec& exec, ConstVector<double> a, ConstVector<double> b) {
  const Vector<double> sum = allocate(exec, "fortet::grid::sum", a.extent(0));
  Kokkos::parallel_for(
      "fortet::grid::sum", Kokkos::RangePolicy<DefaultExec>(exec, 0, sum.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { sum(i) = a(i) + b(i); });
  exec.fence("fortet::grid::sum");
  return sum;
}

double potential_integrals(const DefaultExec& exec, const GridMeasure& mu, const GridMeasure& nu,
                           ConstVector<double> f, ConstVector<double> g) {
  double total = 0;
  for (const bool at_source : {true, false}) {
    const ConstVector<double> masses = log_masses(exec, at_source ? mu : nu), values = at_source ? f : g;
    total += chunked_sum(
        exec, "fortet::grid::integral", values.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
          const double mass = Kokkos::exp(masses(i));
          return mass > 0 ? mass * values(i) : 0.0;
        });
  }
  return total;
}

}  // namespace fortet::impl
