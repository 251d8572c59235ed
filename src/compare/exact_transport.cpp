#include "fortet/compare/exact_transport.hpp"

#include "fortet/error.hpp"

#if defined(FORTET_HAVE_LEMON)
#include <lemon/network_simplex.h>
#include <lemon/static_graph.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <new>
#include <numeric>
#include <string>
#include <utility>

namespace fortet {
namespace {

constexpr const char* where = "fortet::exact_transport";
using Integer = std::int64_t;

/// Atoms that carry weight, and their weights normalised to one.
struct Side {
  std::vector<std::size_t> atoms;
  std::vector<double> weights;
};

Side positive_atoms(std::span<const double> weights, const char* argument) {
  detail::require(!weights.empty(), where, argument, "empty", "expected at least one weight");
  Side side;
  double mass = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0) || !std::isfinite(weights[i]))
      detail::reject(where, std::string(argument) + "[" + std::to_string(i) + "]", weights[i],
                     "expected a finite number >= 0");
    mass += weights[i];
    if (weights[i] > 0) side.atoms.push_back(i);
  }
  detail::require(mass > 0 && std::isfinite(mass), where, std::string("sum of ") + argument, mass,
                  "expected a finite number > 0");
  for (std::size_t i : side.atoms) side.weights.push_back(weights[i] / mass);
  return side;
}

bool uniform(const Side& side) {
  return std::ranges::all_of(side.weights, [&](double w) { return w == side.weights.front(); });
}

/// Integers proportional to the weights that sum to `total` exactly: rounded down, and what is missing goes
/// to the atoms that lost most.
std::vector<Integer> supplies(const Side& side, Integer total) {
  const std::size_t n = side.weights.size();
  std::vector<Integer> units(n);
  std::vector<double> lost(n);
  Integer missing = total;
  for (std::size_t i = 0; i < n; ++i) {
    const double exact = side.weights[i] * static_cast<double>(total);
    units[i] = static_cast<Integer>(exact);
    lost[i] = exact - static_cast<double>(units[i]);
    missing -= units[i];
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t i, std::size_t j) { return lost[i] > lost[j]; });
  // weights normalised in floating point may also sum to a little more than one: then units are taken back
  for (std::size_t k = 0; missing != 0; k = (k + 1) % n) {
    const Integer step = missing > 0 ? 1 : -1;
    Integer& unit = units[missing > 0 ? order[k] : order[n - 1 - k]];
    if (unit + step < 0) continue;
    unit += step;
    missing -= step;
  }
  return units;
}

/// The units in which both sides are whole numbers: exact for uniform weights, so that equal numbers of atoms
/// give a permutation and no crumbs.
std::pair<std::vector<Integer>, std::vector<Integer>> balanced_supplies(const Side& source,
                                                                        const Side& target) {
  const auto n = static_cast<Integer>(source.atoms.size()), m = static_cast<Integer>(target.atoms.size());
  if (uniform(source) && uniform(target)) {
    const Integer total = std::lcm(n, m);
    return {std::vector<Integer>(source.atoms.size(), total / n),
            std::vector<Integer>(target.atoms.size(), total / m)};
  }
  constexpr Integer total = Integer{1} << 50;
  return {supplies(source, total), supplies(target, total)};
}

/// f_i = min_j (c_ij - g_j) over target atoms with weight, then g_j = min_i (c_ij - f_i) the same way: makes
/// the integer potentials feasible in floating point, and extends them to atoms of zero weight.
void make_feasible(std::span<const double> cost, const Side& source, const Side& target,
                   ExactTransport& result) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  auto& f = result.source_potential;
  auto& g = result.target_potential;
  const std::size_t n = f.size(), m = g.size();
  std::ranges::fill(f, infinity);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j : target.atoms) f[i] = std::min(f[i], cost[i * m + j] - g[j]);
  std::ranges::fill(g, infinity);
  for (std::size_t i : source.atoms)
    for (std::size_t j = 0; j < m; ++j) g[j] = std::min(g[j], cost[i * m + j] - f[i]);
}

/// Shifts the potentials so that both have the same integral, and evaluates the dual.
void fix_gauge(const Side& source, const Side& target, ExactTransport& result) {
  double f_mean = 0, g_mean = 0;
  for (std::size_t k = 0; k < source.atoms.size(); ++k)
    f_mean += source.weights[k] * result.source_potential[source.atoms[k]];
  for (std::size_t k = 0; k < target.atoms.size(); ++k)
    g_mean += target.weights[k] * result.target_potential[target.atoms[k]];
  const double shift = (g_mean - f_mean) / 2;
  for (double& f : result.source_potential) f += shift;
  for (double& g : result.target_potential) g -= shift;
  result.dual_value = f_mean + g_mean;
}

/// From the row-th atom with weight of the source to the column-th of the target.
struct Arc {
  int row, column;
  auto operator<=>(const Arc&) const = default;
};

/// Costs in whole units between atoms with weight.
struct IntegerCosts {
  std::span<const double> cost;
  const Side& source;
  const Side& target;
  std::size_t m;
  double scale;

  std::size_t index(Arc arc) const {
    return source.atoms[static_cast<std::size_t>(arc.row)] * m +
           target.atoms[static_cast<std::size_t>(arc.column)];
  }
  Integer operator()(Arc arc) const { return static_cast<Integer>(std::rint(cost[index(arc)] * scale)); }
  int rows() const { return static_cast<int>(source.atoms.size()); }
  int columns() const { return static_cast<int>(target.atoms.size()); }
};

struct Potentials {
  std::vector<Integer> row, column;
};

/// An optimal plan of the network with some arcs only: cost + row potential - column potential is >= 0 on
/// these and 0 where flow is.
struct NetworkPlan {
  std::vector<Arc> arcs;
  std::vector<Integer> flow;  ///< by arc
  Potentials potentials;
};

/// Keeps the arcs of smallest value among those offered.
class Cheapest {
 public:
  void offer(Integer value, Arc arc) {
    if (heap_.size() == number) {
      if (value >= heap_.front().first) return;
      std::ranges::pop_heap(heap_);
      heap_.pop_back();
    }
    heap_.emplace_back(value, arc);
    std::ranges::push_heap(heap_);
  }
  void move_to(std::vector<Arc>& arcs) {
    for (const auto& [value, arc] : heap_) arcs.push_back(arc);
    heap_.clear();
  }

 private:
  static constexpr std::size_t number = 20;  // 5 takes more rounds, 40 more arcs: both are slower
  std::vector<std::pair<Integer, Arc>> heap_;
};

/// In each row and each column the arcs of smallest reduced cost among those below `bound`.
std::vector<Arc> cheapest_arcs(const IntegerCosts& costs, const Potentials& potentials, Integer bound) {
  std::vector<Arc> arcs;
  std::vector<Cheapest> of_column(static_cast<std::size_t>(costs.columns()));
  Cheapest of_row;
  for (int i = 0; i < costs.rows(); ++i) {
    const Integer row_potential = potentials.row[static_cast<std::size_t>(i)];
    for (int j = 0; j < costs.columns(); ++j) {
      const auto column = static_cast<std::size_t>(j);
      const Integer reduced = costs({i, j}) + row_potential - potentials.column[column];
      if (reduced >= bound) continue;
      of_row.offer(reduced, {i, j});
      of_column[column].offer(reduced, {i, j});
    }
    of_row.move_to(arcs);
  }
  for (Cheapest& cheapest : of_column) cheapest.move_to(arcs);
  return arcs;
}

/// The arcs of the plan that fills row after row from column after column: with these there always is one.
std::vector<Arc> staircase(const std::vector<Integer>& source_units,
                           const std::vector<Integer>& target_units) {
  std::vector<Arc> arcs;
  Integer served = 0, used = 0;
  for (std::size_t i = 0, j = 0; i < source_units.size() && j < target_units.size();) {
    arcs.push_back({static_cast<int>(i), static_cast<int>(j)});
    if (served + source_units[i] <= used + target_units[j])
      served += source_units[i++];
    else
      used += target_units[j++];
  }
  return arcs;
}

NetworkPlan network_simplex(const IntegerCosts& costs, std::vector<Arc> arcs,
                            const std::vector<Integer>& source_units,
                            const std::vector<Integer>& target_units) {
  using Graph = lemon::StaticDigraph;
  const int rows = costs.rows(), columns = costs.columns();
  std::vector<std::pair<int, int>> ends;
  for (const Arc arc : arcs) ends.emplace_back(arc.row, rows + arc.column);
  Graph graph;
  graph.build(rows + columns, ends.begin(), ends.end());
  // LEMON numbers arcs as they were given
  Graph::ArcMap<Integer> cost_map(graph);
  for (std::size_t k = 0; k < arcs.size(); ++k) cost_map[graph.arc(static_cast<int>(k))] = costs(arcs[k]);
  Graph::NodeMap<Integer> supply(graph);
  for (int i = 0; i < rows; ++i) supply[graph.node(i)] = source_units[static_cast<std::size_t>(i)];
  for (int j = 0; j < columns; ++j) supply[graph.node(rows + j)] = -target_units[static_cast<std::size_t>(j)];

  lemon::NetworkSimplex<Graph, Integer, Integer> simplex(graph);
  simplex.costMap(cost_map).supplyMap(supply);
  if (simplex.run() != simplex.OPTIMAL)
    throw BackendError(std::string(where) + ": LEMON's network simplex found no optimal plan");

  NetworkPlan plan{std::move(arcs), {}, {}};
  for (std::size_t k = 0; k < plan.arcs.size(); ++k)
    plan.flow.push_back(simplex.flow(graph.arc(static_cast<int>(k))));
  for (int i = 0; i < rows; ++i) plan.potentials.row.push_back(simplex.potential(graph.node(i)));
  for (int j = 0; j < columns; ++j) plan.potentials.column.push_back(simplex.potential(graph.node(rows + j)));
  return plan;
}

constexpr std::size_t coarsening = 4;

/// Every fourth atom.
Side coarse(const Side& side) {
  Side result;
  double mass = 0;
  for (std::size_t k = 0; k < side.atoms.size(); k += coarsening) {
    result.atoms.push_back(side.atoms[k]);
    result.weights.push_back(side.weights[k]);
    mass += side.weights[k];
  }
  for (double& weight : result.weights) weight /= mass;
  return result;
}

/// Feasible potentials of all atoms from those of the coarse columns: their transform on the rows, and that
/// of the rows on the columns.
Potentials extended(const IntegerCosts& costs, const std::vector<Integer>& coarse_column) {
  const auto rows = static_cast<std::size_t>(costs.rows()),
             columns = static_cast<std::size_t>(costs.columns());
  Potentials result{std::vector<Integer>(rows, std::numeric_limits<Integer>::min()),
                    std::vector<Integer>(columns, std::numeric_limits<Integer>::max())};
  for (int i = 0; i < costs.rows(); ++i) {
    Integer& row = result.row[static_cast<std::size_t>(i)];
    for (std::size_t k = 0; k < coarse_column.size(); ++k)
      row = std::max(row, coarse_column[k] - costs({i, static_cast<int>(k * coarsening)}));
    for (int j = 0; j < costs.columns(); ++j) {
      Integer& column = result.column[static_cast<std::size_t>(j)];
      column = std::min(column, costs({i, j}) + row);
    }
  }
  return result;
}

/// Column generation: the simplex sees few arcs, then those whose absence its potentials show to matter,
/// until there are none: what is optimal among these arcs is then optimal among all. The first arcs are the
/// cheapest by the potentials of a quarter of the atoms.
NetworkPlan generate_columns(const IntegerCosts& costs) {
  const auto [source_units, target_units] = balanced_supplies(costs.source, costs.target);
  Potentials start{std::vector<Integer>(source_units.size()), std::vector<Integer>(target_units.size())};
  if (std::min(source_units.size(), target_units.size()) > 100) {
    const Side source = coarse(costs.source), target = coarse(costs.target);
    start = extended(costs,
                     generate_columns({costs.cost, source, target, costs.m, costs.scale}).potentials.column);
  }
  NetworkPlan plan{staircase(source_units, target_units), {}, {}};
  std::vector<Arc> missing = cheapest_arcs(costs, start, std::numeric_limits<Integer>::max());
  while (!missing.empty()) {
    plan.arcs.insert(plan.arcs.end(), missing.begin(), missing.end());
    std::ranges::sort(plan.arcs);
    plan.arcs.erase(std::ranges::unique(plan.arcs).begin(), plan.arcs.end());
    plan = network_simplex(costs, std::move(plan.arcs), source_units, target_units);
    missing = cheapest_arcs(costs, plan.potentials, 0);
  }
  return plan;
}

ExactTransport solve(std::span<const double> cost, const Side& source, const Side& target, std::size_t n,
                     std::size_t m) {
  double largest = 0;
  for (double c : cost) largest = std::max(largest, std::abs(c));
  // 2^42 units: sums of costs along any simple path stay far below LEMON's artificial cost 2^62
  const IntegerCosts costs{cost, source, target, m, largest > 0 ? std::ldexp(1.0, 42) / largest : 1.0};
  const NetworkPlan plan = generate_columns(costs);

  ExactTransport result;
  result.source_potential.resize(n);
  result.target_potential.resize(m);
  const double unit =
      1.0 / static_cast<double>(std::accumulate(plan.flow.begin(), plan.flow.end(), Integer{0}));
  for (std::size_t k = 0; k < plan.arcs.size(); ++k) {
    if (plan.flow[k] == 0) continue;
    const std::size_t index = costs.index(plan.arcs[k]);
    result.plan.push_back({index / m, index % m, static_cast<double>(plan.flow[k]) * unit});
    result.cost += cost[index] * result.plan.back().mass;
  }
  // differences first: all potentials may share an offset of LEMON's artificial cost
  for (std::size_t j = 0; j < target.atoms.size(); ++j)
    result.target_potential[target.atoms[j]] =
        static_cast<double>(plan.potentials.column[j] - plan.potentials.column[0]) / costs.scale;
  return result;
}

}  // namespace

ExactTransport exact_transport(std::span<const double> cost, std::span<const double> source_weights,
                               std::span<const double> target_weights) {
  const std::size_t n = source_weights.size(), m = target_weights.size();
  const Side source = positive_atoms(source_weights, "source_weights");
  const Side target = positive_atoms(target_weights, "target_weights");
  detail::require(cost.size() == n * m, where, "cost.size()", cost.size(),
                  "n m = " + std::to_string(n * m) + " costs");
  for (std::size_t k = 0; k < cost.size(); ++k)
    if (!std::isfinite(cost[k]))
      detail::reject(where, "cost(" + std::to_string(k / m) + ", " + std::to_string(k % m) + ")", cost[k],
                     "expected finite costs");
  try {
    ExactTransport result = solve(cost, source, target, n, m);
    make_feasible(cost, source, target, result);
    fix_gauge(source, target, result);
    return result;
  } catch (const std::bad_alloc&) {
    throw BackendError(std::string(where) + ": out of memory, n = " + std::to_string(n) +
                       ", m = " + std::to_string(m));
  }
}

bool has_exact_transport() noexcept { return true; }

}  // namespace fortet

#else

namespace fortet {

ExactTransport exact_transport(std::span<const double>, std::span<const double>, std::span<const double>) {
  throw BackendError(
      "fortet::exact_transport: this build has no LEMON; install liblemon-dev and configure again");
}

bool has_exact_transport() noexcept { return false; }

}  // namespace fortet

#endif
