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

ExactTransport solve(std::span<const double> cost, const Side& source, const Side& target, std::size_t n,
                     std::size_t m) {
  using Graph = lemon::StaticDigraph;
  const int rows = static_cast<int>(source.atoms.size()), cols = static_cast<int>(target.atoms.size());
  double largest = 0;
  for (double c : cost) largest = std::max(largest, std::abs(c));
  // 2^42 units: sums of costs along any simple path stay far below LEMON's artificial cost 2^62
  const double scale = largest > 0 ? std::ldexp(1.0, 42) / largest : 1.0;

  std::vector<std::pair<int, int>> ends;
  ends.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < cols; ++j) ends.emplace_back(i, rows + j);
  Graph graph;
  graph.build(rows + cols, ends.begin(), ends.end());
  ends = {};

  // arcs are numbered as they were given: row by row
  const auto at = [&](int arc) {
    return source.atoms[static_cast<std::size_t>(arc / cols)] * m +
           target.atoms[static_cast<std::size_t>(arc % cols)];
  };
  Graph::ArcMap<Integer> costs(graph);
  for (int arc = 0; arc < graph.arcNum(); ++arc) costs[graph.arc(arc)] = std::llround(cost[at(arc)] * scale);
  const auto [source_units, target_units] = balanced_supplies(source, target);
  Graph::NodeMap<Integer> supply(graph);
  for (int i = 0; i < rows; ++i) supply[graph.node(i)] = source_units[static_cast<std::size_t>(i)];
  for (int j = 0; j < cols; ++j) supply[graph.node(rows + j)] = -target_units[static_cast<std::size_t>(j)];

  lemon::NetworkSimplex<Graph, Integer, Integer> simplex(graph);
  simplex.costMap(costs).supplyMap(supply);
  if (simplex.run() != simplex.OPTIMAL)
    throw BackendError(std::string(where) + ": LEMON's network simplex found no optimal plan");

  ExactTransport result;
  result.source_potential.resize(n);
  result.target_potential.resize(m);
  const double unit =
      1.0 / static_cast<double>(std::accumulate(source_units.begin(), source_units.end(), Integer{0}));
  for (int arc = 0; arc < graph.arcNum(); ++arc) {
    const Integer flow = simplex.flow(graph.arc(arc));
    if (flow == 0) continue;
    const std::size_t index = at(arc);
    result.plan.push_back({index / m, index % m, static_cast<double>(flow) * unit});
    result.cost += cost[index] * result.plan.back().mass;
  }
  // differences first: all potentials may share an offset of LEMON's artificial cost
  const Integer base = simplex.potential(graph.node(rows));
  for (int j = 0; j < cols; ++j)
    result.target_potential[target.atoms[static_cast<std::size_t>(j)]] =
        static_cast<double>(simplex.potential(graph.node(rows + j)) - base) / scale;
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
  detail::require(n <= static_cast<std::size_t>(std::numeric_limits<int>::max()) / m, where, "n m", n * m,
                  "at most 2^31 - 1 pairs");
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
    throw BackendError(std::string(where) + ": out of memory; n m = " + std::to_string(n * m) +
                       " pairs need about " + std::to_string(n * m * 80 / (1 << 20)) + " MiB");
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
