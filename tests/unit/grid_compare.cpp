// The same bridge by three solvers: on a grid, in closed form, and from points lifted by Sinkhorn.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/compare/compare.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "support/comparison_row.hpp"

using namespace fortet;
using support::row;

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
