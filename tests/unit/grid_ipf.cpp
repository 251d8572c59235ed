#include "fortet/solver/grid_ipf.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <string>

#include "fortet/reference/brownian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "grid/grid_gibbs.hpp"
#include "support/scalar_bridge.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using GridProblem = Problem<GridMeasure, GridMeasure, Brownian>;
using BrownianCoupling = GridCoupling<Brownian>;
static_assert(ConditionalCoupling<BrownianCoupling> && BarycentricCoupling<BrownianCoupling> &&
              PotentialCoupling<BrownianCoupling>);
static_assert(std::is_same_v<decltype(GridIpf<float>().solve(DefaultExec(), std::declval<GridProblem>())),
                             Solution<BrownianCoupling>>);

namespace {

std::vector<double> host(const ConstVector<double>& values) { return to_host(values); }

GridMeasure normal(const GridAxis& axis, double mean, double variance) {
  return grid_measure(RegularGrid{axis}, [=](std::span<const double> x) {
    return -0.5 * (x[0] - mean) * (x[0] - mean) / variance;
  });
}

using Scalar = ScalarBridge;
const GridAxis line{-13, 13, 1501};
const Scalar gauss{-0.7, 0.8, 0.9, 1.3, 0.6};
GridProblem scalar_problem(const Scalar& s = gauss) {
  return {normal(line, s.m0, s.s0), normal(line, s.m1, s.s1), brownian_with_epsilon(s.eps)};
}

/// Largest relative difference from `expected` over nodes that hold mass (above 1e-12 of the largest).
template <class F>
double difference(const GridMeasure& measure, const std::vector<double>& values, const F& expected) {
  const auto density = host(measure.log_density());
  double most = -1e300, worst = 0;
  for (double v : density) most = std::max(most, v);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (density[i] < most - 27) continue;
    const double e = expected(measure.grid().coordinate(i, 0));
    worst = std::max(worst, std::abs(values[i] - e) / std::max(1.0, std::abs(e)));
  }
  return worst;
}

}  // namespace

// The discrete problem on 1501 nodes is the continuous one to rounding (conventions, section 4): what is left
// is the tolerance of the iteration.
BOOST_AUTO_TEST_CASE(gaussians_in_one_dimension) {
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-14}).solve(exec(), scalar_problem());
  BOOST_TEST(report.marginal_error < 1e-12);
  BOOST_TEST(std::abs(*report.entropic_cost - gauss.cost()) < 1e-12);
  BOOST_TEST(std::abs(*report.dual_value - gauss.cost()) < 1e-12);
  BOOST_TEST(std::abs(*report.transport_cost - gauss.transport()) < 1e-12);
  BOOST_TEST(difference(coupling.source(), host(coupling.source_potential()),
                        [](double x) { return gauss.f(x); }) < 1e-12);
  BOOST_TEST(difference(coupling.target(), host(coupling.target_potential()),
                        [](double y) { return gauss.g(y); }) < 1e-12);
}

BOOST_AUTO_TEST_CASE(float_tiles_reach_their_own_accuracy_and_double_finishes) {
  const GridAxis coarse{-9, 9, 300};
  const GridProblem problem{normal(coarse, gauss.m0, gauss.s0), normal(coarse, gauss.m1, gauss.s1),
                            brownian_with_epsilon(gauss.eps)};
  const auto loose = GridIpf<float>({.tolerance = 1e-5}).solve(exec(), problem);
  BOOST_TEST(loose.report.converged());
  BOOST_TEST(loose.report.precision == "float");
  BOOST_TEST(std::abs(*loose.report.entropic_cost - gauss.cost()) < 1e-5);
  const auto tight = GridIpf<float>({.tolerance = 1e-12}).solve(exec(), problem);
  BOOST_TEST(tight.report.converged());
  BOOST_TEST(tight.report.precision == "float, finished in double");
  // the potentials reach 80 at the walls: the cost follows the marginal error times that
  BOOST_TEST(std::abs(*tight.report.entropic_cost - gauss.cost()) < 1e-10);
}

// A plan of the form exp((f + g - c) / epsilon) with the right marginals is the solution: both marginals in
// extended precision, for rough densities with holes on different grids.
BOOST_AUTO_TEST_CASE(rough_densities_on_different_grids) {
  const std::size_t n = 23, m = 31;
  std::vector<double> a(n), b(m);
  for (std::size_t i = 0; i < n; ++i) a[i] = i % 5 == 3 ? -INFINITY : std::sin(3.0 * static_cast<double>(i));
  for (std::size_t j = 0; j < m; ++j) b[j] = j % 7 == 2 ? -INFINITY : std::cos(2.0 * static_cast<double>(j));
  const RegularGrid from{{0, 1, static_cast<int>(n)}}, to{{-0.2, 1.1, static_cast<int>(m)}};
  for (const double eps : {0.3, 0.02}) {
    const Problem problem{GridMeasure(from, vector(a)), GridMeasure(to, vector(b)),
                          brownian_with_epsilon(eps)};
    const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-12}).solve(exec(), problem);
    BOOST_TEST(report.converged());
    std::vector<long double> cost(n * m), p(n), q(m);
    for (std::size_t i = 0; i < n; ++i)
      p[i] = std::exp(static_cast<long double>(host(problem.source.log_density())[i])) / n;
    for (std::size_t j = 0; j < m; ++j)
      q[j] = std::exp(static_cast<long double>(host(problem.target.log_density())[j])) * 1.3L / m;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        const long double d =
            from.axis(0).node(static_cast<double>(i)) - to.axis(0).node(static_cast<double>(j));
        cost[i * m + j] = d * d / 2;
      }
    const auto f = host(coupling.source_potential()), g = host(coupling.target_potential());
    long double rows = 0, columns = 0;
    std::vector<long double> column(m, 0.0L);
    for (std::size_t i = 0; i < n; ++i) {
      long double row = 0;
      for (std::size_t j = 0; j < m; ++j) {
        const long double pi = p[i] * q[j] * std::exp((f[i] + g[j] - cost[i * m + j]) / eps);
        row += pi;
        column[j] += pi;
      }
      rows += std::abs(row - p[i]);
    }
    for (std::size_t j = 0; j < m; ++j) columns += std::abs(column[j] - q[j]);
    BOOST_TEST(static_cast<double>(std::max(rows, columns)) < 1e-11);
  }
}

namespace {

/// Mean of coordinate k of rows, and of products of centred coordinates.
double mean_of(const std::vector<double>& x, std::size_t d, std::size_t k) {
  double sum = 0;
  for (std::size_t i = k; i < x.size(); i += d) sum += x[i];
  return sum / static_cast<double>(x.size() / d);
}
double covariance_of(const std::vector<double>& x, std::size_t d, std::size_t k, const std::vector<double>& y,
                     std::size_t l) {
  const double mx = mean_of(x, d, k), my = mean_of(y, d, l);
  double sum = 0;
  for (std::size_t i = 0; i < x.size() / d; ++i) sum += (x[i * d + k] - mx) * (y[i * d + l] - my);
  return sum / static_cast<double>(x.size() / d);
}

}  // namespace

// Five standard errors each: sqrt(v / n) for means, sqrt((v w + c^2) / n) for covariances.
BOOST_AUTO_TEST_CASE(pairs_and_conditional_draws) {
  const GridAxis short_line{-9, 9, 240};
  const auto coupling = GridIpf<double>()
                            .solve(exec(), GridProblem{normal(short_line, gauss.m0, gauss.s0),
                                                       normal(short_line, gauss.m1, gauss.s1),
                                                       brownian_with_epsilon(gauss.eps)})
                            .coupling;
  const std::size_t n = 20000;
  const double N = n, C = gauss.s0 * gauss.K, conditional = gauss.eps * gauss.K;
  Points<double> x0("x0", n, 1), x1("x1", n, 1);
  coupling.sample(exec(), {.seed = 11}, x0, x1);
  const auto a = to_host(x0), b = to_host(x1);
  BOOST_TEST(std::abs(mean_of(b, 1, 0) - gauss.m1) < 5 * std::sqrt(gauss.s1 / N));
  BOOST_TEST(std::abs(covariance_of(a, 1, 0, b, 0) - C) < 5 * std::sqrt((gauss.s0 * gauss.s1 + C * C) / N));
  BOOST_TEST(std::abs(covariance_of(b, 1, 0, b, 0) - gauss.s1) < 5 * gauss.s1 * std::sqrt(2 / N));
  // at a point between nodes
  const double x = 0.4321;
  coupling.sample_conditional(exec(), {.seed = 12}, points(std::vector<double>(n, x), 1), x1);
  const auto c = to_host(x1);
  BOOST_TEST(std::abs(mean_of(c, 1, 0) - gauss.m1 - gauss.K * (x - gauss.m0)) <
             5 * std::sqrt(conditional / N));
  BOOST_TEST(std::abs(covariance_of(c, 1, 0, c, 0) - conditional) < 5 * conditional * std::sqrt(2 / N));
  // moved within their cells: spacing^2 / 6 more
  GridPlan coarse = GridIpf<double>()
                        .solve(exec(), Problem{normal({-9, 9, 36}, 0, 0.5), normal({-9, 9, 36}, 0, 0.5),
                                               brownian_with_epsilon(1)})
                        .coupling;
  coarse.set_cell_draw(CellDraw::offset);
  coarse.sample(exec(), {.seed = 13}, x0, x1);
  const auto e = to_host(x1);
  const double spread = 0.5 + 0.25 / 6;
  BOOST_TEST(std::abs(covariance_of(e, 1, 0, e, 0) - spread) < 5 * spread * std::sqrt(2 / N));
}

BOOST_AUTO_TEST_CASE(conditional_draws_in_three_dimensions) {
  // independent axes with their own volatility: each is a scalar bridge with epsilon sigma_k^2 T
  const RegularGrid cube{{-4, 4, 24}, {-4, 4.5, 26}, {-5, 4, 28}};
  const double spread[2][3] = {{0.3, 0.4, 0.35}, {0.35, 0.3, 0.4}};
  const std::vector<double> sigma{1.0, 0.7, 1.3};
  const auto density = [&](int side) {
    return [&, side](std::span<const double> x) {
      double sum = 0;
      for (std::size_t k = 0; k < 3; ++k) sum -= 0.5 * x[k] * x[k] / spread[side][k];
      return sum;
    };
  };
  const Problem problem{grid_measure(cube, density(0)), grid_measure(cube, density(1)),
                        DiagonalBrownian{sigma, 0.5}};
  const auto [coupling, report] = GridIpf<double>().solve(exec(), problem);
  const std::size_t n = 2000;
  const std::vector<double> x{0.31, -0.47, 0.83};
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) rows.insert(rows.end(), x.begin(), x.end());
  Points<double> x1("x1", n, 3), mean("mean", 1, 3);
  coupling.sample_conditional(exec(), {.seed = 3}, points(rows, 3), x1);
  coupling.conditional_mean(exec(), points(x, 3), mean);
  const auto y = to_host(x1), m = to_host(mean);
  double cost = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const Scalar axis{0, spread[0][k], 0, spread[1][k], 0.5 * sigma[k] * sigma[k]};
    cost += axis.cost() / (sigma[k] * sigma[k]);
    const double variance = axis.eps * axis.K, expected = axis.K * x[k];
    BOOST_TEST(std::abs(m[k] - expected) < 1e-6);  // quintic in spacings of .3; box at 6 deviations
    BOOST_TEST(std::abs(mean_of(y, 3, k) - expected) < 5 * std::sqrt(variance / static_cast<double>(n)));
    BOOST_TEST(std::abs(covariance_of(y, 3, k, y, k) - variance) <
               5 * variance * std::sqrt(2.0 / static_cast<double>(n)));
  }
  BOOST_TEST(std::abs(covariance_of(y, 3, 0, y, 1)) < 5 * 0.5 / std::sqrt(static_cast<double>(n)));
  BOOST_TEST(std::abs(*report.entropic_cost - cost) < 1e-6);
}

BOOST_AUTO_TEST_CASE(ornstein_uhlenbeck) {
  const OrnsteinUhlenbeck reference{.rate = 0.7, .mean = {0.5}, .sigma = 0.9, .horizon = 1.5};
  const double alpha = std::exp(-0.7 * 1.5), kappa = 0.81 * (1 - alpha * alpha) / 1.4;
  // conventions, section 3: the Brownian bridge from the pushed source
  const Scalar pushed{alpha * gauss.m0 + (1 - alpha) * 0.5, alpha * alpha * gauss.s0, gauss.m1, gauss.s1,
                      kappa};
  const Problem problem{normal({-9, 9, 400}, gauss.m0, gauss.s0), normal({-9, 10, 420}, gauss.m1, gauss.s1),
                        reference};
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-13}).solve(exec(), problem);
  BOOST_TEST(std::abs(*report.entropic_cost - pushed.cost()) < 1e-11);
  BOOST_TEST(std::abs(*report.transport_cost - pushed.transport()) < 1e-11);
  Points<double> mean("mean", 2, 1);
  coupling.conditional_mean(exec(), points({0.3, -1.2}, 1), mean);
  const auto m = to_host(mean);
  BOOST_TEST(std::abs(m[0] - gauss.m1 - alpha * pushed.K * (0.3 - gauss.m0)) < 1e-10);
  BOOST_TEST(std::abs(m[1] - gauss.m1 - alpha * pushed.K * (-1.2 - gauss.m0)) < 1e-10);
  // log density ratio of the joint Gaussian, off the nodes
  Vector<double> ratio("ratio", 1);
  coupling.log_density_ratio(exec(), points({0.3}, 1), points({0.8}, 1), ratio);
  const double x = alpha * 0.3 + (1 - alpha) * 0.5;
  const double expected = (pushed.f(x) + pushed.g(0.8) - 0.5 * (x - 0.8) * (x - 0.8)) / kappa;
  BOOST_TEST(std::abs(to_host(ratio)[0] - expected) < 1e-10);
}

// Reflecting and periodic axes: the marginals of the plan, its kernel summed over images by brute force; the
// spectral kernel finds the same plan.
BOOST_AUTO_TEST_CASE(walls_and_wrapping) {
  const int n = 40;
  const RegularGrid box{{-0.5, 1.5, n}};
  const auto bumps = [&](double centre) {
    return grid_measure(box, [=](std::span<const double> x) {
      return std::log(0.05 + std::exp(-8 * (x[0] - centre) * (x[0] - centre)));
    });
  };
  const double eps = 0.4;
  const Problem problem{bumps(0.2), bumps(1.7), brownian_with_epsilon(eps)};
  for (const Boundary boundary : {Boundary::reflecting, Boundary::periodic}) {
    const GridIpf<double> solver({.tolerance = 1e-13, .boundary = {boundary}});
    const auto [coupling, report] = solver.solve(exec(), problem);
    BOOST_TEST(!report.transport_cost.has_value());
    BOOST_TEST(std::abs(*report.entropic_cost - *report.dual_value) < 1e-11);
    const auto f = host(coupling.source_potential()), g = host(coupling.target_potential());
    const auto p = host(problem.source.log_density()), q = host(problem.target.log_density());
    double rows = 0;
    for (int i = 0; i < n; ++i) {
      double row = 0;
      for (int j = 0; j < n; ++j) {
        const double x = box.axis(0).node(i), y = box.axis(0).node(j);
        double kernel = 0;
        for (int m = -30; m <= 30; ++m)
          for (const double image : {y, -1 - y}) {
            if (boundary == Boundary::periodic && image != y) continue;
            const double distance = x - image - (boundary == Boundary::periodic ? 2 : 4) * m;
            kernel += std::exp(-distance * distance / (2 * eps));
          }
        const auto u = static_cast<std::size_t>(i), v = static_cast<std::size_t>(j);
        row += std::exp((f[u] + g[v]) / eps + p[u] + q[v]) * kernel * 0.05 * 0.05;
      }
      rows += std::abs(row - std::exp(p[static_cast<std::size_t>(i)]) * 0.05);
    }
    BOOST_TEST(rows < 1e-12);
    // log_factor's images are those of the kernel
    Vector<double> ratio("ratio", 1);
    coupling.log_density_ratio(exec(), points({box.axis(0).node(3)}, 1), points({box.axis(0).node(36)}, 1),
                               ratio);
    double kernel = 0;
    for (int m = -30; m <= 30; ++m)
      for (const double image : {box.axis(0).node(36), -1 - box.axis(0).node(36)}) {
        if (boundary == Boundary::periodic && image < -0.5) continue;
        const double distance = box.axis(0).node(3) - image - (boundary == Boundary::periodic ? 2 : 4) * m;
        kernel += std::exp(-distance * distance / (2 * eps));
      }
    BOOST_TEST(std::abs(to_host(ratio)[0] - (f[3] + g[36]) / eps - std::log(kernel)) < 1e-12);
    const auto spectral =
        GridIpf<double>({.tolerance = 1e-10, .kernel = GridKernel::spectral, .boundary = {boundary}})
            .solve(exec(), problem);
    BOOST_TEST(spectral.report.converged());
    BOOST_TEST(std::abs(*spectral.report.entropic_cost - *report.entropic_cost) < 1e-9);
  }
}

// Tails below the transform's absolute error: the spectral answer is judged by the accurate kernel and not
// called converged.
BOOST_AUTO_TEST_CASE(a_spectral_answer_without_tails_is_flagged) {
  const RegularGrid box{{0, 10, 100}};
  const auto peak = [&](double centre) {
    return grid_measure(box,
                        [=](std::span<const double> x) { return -20 * (x[0] - centre) * (x[0] - centre); });
  };
  const Problem problem{peak(1.5), peak(8.5), brownian_with_epsilon(0.05)};
  const auto spectral = GridIpf<double>({.max_iterations = 50,
                                         .annealing = {.enabled = false},
                                         .kernel = GridKernel::spectral,
                                         .boundary = {Boundary::reflecting}})
                            .solve(exec(), problem);
  BOOST_TEST(!spectral.report.converged());
  BOOST_TEST(GridIpf<double>({.boundary = {Boundary::reflecting}}).solve(exec(), problem).report.converged());
}

// The gap between a feasible plan's cost and the dual bounds the error of both, in free space and between
// walls, also where the iteration was cut short; the dense plan says what the bound is worth.
BOOST_AUTO_TEST_CASE(certified_gaps) {
  const GridAxis short_line{-6, 6, 100};
  const GridMeasure a = normal(short_line, gauss.m0, gauss.s0), b = normal(short_line, gauss.m1, 0.5);
  for (const Boundary boundary : {Boundary::free, Boundary::reflecting}) {
    const auto solve = [&](double tolerance, int iterations) {
      return GridIpf<double>({.tolerance = tolerance,
                              .max_iterations = iterations,
                              .annealing = {.enabled = false},
                              .boundary = {boundary},
                              .certify = true})
          .solve(exec(), Problem{a, b, brownian_with_epsilon(0.2)})
          .report;
    };
    const double exact = *solve(1e-13, 1000).entropic_cost;
    BOOST_TEST(std::abs(*solve(1e-13, 1000).duality_gap) < 1e-10);
    double before = 1e300;
    for (const int iterations : {1, 3, 9}) {
      const Report report = solve(1e-13, iterations);
      BOOST_TEST(*report.dual_value <= exact + 1e-12);
      BOOST_TEST(*report.entropic_cost >= exact - 1e-12);
      BOOST_TEST(*report.duality_gap > 0);
      BOOST_TEST(*report.duality_gap < 0.7 * before);
      before = *report.duality_gap;
    }
  }
}

// Two parts that hardly exchange mass: thousands of iterations. A grid has no round trips, and a Newton step
// without them would be an iteration that changes nothing.
BOOST_AUTO_TEST_CASE(no_newton_steps_without_round_trips) {
  const RegularGrid grid{{0, 4, 200}};
  const auto parts = [&](double share) {
    return grid_measure(grid, [=](std::span<const double> x) {
      return std::log(share * std::exp(-20 * (x[0] - 1) * (x[0] - 1)) +
                      (1 - share) * std::exp(-20 * (x[0] - 3) * (x[0] - 3)));
    });
  };
  const Report report =
      GridIpf<double>({.tolerance = 1e-6, .annealing = {.enabled = false}, .check_every = 1})
          .solve(exec(), Problem{parts(0.3), parts(0.6), brownian_with_epsilon(2e-4)})
          .report;
  BOOST_TEST(report.converged());
  const auto worked = [&](const std::string& method) {
    return std::any_of(report.history.begin(), report.history.end(),
                       [&](const HistoryEntry& entry) { return entry.method == method; });
  };
  BOOST_TEST(worked("anderson"));  // Newton's method would have had its turn too
  BOOST_TEST(!worked("newton"));
}

BOOST_AUTO_TEST_CASE(disjoint_supports_and_warm_starts) {
  const RegularGrid grid{{0, 10, 200}};
  const auto slab = [&](double from, double to) {
    return grid_measure(
        grid, [=](std::span<const double> x) { return x[0] > from && x[0] < to ? 0.0 : -INFINITY; });
  };
  // seven to nine apart with a standard deviation of .32: 25 deviations
  const Problem problem{slab(0, 1), slab(8, 9), brownian_with_epsilon(0.1)};
  const auto [coupling, report] = GridIpf<double>().solve(exec(), problem);
  BOOST_TEST(report.converged());
  for (double v : host(coupling.target_potential())) BOOST_TEST_REQUIRE(std::isfinite(v));
  // nodes from 0.975 to 8.025: 7.05 over sqrt(0.1)
  BOOST_TEST(report.kernel.find("the supports are 22.3 standard deviations") != std::string::npos);
  // a coarser grid's potential as the start saves iterations
  const GridProblem fine = scalar_problem();
  const GridAxis coarse_axis{-13, 13, 300};
  const auto coarse =
      GridIpf<double>({.tolerance = 1e-8})
          .solve(exec(), GridProblem{normal(coarse_axis, gauss.m0, gauss.s0),
                                     normal(coarse_axis, gauss.m1, gauss.s1), fine.reference});
  const auto cold = GridIpf<double>({.tolerance = 1e-8}).solve(exec(), fine);
  const auto warm = GridIpf<double>({.tolerance = 1e-8})
                        .solve(exec(), fine, prolong(exec(), coarse.coupling, fine.target.grid()));
  BOOST_TEST(warm.report.converged());
  BOOST_TEST(warm.report.iterations < cold.report.iterations);
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const GridMeasure a = normal({-5, 5, 50}, 0, 1), b = normal({-5, 6, 50}, 0, 1);
  const RegularGrid square{{-5, 5, 8}, {-5, 5, 8}};
  const GridMeasure c = grid_measure(square, [](std::span<const double>) { return 0.0; });
  const auto solve = [&](const GridMeasure& p, const GridMeasure& q, GridIpfOptions options, double eps = 1) {
    return message([&] {
      GridIpf<double>(options).solve(exec(), Problem{p, q, brownian_with_epsilon(eps)});
    });
  };
  BOOST_TEST(contains(solve(a, c, {}), "target dimension = 2"));
  BOOST_TEST(contains(solve(a, b, {.boundary = {Boundary::periodic}}), "same lower and upper"));
  BOOST_TEST(contains(solve(a, a, {.boundary = {Boundary::free, Boundary::free}}), "boundary.size() = 2"));
  BOOST_TEST(contains(solve(a, a, {.kernel = GridKernel::spectral}), "expected periodic or reflecting"));
  BOOST_TEST(contains(solve(a, a, {.kernel = GridKernel::dense}, 1e-3), "would underflow"));
  BOOST_TEST(contains(message([&] { GridIpf<double>({.tolerance = -1}); }), "tolerance = -1"));
  BOOST_TEST(contains(message([&] {
                        GridIpf<double>().solve(exec(), Problem{a, a, DiagonalBrownian{{1, 2}}});
                      }),
                      "sigma.size() = 2"));
  BOOST_TEST(contains(message([&] {
                        GridIpf<double>({.boundary = {Boundary::reflecting}})
                            .solve(exec(), Problem{a, a, OrnsteinUhlenbeck{}});
                      }),
                      "only Brownian motion"));
  // said before anything is allocated
  const RegularGrid vast{{0, 1, 1 << 20}, {0, 1, 1 << 20}};
  BOOST_TEST(contains(
      message([&] { impl::require_memory(impl::grid_geometry(vast, vast, brownian_with_epsilon(1), {})); }),
      "fortet::GridIpf: memory estimate in GiB = 491520"));
  // too coarse: solved, and said
  const auto report = GridIpf<double>().solve(exec(), Problem{a, a, brownian_with_epsilon(0.01)}).report;
  BOOST_TEST(contains(report.kernel, "spacing is 2 standard deviations"));
}
