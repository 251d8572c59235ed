// Starts on coarser grids: the same answers as without, for less work on the finest grid.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>

#include "fortet/random/philox.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

/// Two bumps; rough: times noise from node to node, a quarter of the cells empty.
GridMeasure bumps(const RegularGrid& grid, double phase, bool rough) {
  std::size_t node = 0;
  return grid_measure(grid, [=](std::span<const double> x) mutable -> double {
    const std::size_t i = node++;
    double sum = 0;
    for (int b = 0; b < 2; ++b) {
      double square = 0;
      for (std::size_t k = 0; k < x.size(); ++k)
        square += std::pow(x[k] - 0.5 - 0.3 * std::sin(phase + 2 * b + 1.7 * static_cast<double>(k)), 2);
      sum += std::exp(-square / 0.01);
    }
    if (rough && random_uniform({.seed = 5}, i, 0) < 0.25) return -INFINITY;
    return std::log(sum) + (rough ? random_normal({.seed = 6}, i, 0) : 0.0);
  });
}

int iterations_on_the_finest(const Report& report) {
  int coarse = 0;
  for (const HistoryEntry& entry : report.history)
    if (entry.method == "coarser grid") coarse = std::max(coarse, entry.iteration);
  return report.iterations - coarse;
}

template <class Ref>
void same_answer(const RegularGrid& from, const RegularGrid& to, const Ref& reference,
                 std::vector<Boundary> boundary, bool rough) {
  const Problem problem{bumps(from, 0, rough), bumps(to, 1, rough), reference};
  const auto solve = [&](int multigrid) {
    return GridIpf<double>({.tolerance = 1e-12, .multigrid = multigrid, .boundary = boundary})
        .solve(exec(), problem);
  };
  const auto plain = solve(0), nested = solve(8);
  BOOST_TEST(plain.report.converged());
  BOOST_TEST(nested.report.converged());
  BOOST_TEST(nested.report.kernel.find("iterations on coarser grids") != std::string::npos);
  BOOST_TEST(plain.report.kernel.find("coarser") == std::string::npos);
  BOOST_TEST(iterations_on_the_finest(nested.report) < plain.report.iterations);
  // costs are second order in what is left of the marginal errors, first order through the gauge
  BOOST_TEST(std::abs(*nested.report.dual_value - *plain.report.dual_value) < 1e-11);
  const auto p = to_host(problem.target.log_density()), g = to_host(plain.coupling.target_potential()),
             h = to_host(nested.coupling.target_potential());
  double worst = 0;
  for (std::size_t i = 0; i < g.size(); ++i)
    if (p[i] > -10) worst = std::max(worst, std::abs(g[i] - h[i]));
  BOOST_TEST(worst < 1e-8);  // the marginal error over the mass of the smallest cells, e^-10 h^d
}

}  // namespace

BOOST_AUTO_TEST_CASE(answers_do_not_depend_on_the_start) {
  for (const bool rough : {false, true}) {
    const RegularGrid line{{0, 1, 201}}, other{{0, 1.1, 150}};
    same_answer(line, other, brownian_with_epsilon(5e-4), {}, rough);
    same_answer(line, line, brownian_with_epsilon(5e-4), {Boundary::reflecting}, rough);
    same_answer(RegularGrid{{0, 1, 60}, {0, 1, 65}}, RegularGrid{{0, 1, 60}, {-0.1, 1, 70}},
                brownian_with_epsilon(1.5e-3), {}, rough);
  }
  same_answer(RegularGrid{{0, 1, 128}}, RegularGrid{{0, 1, 160}},
              OrnsteinUhlenbeck{.rate = 0.4, .mean = {0.5}, .sigma = 0.025}, {}, false);
}

BOOST_AUTO_TEST_CASE(float_and_the_finest_grid) {
  const RegularGrid square{{0, 1, 80}, {0, 1, 80}};
  const Problem problem{bumps(square, 0, false), bumps(square, 1, false), brownian_with_epsilon(3e-3)};
  const auto one = GridIpf<float>({.tolerance = 1e-9}).solve(exec(), problem).report,
             two = GridIpf<double>({.tolerance = 1e-9, .multigrid = 0}).solve(exec(), problem).report;
  BOOST_TEST(one.converged());
  BOOST_TEST(std::abs(*one.dual_value - *two.dual_value) < 1e-8);
}

// Islands whose masses differ and between which nothing passes at this epsilon: only annealing moves mass.
BOOST_AUTO_TEST_CASE(islands_are_balanced) {
  const RegularGrid line{{0, 10, 400}};
  const auto islands = [&](double left) {
    return grid_measure(line, [=](std::span<const double> x) {
      return x[0] < 0.5 ? std::log(left) : x[0] > 9.5 ? std::log(1 - left) : double{-INFINITY};
    });
  };
  const auto report = GridIpf<double>()
                          .solve(exec(), Problem{islands(0.5), islands(0.5002), brownian_with_epsilon(0.02)})
                          .report;
  BOOST_TEST(report.converged());
}

BOOST_AUTO_TEST_CASE(where_coarser_grids_do_not_help) {
  const RegularGrid line{{0, 1, 128}};
  const auto kernel_of = [&](double epsilon, GridIpfOptions options) {
    options.tolerance = 1e-3;
    return GridIpf<double>(options)
        .solve(exec(), Problem{bumps(line, 0, false), bumps(line, 1, false), brownian_with_epsilon(epsilon)})
        .report.kernel;
  };
  const auto used = [&](double epsilon, GridIpfOptions options = {}) {
    return kernel_of(epsilon, options).find("coarser") != std::string::npos;
  };
  BOOST_TEST(used(5e-4));
  BOOST_TEST(!used(1.0));   // plain iteration is fast
  BOOST_TEST(!used(1e-5));  // a spacing of 2.5 standard deviations
  BOOST_TEST(!used(5e-4, {.annealing = {.enabled = false}}));
  BOOST_TEST(!used(5e-4, {.multigrid = 128}));  // nothing to halve
  BOOST_TEST(message([] { GridIpf<double>({.multigrid = -1}); }).find("multigrid = -1") != std::string::npos);
}

// Stopped on a coarser grid: an answer of the right size, and the limit holds for all grids together.
BOOST_AUTO_TEST_CASE(stopped_early) {
  const RegularGrid line{{0, 1, 256}};
  const Problem problem{bumps(line, 0, false), bumps(line, 1, false), brownian_with_epsilon(1e-3)};
  int calls = 0;
  std::string phase;
  const auto cancelled = GridIpf<double>({.check_every = 1,
                                          .observer =
                                              [&](const Progress& progress) {
                                                phase = progress.phase;
                                                return ++calls < 3 ? Continue::yes : Continue::no;
                                              }})
                             .solve(exec(), problem);
  BOOST_TEST((cancelled.report.status == Status::cancelled));
  BOOST_TEST(cancelled.coupling.target_potential().extent(0) == 256);
  for (const int limit : {1, 5, 20}) {
    const auto report = GridIpf<double>({.max_iterations = limit}).solve(exec(), problem).report;
    BOOST_TEST((report.status == Status::iteration_limit));
    BOOST_TEST(report.iterations <= limit + 1);  // the finest grid gets one
  }
  int last = 0;
  bool rising = true;
  const auto whole = GridIpf<double>({.check_every = 1,
                                      .observer =
                                          [&](const Progress& progress) {
                                            rising = rising && progress.iteration >= last;
                                            last = progress.iteration;
                                            return Continue::yes;
                                          }})
                         .solve(exec(), problem);
  BOOST_TEST(rising);
  BOOST_TEST(whole.report.converged());
}
