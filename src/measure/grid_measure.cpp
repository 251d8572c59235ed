#include "fortet/measure/grid_measure.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "chunked_sum.hpp"
#include "measure/allocate.hpp"
#include "measure/memory.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::GridMeasure";
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

double largest(const DefaultExec& exec, const ConstVector<double>& values) {
  double result = minus_infinity;
  Kokkos::parallel_reduce(
      "fortet::measure::grid_largest", Kokkos::RangePolicy<DefaultExec>(exec, 0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i, double& most) { most = values(i) > most ? values(i) : most; },
      Kokkos::Max<double>(result));
  // the reduction starts from the lowest finite number
  return result > std::numeric_limits<double>::lowest() ? result : minus_infinity;
}

/// Throws on the first value that is no logarithm of a density.
void require_log_density(const DefaultExec& exec, const ConstVector<double>& values) {
  const std::size_t n = values.extent(0);
  std::size_t first = n;
  Kokkos::parallel_reduce(
      "fortet::measure::grid_check", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i, std::size_t& smallest) {
        if (!(values(i) < Kokkos::Experimental::infinity_v<double>)&&i < smallest) smallest = i;
      },
      Kokkos::Min<std::size_t>(first));
  if (first < n)
    throw InvalidArgument(std::string(where) + ": log_density(" + std::to_string(first) +
                          ") is NaN or +inf; expected a finite number or -inf");
}

/// log_density = values - log(mass) and the running sum of the cell masses. Returns the mass.
double normalise(const DefaultExec& exec, const RegularGrid& grid, const ConstVector<double>& values,
                 const Vector<double>& log_density, const Vector<double>& cumulative) {
  const double most = largest(exec, values), volume = grid.cell_volume();
  detail::require(most > minus_infinity, where, "log_density", "-inf everywhere", "expected some mass");
  const double sum = impl::chunked_sum(
      exec, "fortet::measure::grid_mass", values.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::exp(values(i) - most); });
  const double log_mass = most + std::log(sum * volume), log_volume = std::log(volume);
  Kokkos::parallel_for(
      "fortet::measure::grid_normalise", Kokkos::RangePolicy<DefaultExec>(exec, 0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        log_density(i) = values(i) - log_mass;
        cumulative(i) = Kokkos::exp(log_density(i) + log_volume);
      });
  // the running sum is serial on the host: the same for every number of threads
  auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cumulative);
  double running = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < host.extent(0); ++i) {
    if (host(i) > 0) last = i;
    running += host(i);
    host(i) = running;
  }
  // the last cell that has mass closes the distribution, whatever rounding did to the sum
  for (std::size_t i = last; i < host.extent(0); ++i) host(i) = 1.0;
  Kokkos::deep_copy(cumulative, host);
  return std::exp(log_mass);
}

/// log of sum_j exp(weights) over a strided run, without overflow.
template <class Term>
KOKKOS_INLINE_FUNCTION double log_sum(int first, int last, const Term& term) {
  double most = -Kokkos::Experimental::infinity_v<double>, sum = 0;
  for (int j = first; j <= last; ++j) most = Kokkos::max(most, term(j));
  if (most == -Kokkos::Experimental::infinity_v<double>) return most;
  for (int j = first; j <= last; ++j) sum += Kokkos::exp(term(j) - most);
  return most + Kokkos::log(sum);
}

/// Sums axis k out: `out` lives on the grid without it. The spacing enters, so densities stay densities.
void sum_axis(const DefaultExec& exec, const RegularGrid& grid, int k, const ConstVector<double>& in,
              const Vector<double>& out) {
  const std::size_t inner = grid.inner(k);
  const int n = grid.axis(k).nodes;
  const double log_spacing = std::log(grid.axis(k).spacing());
  Kokkos::parallel_for(
      "fortet::measure::grid_sum_axis", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const std::size_t base = i / inner * inner * static_cast<std::size_t>(n) + i % inner;
        out(i) = log_spacing +
                 log_sum(0, n - 1, [&](int j) { return in(base + static_cast<std::size_t>(j) * inner); });
      });
}

/// Integral over [a, b] of the hat function of node j, flat from the outermost nodes to the walls.
KOKKOS_INLINE_FUNCTION double hat_integral(const GridAxis& axis, int j, double a, double b) {
  // in units of the spacing, measured from node j, within the walls
  const double low = Kokkos::max(axis.position(a), -0.5) - j;
  const double high = Kokkos::min(axis.position(b), axis.nodes - 0.5) - j;
  const auto primitive = [&](double s) {  // of the hat, from 0
    const bool flat = s < 0 ? j == 0 : j == axis.nodes - 1;
    if (flat) return s;
    const double r = Kokkos::min(Kokkos::abs(s), 1.0), area = r - 0.5 * r * r;
    return s < 0 ? -area : area;
  };
  return high > low ? (primitive(high) - primitive(low)) * axis.spacing() : 0.0;
}

/// Replaces axis k by `to`: each new cell receives the mean of the interpolant over it.
void resample_axis(const DefaultExec& exec, const RegularGrid& grid, int k, const GridAxis& to,
                   const ConstVector<double>& in, const Vector<double>& out) {
  const GridAxis from = grid.axis(k);
  const std::size_t inner = grid.inner(k), n = static_cast<std::size_t>(from.nodes),
                    m = static_cast<std::size_t>(to.nodes);
  Kokkos::parallel_for(
      "fortet::measure::grid_resample", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t flat) {
        const std::size_t outer = flat / (inner * m), i = flat / inner % m, rest = flat % inner;
        const double a = to.node(static_cast<double>(i) - 0.5), b = to.node(static_cast<double>(i) + 0.5);
        const double last_node = from.nodes - 1;
        const int first = static_cast<int>(Kokkos::clamp(Kokkos::floor(from.position(a)), 0.0, last_node));
        const int last = static_cast<int>(Kokkos::clamp(Kokkos::ceil(from.position(b)), 0.0, last_node));
        out(flat) = log_sum(first, last, [&](int j) {
          return in((outer * n + static_cast<std::size_t>(j)) * inner + rest) +
                 Kokkos::log(hat_integral(from, j, a, b) / to.spacing());
        });
      });
}

}  // namespace

GridMeasure::GridMeasure(RegularGrid grid, ConstVector<double> log_density) : grid_(grid) {
  detail::require_kokkos(where);
  detail::require(log_density.extent(0) == grid_.size(), where, "log_density.size()", log_density.extent(0),
                  "expected one value for each of the " + std::to_string(grid_.size()) + " nodes");
  const DefaultExec exec;
  require_log_density(exec, log_density);
  const auto values = detail::allocate(exec, "fortet::measure::grid_log_density", grid_.size());
  const auto cumulative = detail::allocate(exec, "fortet::measure::grid_cumulative", grid_.size());
  mass_ = normalise(exec, grid_, log_density, values, cumulative);
  log_density_ = values;
  cumulative_ = cumulative;
}

void GridMeasure::sample_nodes(const execution_space& exec, RandomKey key, Points<double> out) const {
  detail::require(static_cast<int>(out.extent(1)) == dimension(), "fortet::GridMeasure::sample",
                  "out.extent(1)", out.extent(1), "expected the grid's dimension");
  const auto cumulative = cumulative_;
  const RegularGrid grid = grid_;
  Kokkos::parallel_for(
      "fortet::measure::grid_sample", Kokkos::RangePolicy<execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double u = random_uniform(key, i, 0);
        std::size_t low = 0, high = cumulative.extent(0) - 1;
        while (low < high) {  // first cell whose cumulative mass exceeds u
          const std::size_t middle = (low + high) / 2;
          if (cumulative(middle) > u)
            high = middle;
          else
            low = middle + 1;
        }
        for (int k = 0; k < grid.dimension(); ++k)
          out(i, static_cast<std::size_t>(k)) = grid.coordinate(low, k);
      });
}

void GridMeasure::sample(const execution_space& exec, RandomKey key, Points<double> out) const {
  sample_nodes(exec, key, out);
  detail::offset_in_cells(exec, key.child(0), grid_, out);
}

void GridMeasure::log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const {
  detail::require(static_cast<int>(x.extent(1)) == dimension(), "fortet::GridMeasure::log_density",
                  "x.extent(1)", x.extent(1), "expected the grid's dimension");
  detail::require(out.extent(0) == x.extent(0), "fortet::GridMeasure::log_density", "out.extent(0)",
                  out.extent(0), "expected one entry for each row of x");
  const auto values = log_density_;
  const RegularGrid grid = grid_;
  Kokkos::parallel_for(
      "fortet::measure::grid_log_density", Kokkos::RangePolicy<execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        std::size_t base = 0, step[RegularGrid::max_dimension];
        double upper_share[RegularGrid::max_dimension];
        bool inside = true;
        for (int k = 0; k < grid.dimension(); ++k) {
          const GridAxis& axis = grid.axis(k);
          const double value = x(i, static_cast<std::size_t>(k));
          inside = inside && value >= axis.lower && value <= axis.upper;
          const double last = axis.nodes - 1;
          const double position = Kokkos::clamp(inside ? axis.position(value) : 0.0, 0.0, last);
          const double cell = Kokkos::min(Kokkos::floor(position), last - 1);
          base += static_cast<std::size_t>(cell) * grid.inner(k);
          step[k] = grid.inner(k);
          upper_share[k] = position - cell;
        }
        const auto corner = [&](int c) {
          std::size_t flat = base;
          double share = 1;
          for (int k = 0; k < grid.dimension(); ++k) {
            const bool up = (c >> k) & 1;
            flat += up ? step[k] : 0;
            share *= up ? upper_share[k] : 1 - upper_share[k];
          }
          return share > 0 ? values(flat) + Kokkos::log(share) : -Kokkos::Experimental::infinity_v<double>;
        };
        out(i) = inside ? log_sum(0, (1 << grid.dimension()) - 1, corner)
                        : -Kokkos::Experimental::infinity_v<double>;
      });
}

std::vector<double> GridMeasure::mean(const execution_space& exec) const {
  const auto values = log_density_;
  const RegularGrid grid = grid_;
  const double volume = grid.cell_volume();
  const auto sum = impl::chunked_sums<RegularGrid::max_dimension>(
      exec, "fortet::measure::grid_mean", size(), KOKKOS_LAMBDA(const std::size_t i, double* acc) {
        const double p = Kokkos::exp(values(i)) * volume;
        for (int k = 0; k < grid.dimension(); ++k) acc[k] += p * grid.coordinate(i, k);
      });
  return {sum.begin(), sum.begin() + dimension()};
}

Matrix GridMeasure::covariance(const execution_space& exec) const {
  constexpr int max = RegularGrid::max_dimension;
  const auto values = log_density_;
  const RegularGrid grid = grid_;
  const double volume = grid.cell_volume();
  const std::vector<double> centre = mean(exec);
  Kokkos::Array<double, max> m{};
  for (std::size_t k = 0; k < centre.size(); ++k) m[k] = centre[k];
  const auto sum = impl::chunked_sums<max * max>(
      exec, "fortet::measure::grid_covariance", size(), KOKKOS_LAMBDA(const std::size_t i, double* acc) {
        const double p = Kokkos::exp(values(i)) * volume;
        for (int k = 0; k < grid.dimension(); ++k)
          for (int l = 0; l <= k; ++l)
            acc[k * max + l] += p * (grid.coordinate(i, k) - m[k]) * (grid.coordinate(i, l) - m[l]);
      });
  Matrix result(centre.size(), centre.size());
  for (std::size_t k = 0; k < centre.size(); ++k)
    for (std::size_t l = 0; l < centre.size(); ++l) result(k, l) = sum[std::max(k, l) * max + std::min(k, l)];
  return result;
}

double GridMeasure::entropy(const execution_space& exec) const {
  const auto values = log_density_;
  const double sum = impl::chunked_sum(
      exec, "fortet::measure::grid_entropy", size(), KOKKOS_LAMBDA(const std::size_t i) {
        const double p = Kokkos::exp(values(i));
        return p > 0 ? p * values(i) : 0.0;
      });
  return -sum * grid_.cell_volume();
}

GridMeasure GridMeasure::marginal(const execution_space& exec, const std::vector<int>& axes) const {
  const RegularGrid target = grid_.subgrid(axes);
  for (std::size_t a = 0; a < axes.size(); ++a)
    detail::require(std::count(axes.begin(), axes.end(), axes[a]) == 1, "fortet::GridMeasure::marginal",
                    "axis named twice", axes[a], "expected each axis once");
  std::vector<int> left(static_cast<std::size_t>(dimension()));
  for (std::size_t k = 0; k < left.size(); ++k) left[k] = static_cast<int>(k);
  ConstVector<double> current = log_density_;
  RegularGrid grid = grid_;
  for (int k = dimension(); k-- > 0;) {
    if (std::count(axes.begin(), axes.end(), k)) continue;
    const auto out = detail::allocate(exec, "fortet::measure::grid_marginal",
                                      grid.size() / static_cast<std::size_t>(grid.axis(k).nodes));
    sum_axis(exec, grid, k, current, out);
    left.erase(left.begin() + k);
    std::vector<int> kept;
    for (int a = 0; a < grid.dimension(); ++a)
      if (a != k) kept.push_back(a);
    grid = grid.subgrid(kept);
    current = out;
  }
  // the axes left are in their old order; bring them into the order asked for
  const auto ordered = detail::allocate(exec, "fortet::measure::grid_marginal", target.size());
  Kokkos::Array<std::size_t, RegularGrid::max_dimension> stride{};
  for (std::size_t a = 0; a < axes.size(); ++a)
    stride[a] = grid.inner(static_cast<int>(std::find(left.begin(), left.end(), axes[a]) - left.begin()));
  Kokkos::parallel_for(
      "fortet::measure::grid_reorder", Kokkos::RangePolicy<execution_space>(exec, 0, target.size()),
      KOKKOS_LAMBDA(const std::size_t i) {
        std::size_t flat = 0;
        for (int a = 0; a < target.dimension(); ++a)
          flat += static_cast<std::size_t>(target.index(i, a)) * stride[static_cast<std::size_t>(a)];
        ordered(i) = current(flat);
      });
  exec.fence("fortet::GridMeasure::marginal");
  return GridMeasure(target, ordered);
}

GridMeasure GridMeasure::resample(const execution_space& exec, const RegularGrid& grid) const {
  detail::require(grid.dimension() == dimension(), "fortet::GridMeasure::resample", "grid.dimension()",
                  grid.dimension(), "expected the measure's dimension");
  detail::require_grid_memory("fortet::GridMeasure::resample", grid, 4);
  ConstVector<double> current = log_density_;
  RegularGrid mixed = grid_;
  for (int k = 0; k < dimension(); ++k) {
    const RegularGrid next = mixed.with_axis(k, grid.axis(k));
    const auto out = detail::allocate(exec, "fortet::measure::grid_resampled", next.size());
    resample_axis(exec, mixed, k, grid.axis(k), current, out);
    mixed = next;
    current = out;
  }
  exec.fence("fortet::GridMeasure::resample");
  return GridMeasure(grid, current);
}

GridMeasure grid_measure(const RegularGrid& grid,
                         const std::function<double(std::span<const double>)>& log_density) {
  detail::require(bool(log_density), "fortet::grid_measure", "log_density", "empty", "expected a callable");
  detail::require_grid_memory("fortet::grid_measure", grid, 4);
  std::vector<double> values(grid.size()), x(static_cast<std::size_t>(grid.dimension()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (int k = 0; k < grid.dimension(); ++k) x[static_cast<std::size_t>(k)] = grid.coordinate(i, k);
    values[i] = log_density(x);
  }
  return GridMeasure(grid, vector_from_host<double>(std::span<const double>(values)));
}

template <class Real>
GridMeasure histogram(const RegularGrid& grid, const PointCloud<Real>& cloud) {
  constexpr const char* function = "fortet::histogram";
  detail::require(cloud.dimension() == grid.dimension(), function, "cloud.dimension()", cloud.dimension(),
                  "expected the grid's dimension");
  detail::require_grid_memory(function, grid, 4);
  const auto points = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.points());
  const auto log_weights = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.log_weights());
  std::vector<double> weights(grid.size(), 0.0);
  double kept = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    std::size_t flat = 0;
    bool inside = true;
    for (int k = 0; k < grid.dimension(); ++k) {
      const GridAxis& axis = grid.axis(k);
      const double x = static_cast<double>(points(i, static_cast<std::size_t>(k)));
      inside = inside && x >= axis.lower && x <= axis.upper;
      if (!inside) break;
      const int cell = std::min(static_cast<int>((x - axis.lower) / axis.spacing()), axis.nodes - 1);
      flat += static_cast<std::size_t>(cell) * grid.inner(k);
    }
    if (!inside) continue;
    weights[flat] += std::exp(static_cast<double>(log_weights(i)));
    kept += std::exp(static_cast<double>(log_weights(i)));
  }
  detail::require(kept > 0, function, "weight inside the box", kept, "expected atoms inside the box");
  const double log_volume = std::log(grid.cell_volume());
  for (double& w : weights) w = std::log(w) - log_volume;
  return GridMeasure(grid, vector_from_host<double>(std::span<const double>(weights)));
}

template <class Real>
PointCloud<Real> atoms(const GridMeasure& measure) {
  const RegularGrid grid = measure.grid();
  const std::vector<double> log_density = to_host(Vector<const double>(measure.log_density()));
  const double volume = grid.cell_volume();
  const std::size_t d = static_cast<std::size_t>(grid.dimension());
  std::vector<Real> points;
  std::vector<double> weights;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    const double weight = std::exp(log_density[i]) * volume;
    if (weight == 0) continue;
    weights.push_back(weight);
    for (std::size_t k = 0; k < d; ++k)
      points.push_back(static_cast<Real>(grid.coordinate(i, static_cast<int>(k))));
  }
  return PointCloud<Real>(points_from_host<Real>(std::span<const Real>(points), weights.size(), d),
                          vector_from_host<Real>(std::span<const double>(weights)))
      .normalised();
}

namespace detail {

void offset_in_cells(const DefaultExec& exec, RandomKey key, const RegularGrid& grid, Points<double> x) {
  Kokkos::parallel_for(
      "fortet::measure::offset_in_cells", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (int k = 0; k < grid.dimension(); ++k) {
          const auto slot = 2 * static_cast<std::uint32_t>(k);
          const auto column = static_cast<std::size_t>(k);
          const double offset = random_uniform(key, i, slot) + random_uniform(key, i, slot + 1) - 1;
          x(i, column) = mirrored(grid.axis(k), x(i, column) + offset * grid.axis(k).spacing());
        }
      });
}

void grid_points(const DefaultExec& exec, const RegularGrid& grid, std::size_t first, Points<double> out) {
  Kokkos::parallel_for(
      "fortet::measure::grid_points", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (int k = 0; k < grid.dimension(); ++k)
          out(i, static_cast<std::size_t>(k)) = grid.coordinate(first + i, k);
      });
}

void require_grid_memory(const char* function, const RegularGrid& grid, double numbers_a_node) {
  double bytes = sizeof(double) * numbers_a_node;  // not size(): it may overflow
  for (const GridAxis& axis : grid.axes()) bytes *= axis.nodes;
  require_memory(function, bytes);
}

}  // namespace detail

template GridMeasure histogram(const RegularGrid&, const PointCloud<float>&);
template GridMeasure histogram(const RegularGrid&, const PointCloud<double>&);
template PointCloud<float> atoms(const GridMeasure&);
template PointCloud<double> atoms(const GridMeasure&);

}  // namespace fortet
