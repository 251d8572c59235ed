// Chains between densities on grids of different spacing: the coarse end is known by the masses of its cells.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <set>

#include "fortet/coupling/chain_bridge.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "grid/cells.hpp"
#include "support/host.hpp"
#include "support/naive_sinkhorn.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

using Doubles = std::vector<double>;
using LongDoubles = std::vector<long double>;

constexpr double killed_at = 0.4;
void whirl(std::span<const double> x, std::span<double> b) {
  b[0] = -2 * x[1] - 0.61 * x[0];
  b[1] = 2 * std::sin(x[0]) + 0.3;
}
double rate(std::span<const double> x) { return killed_at * x[0] * x[0]; }
const DriftDiffusion killed_whirl{
    .drift = Drift::field(whirl), .sigma = 0.9, .horizon = 0.8, .killing = KillingRate(rate)};

/// The coarse cell that a node lies in, by its coordinates.
std::size_t cell_of(const RegularGrid& coarse, const RegularGrid& fine, std::size_t i) {
  std::size_t cell = 0;
  for (int k = 0; k < fine.dimension(); ++k) {
    const GridAxis& axis = coarse.axis(k);
    cell = cell * static_cast<std::size_t>(axis.nodes) +
           static_cast<std::size_t>((fine.coordinate(i, k) - axis.lower) / axis.spacing());
  }
  return cell;
}

/// (1 - duration A)^-1 for the generator of killed_whirl along one axis, walls on the first and a ring on the
/// second, as a dense matrix over the whole grid.
Matrix euler(const RegularGrid& grid, int k, double duration) {
  const std::size_t n = grid.size(), count = static_cast<std::size_t>(grid.axis(k).nodes);
  const double h = grid.axis(k).spacing(), D = killed_whirl.sigma * killed_whirl.sigma / 2;
  const auto weight = [](double z) { return z / std::expm1(z); };
  Matrix m = isotropic(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    const bool last = static_cast<std::size_t>(grid.index(i, k)) + 1 == count;
    if (last && k == 0) continue;
    const std::size_t j = last ? i - (count - 1) * grid.inner(k) : i + grid.inner(k);
    double x[2] = {grid.coordinate(i, 0), grid.coordinate(i, 1)}, b[2];
    x[k] += h / 2;
    whirl(x, b);
    const double z = b[k] * h / D, up = duration * D / (h * h) * weight(-z),
                 down = duration * D / (h * h) * weight(z);
    m(i, i) += up;
    m(i, j) -= up;
    m(j, j) += down;
    m(j, i) -= down;
  }
  return inverse(m);
}

/// A problem whose every number is known from dense matrices: on the first axis the source is finer, on the
/// second the target.
struct Dense {
  static constexpr int steps = 5;
  RegularGrid states{{-1, 2, 6}, {-1, 1, 4}};
  GridMeasure source = density({{-1, 2, 6}, {-1, 1, 2}}, 0.7),
              target = density({{-1, 2, 3}, {-1, 1, 4}}, 2.1);
  Matrix step = one_step();
  double epsilon = killed_whirl.epsilon();
  naive::Result exact;
  Doubles a, b;  // the plan between states i and j is a_i P_ij b_j
  Matrix plan;

  Dense() : plan(states.size(), states.size()) {
    Matrix P = isotropic(states.size(), 1);
    for (int n = 0; n < steps; ++n) P = P * step;
    const LongDoubles mu = masses(source), nu = masses(target);
    const std::size_t n = states.size(), from = n / mu.size(), to = n / nu.size();
    // K is the mean over pairs of cells of P (2 pi epsilon)^{d/2} / h^d, d = 2
    const double scale = 2 * std::numbers::pi * epsilon / states.cell_volume();
    LongDoubles cost(mu.size() * nu.size());
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        cost[source_cell(i) * nu.size() + target_cell(j)] += scale * P(i, j) / static_cast<double>(from * to);
    for (long double& c : cost) c = -epsilon * std::log(c);
    exact = naive::sinkhorn(cost, mu, nu, epsilon, 1e-16L);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t I = source_cell(i), J = target_cell(i);
      a.push_back(static_cast<double>(std::exp(exact.f[I] / epsilon) * mu[I]) * scale /
                  static_cast<double>(from) * states.cell_volume());
      // phi at the end: what the target's potential makes of its density
      b.push_back(static_cast<double>(std::exp(exact.g[J] / epsilon) * nu[J]) / target.grid().cell_volume());
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) plan(i, j) = a[i] * P(i, j) * b[j];
  }

  std::size_t source_cell(std::size_t i) const { return cell_of(source.grid(), states, i); }
  std::size_t target_cell(std::size_t i) const { return cell_of(target.grid(), states, i); }

  static GridMeasure density(const RegularGrid& grid, double frequency) {
    return grid_measure(grid, [=](std::span<const double> x) {
      return std::sin(frequency * x[0] + 1) + std::cos(3 * frequency * x[1]);
    });
  }
  static LongDoubles masses(const GridMeasure& measure) {
    LongDoubles result;
    for (double v : to_host(measure.log_density()))
      result.push_back(std::exp(static_cast<long double>(v)) * measure.grid().cell_volume());
    return result;
  }
  Matrix one_step() const {
    const double dt = killed_whirl.horizon / steps;
    Matrix survival(states.size(), states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      const double x[2] = {states.coordinate(i, 0), states.coordinate(i, 1)};
      survival(i, i) = std::exp(-rate(x) * dt / 2);
    }
    const Matrix first = euler(states, 0, dt / 2), second = euler(states, 1, dt);
    return survival * (first * (second * (first * survival)));
  }
  /// phi after n steps, and p.
  Doubles phi(int n) const { return times(step, b, steps - n); }
  Doubles marginal(int n) const {
    const Doubles ahead = phi(n);
    Doubles p = times(transpose(step), a, n);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] *= ahead[i];
    return p;
  }
  static Doubles times(const Matrix& m, Doubles values, int n) {
    for (; n > 0; --n) {
      Doubles next(values.size(), 0.0);
      for (std::size_t i = 0; i < next.size(); ++i)
        for (std::size_t j = 0; j < next.size(); ++j) next[i] += m(i, j) * values[j];
      values = next;
    }
    return values;
  }

  Solution<ChainBridge> solve(GridIpfOptions options = {}, ConstVector<double> start = {}) const {
    options.tolerance = 1e-13;
    options.boundary = {Boundary::reflecting, Boundary::periodic};
    options.chain = {.stepper = Stepper::implicit_euler, .steps = steps};
    return GridIpf<double>(options).solve(exec(), Problem{source, target, killed_whirl}, start);
  }
};

double largest_difference(const Doubles& a, const LongDoubles& b) {
  BOOST_TEST_REQUIRE(a.size() == b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    BOOST_TEST_REQUIRE(std::isfinite(a[i] - b[i]));
    most = std::max(most, static_cast<double>(std::abs(a[i] - b[i])));
  }
  return most;
}
double largest_difference(const Doubles& a, const Doubles& b) {
  return largest_difference(a, LongDoubles(b.begin(), b.end()));
}
Doubles exponentials(const ConstVector<double>& values) {
  Doubles result = to_host(values);
  for (double& v : result) v = std::exp(v);
  return result;
}
Doubles all_nodes(const RegularGrid& grid) {
  Doubles result;
  for (std::size_t i = 0; i < grid.size(); ++i)
    for (int k = 0; k < grid.dimension(); ++k) result.push_back(grid.coordinate(i, k));
  return result;
}

}  // namespace

BOOST_AUTO_TEST_CASE(cells_are_counted_once) {
  const grid::Cells cells{{{0, 1, 2}, {-1, 1, 3}, {0, 5, 4}}, {{0, 1, 6}, {-1, 1, 3}, {0, 5, 8}}};
  BOOST_TEST(cells.count() == 6u);
  std::set<std::size_t> seen;
  for (std::size_t cell = 0; cell < cells.coarse.size(); ++cell)
    for (std::size_t n = 0; n < cells.count(); ++n) {
      const std::size_t i = cells.inside(cell, n);
      BOOST_TEST(cell_of(cells.coarse, cells.fine, i) == cell);
      BOOST_TEST(cells.around(i) == cell);
      seen.insert(i);
    }
  BOOST_TEST(seen.size() == cells.fine.size());
}

// Potentials, costs and densities of the coupling are those of Sinkhorn in long double on the matrix of means
// over cells. Rounding: 1e-13 of marginal error, times a condition of at most a few tens.
BOOST_AUTO_TEST_CASE(potentials_are_those_of_the_matrix_of_cells) {
  const Dense d;
  const auto cold = d.solve({.largest_relaxation = 1, .annealing = {.enabled = false}});
  const Vector<double> start = vector(to_host(cold.coupling.target_potential()));
  const auto annealed = d.solve({.annealing = {.threshold = 10}});
  BOOST_TEST(annealed.report.history.front().epsilon > d.epsilon);
  for (const auto& [b, report] : {cold, d.solve(), d.solve({}, start), annealed}) {
    BOOST_TEST(report.converged());
    BOOST_TEST((b.grid() == d.states));
    BOOST_TEST(largest_difference(to_host(b.source_potential()), d.exact.f) < 1e-11);
    BOOST_TEST(largest_difference(to_host(b.target_potential()), d.exact.g) < 1e-11);
    BOOST_TEST(std::abs(*report.entropic_cost - static_cast<double>(d.exact.entropic_cost)) < 1e-11);
    BOOST_TEST(std::abs(*report.dual_value - static_cast<double>(d.exact.dual_value)) < 1e-11);
  }
  BOOST_TEST(d.solve({}, start).report.iterations <= 2);
  BOOST_CHECK_THROW(d.solve({}, Vector<double>("start", d.states.size())), InvalidArgument);

  const auto b = cold.coupling;
  const LongDoubles mu = Dense::masses(d.source), nu = Dense::masses(d.target);
  Doubles x, y, expected;
  const Doubles from = all_nodes(d.source.grid()), to = all_nodes(d.target.grid());
  for (std::size_t i = 0; i < mu.size(); ++i)
    for (std::size_t j = 0; j < nu.size(); ++j) {
      x.insert(x.end(), {from[2 * i], from[2 * i + 1]});
      y.insert(y.end(), {to[2 * j], to[2 * j + 1]});
      expected.push_back(static_cast<double>(std::log(d.exact.plan[i * nu.size() + j] / (mu[i] * nu[j]))));
    }
  Vector<double> ratio("ratio", expected.size());
  b.log_density_ratio(exec(), points(x, 2), points(y, 2), ratio);
  BOOST_TEST(largest_difference(to_host(ratio), expected) < 1e-11);
  Vector<double> f("f", mu.size());
  b.source_potential(exec(), points(from, 2), f);
  BOOST_TEST(largest_difference(to_host(f), d.exact.f) < 1e-11);
}

// The bridge is that of the chain: its factors and marginals at every step, the masses of cells at the ends,
// the means of X_T and the relative entropy, all from the same dense matrices.
BOOST_AUTO_TEST_CASE(the_bridge_is_that_of_the_chain) {
  const Dense d;
  const auto b = d.solve().coupling;
  const double volume = d.states.cell_volume(), dt = killed_whirl.horizon / Dense::steps;
  for (int n = 0; n <= Dense::steps; ++n) {
    Doubles p = d.marginal(n), phi = d.phi(n);
    const auto marginal = b.marginal(exec(), n * dt);
    BOOST_TEST(std::abs(marginal.mass() - 1) < 1e-12);
    Doubles got = exponentials(marginal.log_density());
    for (double& v : got) v *= volume;
    BOOST_TEST(largest_difference(got, p) < 1e-12);
    for (double& v : phi) v = std::log(v);
    const Doubles log_phi = to_host(b.log_phi(exec(), n * dt));
    BOOST_TEST(largest_difference(log_phi, phi) < 1e-11);
  }
  for (const bool at_target : {false, true}) {
    const GridMeasure& given = at_target ? d.target : d.source;
    const Doubles p = exponentials(b.marginal(exec(), at_target ? killed_whirl.horizon : 0).log_density());
    Doubles cells(given.size(), 0.0);
    for (std::size_t i = 0; i < p.size(); ++i) cells[cell_of(given.grid(), d.states, i)] += p[i] * volume;
    BOOST_TEST(largest_difference(cells, Dense::masses(given)) < 1e-12);
  }
  const std::size_t n = d.states.size();
  Points<double> got("means", n, 2);
  b.conditional_mean(exec(), points(all_nodes(d.states), 2), got);
  const LongDoubles mu = Dense::masses(d.source);
  Doubles means(2 * n, 0.0);
  double kl = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double mass = 0;
    for (std::size_t j = 0; j < n; ++j) mass += d.plan(i, j);
    for (std::size_t j = 0; j < n; ++j) {
      for (int k = 0; k < 2; ++k)
        means[2 * i + static_cast<std::size_t>(k)] += d.plan(i, j) / mass * d.states.coordinate(j, k);
      // the reference: evenly within the source's cells of two states, then P = plan / (a b)
      const double reference = static_cast<double>(mu[d.source_cell(i)]) / 2 / (d.a[i] * d.b[j]);
      kl -= d.plan(i, j) * std::log(reference);
    }
  }
  BOOST_TEST(largest_difference(to_host(got), means) < 1e-11);
  BOOST_TEST(std::abs(b.kl_to_reference(exec()) - kl) < 1e-11);
}

// How many steps there are follows from the source as a density on the chain's grid, here the same twice.
BOOST_AUTO_TEST_CASE(steps_are_chosen_by_the_source_on_the_chain) {
  const auto flat = [](int nodes) {
    return grid_measure(RegularGrid{{-1, 1, nodes}}, [](std::span<const double>) { return 0.0; });
  };
  const DriftDiffusion falling{.drift = Drift::gradient([](std::span<const double> x) { return 3 * x[0]; })};
  const auto solve = [&](int nodes) {
    return GridIpf<double>({.boundary = {Boundary::reflecting}})
        .solve(exec(), Problem{flat(nodes), flat(64), falling})
        .coupling.steps();
  };
  BOOST_TEST(solve(8) == solve(64));
  BOOST_TEST(solve(64) > 8);
}

// Pairs and paths follow the plan between states: counts within five standard errors and five.
BOOST_AUTO_TEST_CASE(draws_are_of_the_chain) {
  const Dense d;
  const auto b = d.solve().coupling;
  const std::size_t n = 40000, states = d.states.size();
  Points<double> x0("x0", n, 2), x1("x1", n, 2);
  Paths<double> paths("paths", n, 2, 2);
  b.sample(exec(), {.seed = 3}, x0, x1);
  b.sample_paths(exec(), {.seed = 4}, paths);
  const auto slice = [&](std::size_t k) {
    return to_host(Points<double>(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k)));
  };
  const auto state = [&](const Doubles& x, std::size_t i) {
    std::size_t flat = 0;
    for (int k = 0; k < 2; ++k)
      flat += static_cast<std::size_t>(
                  std::lround(d.states.axis(k).position(x[2 * i + static_cast<std::size_t>(k)]))) *
              d.states.inner(k);
    return flat;
  };
  for (const auto& [from, to] : {std::pair{to_host(x0), to_host(x1)}, std::pair{slice(0), slice(1)}}) {
    std::vector<int> counts(states * states, 0);
    for (std::size_t i = 0; i < n; ++i) ++counts[state(from, i) * states + state(to, i)];
    for (std::size_t i = 0; i < states; ++i)
      for (std::size_t j = 0; j < states; ++j) {
        const double expected = static_cast<double>(n) * d.plan(i, j);
        BOOST_TEST_REQUIRE(std::abs(counts[i * states + j] - expected) < 5 * std::sqrt(expected) + 5);
      }
  }
}

// A coarser target asks for less: the relative entropy only falls; and with finer and finer cells the bridge
// becomes that of one grid for both, second order in their width. Swapping the ends of Brownian motion swaps
// the potentials.
BOOST_AUTO_TEST_CASE(finer_cells_ask_for_more) {
  const DriftDiffusion quartic{
      .drift = Drift::gradient([](std::span<const double> x) { return 2 * std::pow(x[0] * x[0] - 1, 2); }),
      .sigma = 0.9};
  const GridAxis line{-3, 3, 192};
  const GridMeasure source = grid_measure(
                        RegularGrid{line},
                        [](std::span<const double> x) { return -5 * (x[0] + 0.8) * (x[0] + 0.8); }),
                    target = grid_measure(RegularGrid{line}, [](std::span<const double> x) {
                      return -4 * (x[0] - 0.6) * (x[0] - 0.6);
                    });
  const auto coarse = [&](int nodes) {
    Doubles sums(static_cast<std::size_t>(nodes), 0.0);
    const Doubles p = exponentials(target.log_density());
    for (std::size_t i = 0; i < p.size(); ++i) sums[i * sums.size() / p.size()] += p[i];
    for (double& v : sums) v = std::log(v);
    return GridMeasure(RegularGrid{{-3, 3, nodes}}, vector(sums));
  };
  const auto solve = [](const GridMeasure& from, const GridMeasure& to, const DriftDiffusion& process) {
    return GridIpf<double>({.tolerance = 1e-12, .chain = {.steps = 64}})
        .solve(exec(), Problem{from, to, process})
        .coupling;
  };
  const Doubles places{-1.3, -0.9, -0.8, -0.5};
  const auto means = [&](const ChainBridge& b) {
    Points<double> out("out", places.size(), 1);
    b.conditional_mean(exec(), points(places, 1), out);
    return to_host(out);
  };
  const ChainBridge one_grid = solve(source, target, quartic);
  const Doubles limit = means(one_grid);
  double last = 0, error[3];
  for (int level = 0; level < 3; ++level) {
    const ChainBridge b = solve(source, coarse(24 << level), quartic);
    const double kl = b.kl_to_reference(exec());
    BOOST_TEST(kl > last);
    last = kl;
    error[level] = largest_difference(means(b), limit);
    BOOST_TEST_MESSAGE("cells " << (24 << level) << " kl " << kl << " error " << error[level]);
  }
  BOOST_TEST(one_grid.kl_to_reference(exec()) > last);
  BOOST_TEST(std::log2(error[0] / error[1]) > 1.9);
  BOOST_TEST(std::log2(error[1] / error[2]) > 1.9);

  const ChainBridge there = solve(source, coarse(48), {}), back = solve(coarse(48), source, {});
  BOOST_TEST(largest_difference(to_host(there.source_potential()), to_host(back.target_potential())) < 1e-10);
  BOOST_TEST(largest_difference(to_host(there.target_potential()), to_host(back.source_potential())) < 1e-10);
  BOOST_TEST(largest_difference(to_host(there.marginal(exec(), 0.25).log_density()),
                                to_host(back.marginal(exec(), 0.75).log_density())) < 1e-9);
}
