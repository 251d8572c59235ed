// The same bridge by three solvers: on a grid, in closed form, and from points lifted by Sinkhorn.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>

#include "fortet/compare/compare.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"

using namespace fortet;

namespace {

/// Of the law whose name begins so.
const ComparisonRow& row(const Comparison& c, std::string_view metric, std::string_view law) {
  for (const ComparisonRow& candidate : c.rows)
    if (candidate.metric == metric && candidate.law.starts_with(law)) return candidate;
  throw std::runtime_error("no such row");
}

}  // namespace

BOOST_AUTO_TEST_CASE(grid_gaussian_and_lift_agree) {
  const DefaultExec exec;
  const Gaussian mu({-0.5}, isotropic(1, 0.6)), nu({0.7}, isotropic(1, 0.3));
  const Brownian reference = brownian_with_epsilon(0.5);
  const RegularGrid grid{{-7, 7, 280}};
  const auto by_grid = bridge(
      exec, GridIpf<double>({.tolerance = 1e-12})
                .solve(exec, Problem{discretise(exec, mu, grid), discretise(exec, nu, grid), reference})
                .coupling);
  const auto exact = gaussian_bridge(Problem{mu, nu, reference});
  const std::size_t n = 1500;
  const auto by_points = lift(
      Sinkhorn<double>()
          .solve(exec, Problem{draw(exec, mu, n, {.seed = 1}), draw(exec, nu, n, {.seed = 2}), reference})
          .coupling);
  const CompareOptions few{.pairs = 1000, .seed = 3, .transport_points = 200};

  const Comparison c = compare(exec, by_grid, exact, few);
  // functions without noise: what quintic interpolation leaves
  BOOST_TEST(row(c, "map error", "E[X1|X0]").estimate.value < 1e-9);
  BOOST_TEST(row(c, "path KL", "paths").estimate.value < 1e-4);
  // draws lie on nodes: the same law to second order in the spacing, seen through 1000 pairs
  const Estimate mean = row(c, "mean error", "target").estimate;
  BOOST_TEST(mean.value < *mean.floor + 5 * std::sqrt(0.3 / 1000));

  const Comparison d = compare(exec, by_points, by_grid, few);
  // the points' own means are off by their standard deviations
  BOOST_TEST(row(d, "mean error", "source").estimate.value < 5 * std::sqrt(0.6 / 1000 + 0.6 / n));
  BOOST_TEST(row(d, "map error", "E[X1|X0]").estimate.value < 0.1);
  BOOST_TEST(!d.marginals.empty());
}

// The same Ornstein-Uhlenbeck bridge by a Markov chain for its drift: a Bridge like the others.
BOOST_AUTO_TEST_CASE(a_chain_agrees_with_the_closed_form) {
  const DefaultExec exec;
  const Gaussian mu({-0.5}, isotropic(1, 0.6)), nu({0.7}, isotropic(1, 0.3));
  const OrnsteinUhlenbeck reference{.rate = 0.7, .sigma = 0.8, .horizon = 1.2};
  const RegularGrid grid{{-6, 6, 400}};
  const DriftDiffusion drift{
      .drift = Drift::gradient([](std::span<const double> x) { return 0.35 * x[0] * x[0]; }),
      .sigma = 0.8,
      .horizon = 1.2};
  const auto chain = GridIpf<double>({.chain = {.steps = 64}})
                         .solve(exec, Problem{discretise(exec, mu, grid), discretise(exec, nu, grid), drift})
                         .coupling;
  const CompareOptions few{.pairs = 1000,
                           .seed = 5,
                           .transport_points = 0,
                           .conditional_points = 16,
                           .conditional_samples = 200,
                           .times = 3};
  const Comparison c = compare(exec, chain, gaussian_bridge(Problem{mu, nu, reference}), few);
  // functions: second order in a spacing of 0.03 and a step of 0.02, errors of a few 1e-4
  BOOST_TEST(row(c, "map error", "E[X1|X0]").estimate.value < 1e-3);
  BOOST_TEST(row(c, "log density ratio, rms", "pairs").estimate.value < 1e-2);
  // squares of such errors, and where the sources differ: multilinear against exact, O(h^2)
  BOOST_TEST(std::abs(row(c, "path KL", "paths").estimate.value) < 1e-3);
  BOOST_TEST(c.marginals.size() == 5);
  // of 1000 draws, five standard errors above their own floor
  for (const auto& marginal : c.marginals)
    BOOST_TEST(marginal.sliced_w2.value < *marginal.sliced_w2.floor + 5 * std::sqrt(0.6 / 1000));
}
