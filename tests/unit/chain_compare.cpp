// A Markov chain's bridge beside the closed form.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/compare/compare.hpp"
#include "fortet/coupling/chain_bridge.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/reference/drift_diffusion.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "support/comparison_row.hpp"

using namespace fortet;
using support::row;

// An Ornstein-Uhlenbeck bridge by a Markov chain for its drift: a Bridge like the others.
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
