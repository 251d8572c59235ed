#include "fortet/coupling/chain_bridge.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "chunked_sum.hpp"
#include "fortet/coupling/grid_bridge.hpp"
#include "grid/cells.hpp"
#include "grid/chain.hpp"
#include "grid/grid_gibbs.hpp"
#include "grid/interpolation.hpp"
#include "measure/allocate.hpp"

namespace fortet {

using detail::allocate;
using impl::GridGeometry;

namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

/// log masses + potential / epsilon + constant, of the chain's cells.
Vector<double> weighted(const DefaultExec& exec, const GridMeasure& measure, const RegularGrid& states,
                        const ConstVector<double>& potential, double epsilon, double constant) {
  const Vector<double> terms = impl::log_masses(exec, measure);
  Kokkos::parallel_for(
      "fortet::grid::chain_end", Kokkos::RangePolicy<DefaultExec>(exec, 0, terms.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { terms(i) += potential(i) / epsilon + constant; });
  return grid::spread(exec, {measure.grid(), states}, terms);
}

double log_volume(const RegularGrid& grid) { return std::log(grid.cell_volume()); }
double log_gaussian(const GridGeometry& geometry) {
  return 0.5 * geometry.dimension() * std::log(2 * std::numbers::pi * geometry.epsilon);
}

Vector<double> mixed(const DefaultExec& exec, const ConstVector<double>& a, const ConstVector<double>& b,
                     double share_of_b) {
  const Vector<double> out = allocate(exec, "fortet::grid::chain_mixed", a.extent(0));
  Kokkos::parallel_for(
      "fortet::grid::chain_mixed", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = (1 - share_of_b) * a(i) + share_of_b * b(i); });
  exec.fence("fortet::grid::chain_mixed");
  return out;
}

/// Quintic interpolation of the values at a grid's nodes at rows of x.
void interpolate_at(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                    const ConstVector<double>& values, const ConstPoints<double>& x,
                    const Points<double>& out, std::size_t column) {
  Kokkos::parallel_for(
      "fortet::grid::chain_interpolate", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const auto at = grid::point_stencil(grid, geometry.boundary,
                                            [&](int k) { return x(i, static_cast<std::size_t>(k)); });
        out(i, column) = grid::interpolate(values, grid, at, grid.dimension(), 0, -1);
      });
}

/// out(i, :) += scale * gradient at x(i, :) of the quintic interpolant of `values`.
void add_slope(const DefaultExec& exec, const GridGeometry& geometry, const ConstVector<double>& values,
               double scale, const ConstPoints<double>& x, const Points<double>& out) {
  impl::add_gradient(exec, geometry.source, geometry, values, scale, x, out);
}

/// Row i of R(dt A) along one line: R^T applied to a unit vector. `row` and `kept` hold n numbers.
struct LineRow {
  grid::LineBlocks lines;
  grid::AxisFactor f;
  grid::StepFormula formula;

  KOKKOS_FUNCTION void solve(std::size_t line, double* a) const {
    const std::size_t n = lines.nodes;
    for (std::size_t i = 1; i < n; ++i) a[i] += f.upper(lines.packed(line, i - 1)) * a[i - 1];
    double carry = 0;
    for (std::size_t i = n; i-- > 0;) {
      const double value = a[i] + carry;
      a[i] = f.inverse(lines.packed(line, i)) * value;
      carry = f.lower(lines.packed(line, i)) * value;
    }
    if (f.right.extent(0) == 0) return;
    const double scale = (f.first(line) * a[0] + f.last(line) * a[n - 1]) * f.gain(line);
    for (std::size_t i = 0; i < n; ++i) a[i] += scale * f.left(lines.packed(line, i));
  }
  KOKKOS_FUNCTION void operator()(std::size_t line, std::size_t node, double* row, double* kept) const {
    for (std::size_t i = 0; i < lines.nodes; ++i) row[i] = i == node ? 1.0 : 0.0;
    solve(line, row);
    if (formula.cube == 0) return;
    solve(line, row);
    for (std::size_t i = 0; i < lines.nodes; ++i) kept[i] = row[i];
    solve(line, row);
    for (std::size_t i = 0; i < lines.nodes; ++i)
      row[i] = Kokkos::fmax(formula.cube * row[i] + formula.square * kept[i], 0.0);
  }
};

/// Each walker moves along its line to node j with probability proportional to R_ij after_j.
void walk_stage(const DefaultExec& exec, RandomKey key, const LineRow& rows, const ConstVector<double>& after,
                const Vector<int>& nodes) {
  using Policy = Kokkos::TeamPolicy<DefaultExec>;
  const grid::LineBlocks lines = rows.lines;
  const std::size_t n = lines.nodes;
  Policy policy(exec, static_cast<int>(nodes.extent(0)), 1);
  policy.set_scratch_size(1, Kokkos::PerTeam(static_cast<int>((2 * n + 2) * sizeof(double))));
  Kokkos::parallel_for(
      "fortet::grid::chain_walk", policy, KOKKOS_LAMBDA(const Policy::member_type& member) {
        const auto walker = static_cast<std::size_t>(member.league_rank());
        auto* row = static_cast<double*>(member.team_scratch(1).get_shmem_aligned(2 * n * sizeof(double), 8));
        const auto flat = static_cast<std::size_t>(nodes(walker));
        const std::size_t node = flat / lines.inner % n,
                          line = flat / (lines.inner * n) * lines.inner + flat % lines.inner;
        rows(line, node, row, row + n);
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) sum += row[j] * after(lines.natural(line, j));
        double left = random_uniform(key, walker, 0) * sum;
        std::size_t chosen = node;
        for (std::size_t j = 0; j < n && left > 0; ++j) {
          const double weight = row[j] * after(lines.natural(line, j));
          if (weight > 0) chosen = j;  // the last node with weight serves if rounding leaves a remainder
          left -= weight;
        }
        nodes(walker) = static_cast<int>(lines.natural(line, chosen));
      });
}

/// exp(values - max).
Vector<double> scaled_exp(const DefaultExec& exec, const ConstVector<double>& values) {
  double most = minus_infinity;
  Kokkos::parallel_reduce(
      "fortet::grid::chain_most", Kokkos::RangePolicy<DefaultExec>(exec, 0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i, double& m) { m = values(i) > m ? values(i) : m; },
      Kokkos::Max<double>(most));
  const Vector<double> out = allocate(exec, "fortet::grid::chain_scaled", values.extent(0));
  constexpr double head = 200;
  Kokkos::parallel_for(
      "fortet::grid::chain_scaled", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = Kokkos::exp(values(i) - most + head); });
  return out;
}

/// Coordinates of nodes.
void place(const DefaultExec& exec, const RegularGrid& grid, const Vector<int>& nodes,
           const Points<double>& out) {
  Kokkos::parallel_for(
      "fortet::grid::chain_place", Kokkos::RangePolicy<DefaultExec>(exec, 0, nodes.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (int k = 0; k < grid.dimension(); ++k)
          out(i, static_cast<std::size_t>(k)) = grid.coordinate(static_cast<std::size_t>(nodes(i)), k);
      });
}

void require_shape(const char* function, int dimension, std::size_t columns, std::size_t rows,
                   std::size_t expected) {
  const std::string where = std::string("fortet::ChainBridge::") + function;
  detail::require(static_cast<int>(columns) == dimension, where, "dimension of x", columns,
                  "expected " + std::to_string(dimension));
  detail::require(rows == expected, where, "rows of the output", rows,
                  "expected " + std::to_string(expected));
}

GridGeometry chain_geometry(const RegularGrid& grid, const std::vector<Boundary>& boundary, double epsilon) {
  GridGeometry geometry{.source = grid, .target = grid, .epsilon = epsilon};
  for (int k = 0; k < grid.dimension(); ++k) geometry.boundary[k] = boundary[static_cast<std::size_t>(k)];
  return geometry;
}

/// The corner of x's cell of node positions, `bits` saying which, and its multilinear weight.
KOKKOS_INLINE_FUNCTION std::size_t corner_of(const RegularGrid& grid, const double* x, int bits,
                                             double& weight) {
  std::size_t node = 0;
  weight = 1;
  for (int k = 0; k < grid.dimension(); ++k) {
    const double last = grid.axis(k).nodes - 1;
    const double position = Kokkos::clamp(grid.axis(k).position(x[k]), 0.0, last);
    const double low = Kokkos::fmin(Kokkos::floor(position), last - 1);
    const bool up = (bits >> k) & 1;
    node += static_cast<std::size_t>(low + (up ? 1 : 0)) * grid.inner(k);
    weight *= up ? position - low : 1 - position + low;
  }
  return node;
}

}  // namespace

ChainBridge::ChainBridge(const DefaultExec& exec, GridMeasure source, GridMeasure target,
                         std::shared_ptr<const grid::Chain> chain, const std::vector<Boundary>& boundary,
                         ConstVector<double> source_potential, ConstVector<double> target_potential)
    : source_(std::move(source)),
      target_(std::move(target)),
      chain_(std::move(chain)),
      geometry_(chain_geometry(chain_->grid(), boundary, chain_->process().epsilon())),
      f_(source_potential),
      g_(target_potential) {
  const int steps = chain_->steps();
  stride_ = (steps + 63) / 64;
  const int count = (steps + stride_ - 1) / stride_;
  for (auto& snapshots : snapshots_) snapshots.resize(static_cast<std::size_t>(count) + 1);
  const auto at = [&](int s) { return std::min(s * stride_, steps); };
  const std::size_t last = static_cast<std::size_t>(count);
  snapshots_[0][last] = weighted(exec, target_, grid(), g_, epsilon(), -log_volume(grid()));
  snapshots_[1][0] =
      weighted(exec, source_, grid(), f_, epsilon(), log_gaussian(geometry_) - log_volume(grid()));
  for (int s = count; s-- > 0;) {
    const auto u = static_cast<std::size_t>(s);
    const Vector<double> out = allocate(exec, "fortet::grid::chain_log_phi", grid().size());
    chain_->apply_log(exec, false, at(s), at(s + 1), snapshots_[0][u + 1], out);
    snapshots_[0][u] = out;
  }
  for (int s = 0; s < count; ++s) {
    const auto u = static_cast<std::size_t>(s);
    const Vector<double> out = allocate(exec, "fortet::grid::chain_log_phi_hat", grid().size());
    chain_->apply_log(exec, true, at(s), at(s + 1), snapshots_[1][u], out);
    snapshots_[1][u + 1] = out;
  }
  find_means(exec);
  wall_contact_ = measure_wall_contact(exec);
}

const DriftDiffusion& ChainBridge::reference() const { return chain_->process(); }
int ChainBridge::steps() const { return chain_->steps(); }

void ChainBridge::find_means(const DefaultExec& exec) {
  const GridGeometry geometry = geometry_;
  const ConstVector<double> end = snapshots_[0].back(), total = snapshots_[0].front();
  const Vector<double> in = allocate(exec, "fortet::grid::chain_mean_terms", grid().size());
  for (int k = 0; k < geometry_.dimension(); ++k) {
    const double low = grid().axis(k).lower;
    const Vector<double> mean = allocate(exec, "fortet::grid::chain_means", grid().size());
    Kokkos::parallel_for(
        "fortet::grid::chain_mean_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) {
          in(j) = end(j) + Kokkos::log(geometry.source.coordinate(j, k) - low);
        });
    chain_->apply_log(exec, false, 0, steps(), in, mean);
    Kokkos::parallel_for(
        "fortet::grid::chain_means", Kokkos::RangePolicy<DefaultExec>(exec, 0, mean.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { mean(i) = low + Kokkos::exp(mean(i) - total(i)); });
    means_[k] = mean;
  }
  exec.fence("fortet::grid::chain_means");
}

/// Largest over the snapshots of the density at the walls of free axes, summed along them, times
/// sigma sqrt(horizon): without dimension and without the spacing.
double ChainBridge::measure_wall_contact(const DefaultExec& exec) const {
  const GridGeometry geometry = geometry_;
  const double volume = grid().cell_volume(), reach = std::sqrt(epsilon());
  double most = 0;
  for (std::size_t s = 0; s < snapshots_[0].size(); ++s) {
    const ConstVector<double> a = snapshots_[0][s], b = snapshots_[1][s];
    most =
        std::max(most, impl::chunked_sum(
                           exec, "fortet::grid::chain_wall", a.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
                             double sum = 0;
                             for (int k = 0; k < geometry.dimension(); ++k) {
                               const int j = geometry.source.index(i, k);
                               const GridAxis& axis = geometry.source.axis(k);
                               if (geometry.boundary[k] == Boundary::free && (j == 0 || j + 1 == axis.nodes))
                                 sum += Kokkos::exp(a(i) + b(i)) * volume / axis.spacing() * reach;
                             }
                             return sum;
                           }));
  }
  return most;
}

void ChainBridge::require_time(const char* function, double t) const {
  detail::require(t >= 0 && t <= reference().horizon, std::string("fortet::ChainBridge::") + function, "t", t,
                  "expected a time in [0, horizon]");
}

Vector<double> ChainBridge::at_step(const DefaultExec& exec, bool hat, int n) const {
  const int s = hat            ? n / stride_
                : n == steps() ? static_cast<int>(snapshots_[0].size()) - 1
                               : (n + stride_ - 1) / stride_;
  const int there = std::min(s * stride_, steps());
  const ConstVector<double> snapshot = snapshots_[hat][static_cast<std::size_t>(s)];
  const Vector<double> out = allocate(exec, "fortet::grid::chain_state", grid().size());
  if (there == n) {
    Kokkos::deep_copy(exec, out, snapshot);
    exec.fence("fortet::grid::chain_state");
  } else {
    chain_->apply_log(exec, hat, std::min(n, there), std::max(n, there), snapshot, out);
  }
  return out;
}

Vector<double> ChainBridge::at_time(const DefaultExec& exec, bool hat, double t) const {
  const double position = t / chain_->step();
  const int below = std::min(static_cast<int>(position + 1e-9), steps());
  const double share = position - below;
  if (share < 1e-9 || below == steps()) return at_step(exec, hat, below);
  return mixed(exec, at_step(exec, hat, below), at_step(exec, hat, below + 1), share);
}

Vector<double> ChainBridge::log_phi(const DefaultExec& exec, double t) const {
  require_time("log_phi", t);
  return at_time(exec, false, t);
}
Vector<double> ChainBridge::log_phi_hat(const DefaultExec& exec, double t) const {
  require_time("log_phi_hat", t);
  return at_time(exec, true, t);
}
GridMeasure ChainBridge::marginal(const DefaultExec& exec, double t) const {
  require_time("marginal", t);
  return GridMeasure(grid(), impl::sum_of(exec, log_phi(exec, t), log_phi_hat(exec, t)));
}

void ChainBridge::add_reference_drift(const DefaultExec& exec, double t, double sign, In x, Out out) const {
  const auto points = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, x);
  const auto drifts = Kokkos::create_mirror_view(Kokkos::HostSpace{}, out);
  const std::size_t d = x.extent(1);
  std::vector<double> place(d), b(d, 0.0);
  for (std::size_t i = 0; i < x.extent(0); ++i) {
    for (std::size_t k = 0; k < d; ++k) place[k] = points(i, k);
    reference().drift(t, place, b);
    for (std::size_t k = 0; k < d; ++k) drifts(i, k) = sign * b[k];
  }
  Kokkos::deep_copy(exec, out, drifts);
  exec.fence("fortet::grid::chain_reference_drift");
}

void ChainBridge::forward_drift(const DefaultExec& exec, double t, In x, Out out) const {
  require_time("forward_drift", t);
  require_shape("forward_drift", source_dimension(), x.extent(1), out.extent(0), x.extent(0));
  add_reference_drift(exec, t, 1.0, x, out);
  add_slope(exec, geometry_, log_phi(exec, t), reference().sigma * reference().sigma, x, out);
  exec.fence("fortet::grid::forward_drift");
}
void ChainBridge::backward_drift(const DefaultExec& exec, double t, In x, Out out) const {
  require_time("backward_drift", t);
  require_shape("backward_drift", source_dimension(), x.extent(1), out.extent(0), x.extent(0));
  add_reference_drift(exec, t, -1.0, x, out);
  add_slope(exec, geometry_, log_phi_hat(exec, t), reference().sigma * reference().sigma, x, out);
  exec.fence("fortet::grid::backward_drift");
}
void ChainBridge::probability_flow_drift(const DefaultExec& exec, double t, In x, Out out) const {
  require_time("probability_flow_drift", t);
  require_shape("probability_flow_drift", source_dimension(), x.extent(1), out.extent(0), x.extent(0));
  add_reference_drift(exec, t, 1.0, x, out);
  const double half = 0.5 * reference().sigma * reference().sigma;
  add_slope(exec, geometry_, log_phi(exec, t), half, x, out);
  add_slope(exec, geometry_, log_phi_hat(exec, t), -half, x, out);
  exec.fence("fortet::grid::probability_flow_drift");
}
void ChainBridge::current(const DefaultExec& exec, double t, In x, Out out) const {
  probability_flow_drift(exec, t, x, out);
  impl::multiply_by_density(exec, grid(), geometry_,
                            impl::sum_of(exec, log_phi(exec, t), log_phi_hat(exec, t)), x, out);
  exec.fence("fortet::grid::current");
}

double ChainBridge::kl_to_reference(const DefaultExec& exec) const {
  return impl::potential_integrals(exec, source_, target_, f_, g_) / epsilon() - target_.entropy(exec) +
         log_gaussian(geometry_);
}

void ChainBridge::source_potential(const DefaultExec& exec, In x, Vector<double> out) const {
  require_shape("source_potential", source_dimension(), x.extent(1), out.extent(0), x.extent(0));
  interpolate_at(exec, source_.grid(), geometry_, f_, x, Out(out.data(), out.extent(0), 1), 0);
}
void ChainBridge::target_potential(const DefaultExec& exec, In y, Vector<double> out) const {
  require_shape("target_potential", source_dimension(), y.extent(1), out.extent(0), y.extent(0));
  interpolate_at(exec, target_.grid(), geometry_, g_, y, Out(out.data(), out.extent(0), 1), 0);
}
void ChainBridge::conditional_mean(const DefaultExec& exec, In x0, Out mean) const {
  require_shape("conditional_mean", source_dimension(), x0.extent(1), mean.extent(0), x0.extent(0));
  for (int k = 0; k < geometry_.dimension(); ++k)
    interpolate_at(exec, grid(), geometry_, means_[k], x0, mean, static_cast<std::size_t>(k));
}

void ChainBridge::log_density_ratio(const DefaultExec& exec, In x0, In x1, Vector<double> out) const {
  require_shape("log_density_ratio", source_dimension(), x0.extent(1), x1.extent(0), x0.extent(0));
  require_shape("log_density_ratio", source_dimension(), x1.extent(1), out.extent(0), x0.extent(0));
  struct Share {
    std::size_t row;
    double weight;
  };
  const grid::Cells from_cells{source_.grid(), grid()}, to_cells{target_.grid(), grid()};
  std::map<std::size_t, std::vector<Share>> starts;  // rows by the corners of their cells
  const std::vector<double> from = to_host(x0), to = to_host(x1);
  const auto d = x0.extent(1);
  for (std::size_t i = 0; i < x0.extent(0); ++i)
    for (int corner = 0; corner < 1 << d; ++corner) {
      double weight;
      const std::size_t node = corner_of(source_.grid(), from.data() + i * d, corner, weight);
      if (weight > 0) starts[node].push_back({i, weight});
    }
  std::vector<double> log_kernel(x0.extent(0), 0.0);
  const Vector<double> transition = allocate(exec, "fortet::grid::chain_transition", target_.size());
  const double constant = log_gaussian(geometry_) - log_volume(grid());
  for (const auto& [node, rows] : starts) {
    std::vector<double> unit(source_.size(), minus_infinity);
    unit[node] = 0;
    const auto states =
        grid::spread(exec, from_cells, vector_from_host<double>(std::span<const double>(unit)));
    chain_->apply_log(exec, true, 0, steps(), states, states);
    grid::log_means(exec, to_cells, states, transition);
    std::vector<double> ends(rows.size() * d);
    for (std::size_t r = 0; r < rows.size(); ++r)
      std::copy_n(to.data() + rows[r].row * d, d, ends.data() + r * d);
    const Vector<double> values = allocate(exec, "fortet::grid::chain_log_kernel", rows.size());
    interpolate_at(exec, target_.grid(), geometry_, transition,
                   points_from_host<double>(std::span<const double>(ends), rows.size(), d),
                   Out(values.data(), rows.size(), 1), 0);
    exec.fence("fortet::grid::chain_log_kernel");
    const auto found = to_host(values);
    for (std::size_t r = 0; r < rows.size(); ++r)
      log_kernel[rows[r].row] += rows[r].weight * (found[r] + constant);
  }
  const Vector<double> g = allocate(exec, "fortet::grid::chain_target_part", out.extent(0));
  const auto log_k = vector_from_host<double>(std::span<const double>(log_kernel));
  source_potential(exec, x0, out);
  target_potential(exec, x1, g);
  const double eps = epsilon();
  Kokkos::parallel_for(
      "fortet::grid::chain_log_density_ratio", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = (out(i) + g(i)) / eps + log_k(i); });
  exec.fence("fortet::grid::chain_log_density_ratio");
}

void ChainBridge::start_nodes(const DefaultExec& exec, RandomKey key, In x0, Vector<int> nodes) const {
  const RegularGrid grid = this->grid();
  const ConstVector<double> log_phi0 = snapshots_[0].front();
  Kokkos::parallel_for(
      "fortet::grid::chain_start", Kokkos::RangePolicy<DefaultExec>(exec, 0, x0.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double x[RegularGrid::max_dimension] = {}, most = -Kokkos::Experimental::infinity_v<double>, sum = 0;
        for (int k = 0; k < grid.dimension(); ++k) x[k] = x0(i, static_cast<std::size_t>(k));
        const int corners = 1 << grid.dimension();
        const auto log_weight = [&](int corner, std::size_t& node) {
          double weight;
          node = corner_of(grid, x, corner, weight);
          return weight > 1e-12 ? Kokkos::log(weight) + log_phi0(node)
                                : -Kokkos::Experimental::infinity_v<double>;
        };
        std::size_t node = 0;
        for (int c = 0; c < corners; ++c) most = Kokkos::fmax(most, log_weight(c, node));
        for (int c = 0; c < corners; ++c) sum += Kokkos::exp(log_weight(c, node) - most);
        double left = random_uniform(key, i, 0) * sum;
        for (int c = 0; c < corners && left > 0; ++c) {
          const double weight = Kokkos::exp(log_weight(c, node) - most);
          if (weight > 0) nodes(i) = static_cast<int>(node);
          left -= weight;
        }
      });
}

void ChainBridge::walk(const DefaultExec& exec, RandomKey key, int first, int last, Vector<int> nodes) const {
  for (int n = first; n < last; ++n) {
    const auto stages = chain_->stages(n);
    // what is still ahead after each stage
    std::vector<Vector<double>> ahead(stages.size());
    ahead.back() = scaled_exp(exec, at_step(exec, false, n + 1));
    if (const auto killed = chain_->survival(n); killed.extent(0)) {
      const Vector<double> end = ahead.back();
      Kokkos::parallel_for(
          "fortet::grid::chain_killed", Kokkos::RangePolicy<DefaultExec>(exec, 0, end.extent(0)),
          KOKKOS_LAMBDA(const std::size_t i) { end(i) *= killed(i); });
    }
    for (std::size_t s = stages.size() - 1; s-- > 0;) {
      ahead[s] = allocate(exec, "fortet::grid::chain_ahead", grid().size());
      Kokkos::deep_copy(exec, ahead[s], ahead[s + 1]);
      chain_->apply_stage(exec, stages[s + 1], false, ahead[s]);
    }
    for (std::size_t s = 0; s < stages.size(); ++s)
      walk_stage(exec, key.child(static_cast<std::uint64_t>(n) * 8 + s),
                 {chain_->blocks(stages[s].axis), stages[s].factor, chain_->formula()}, ahead[s], nodes);
  }
  exec.fence("fortet::grid::chain_walk");
}

GridMeasure ChainBridge::start(const DefaultExec& exec) const {
  return source_.grid() == grid() ? source_ : marginal(exec, 0);
}

void ChainBridge::sample(const DefaultExec& exec, RandomKey key, Out x0, Out x1) const {
  start(exec).sample_nodes(exec, key.child(0), x0);
  sample_conditional(exec, key.child(1), x0, x1);
}

void ChainBridge::sample_conditional(const DefaultExec& exec, RandomKey key, In x0, Out x1) const {
  require_shape("sample_conditional", source_dimension(), x0.extent(1), x1.extent(0), x0.extent(0));
  const Vector<int> nodes = allocate<int>(exec, "fortet::grid::chain_walkers", x0.extent(0));
  start_nodes(exec, key.child(0), x0, nodes);
  walk(exec, key.child(1), 0, steps(), nodes);
  place(exec, grid(), nodes, x1);
  exec.fence("fortet::grid::chain_sample");
}

void ChainBridge::sample_paths(const DefaultExec& exec, RandomKey key, Paths<double> paths) const {
  const auto times = static_cast<int>(paths.extent(2));
  detail::require(times >= 2 && steps() % (times - 1) == 0, "fortet::ChainBridge::sample_paths",
                  "paths.extent(2)", times,
                  "expected 1 + a divisor of the chain's " + std::to_string(steps()) + " steps");
  require_shape("sample_paths", source_dimension(), paths.extent(1), 0, 0);
  const Vector<int> nodes = allocate<int>(exec, "fortet::grid::chain_walkers", paths.extent(0));
  const auto slice = [&](int k) {
    return Out(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, static_cast<std::size_t>(k)));
  };
  start(exec).sample_nodes(exec, key.child(0), slice(0));
  start_nodes(exec, key.child(1), slice(0), nodes);
  const int stride = steps() / (times - 1);
  for (int k = 1; k < times; ++k) {
    walk(exec, key.child(2), (k - 1) * stride, k * stride, nodes);
    place(exec, grid(), nodes, slice(k));
  }
  exec.fence("fortet::grid::chain_sample_paths");
}

void ChainBridge::sample_marginal(const DefaultExec& exec, RandomKey key, double t, Out out) const {
  marginal(exec, t).sample(exec, key, out);
  exec.fence("fortet::grid::chain_sample_marginal");
}

}  // namespace fortet
