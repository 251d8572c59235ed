// Two thousand random problems, from friendly to nasty: wherever plain iteration (no annealing, no
// relaxation, no Anderson, no Newton, nothing stored) finds the answer in 500 iterations, the solver as it
// comes and its kernels one by one must find the same one.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <random>
#include <string>

#include "fortet/solver/sinkhorn.hpp"
#include "support/problems.hpp"

using namespace fortet;
using support::HostCloud;

namespace {

constexpr double tolerance = 1e-8;

/// Up to 60 atoms in up to 5 dimensions, of one of five kinds, with weights over up to 12 decades.
HostCloud nasty_cloud(std::mt19937_64& generator, std::size_t d, int kind) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  HostCloud cloud;
  cloud.n = 1 + generator() % 60;
  cloud.d = d;
  cloud.points.resize(cloud.n * d);
  cloud.weights.resize(cloud.n);
  const double decades = generator() % 3 == 0 ? 12 : generator() % 2;
  const bool with_zeros = generator() % 4 == 0;
  double total = 0;
  for (std::size_t i = 0; i < cloud.n; ++i) {
    const double along = uniform(generator);
    const double centre = static_cast<double>(generator() % 4);
    for (std::size_t k = 0; k < d; ++k) {
      double& value = cloud.points[i * d + k];
      switch (kind) {
        case 0:  // one cluster
          value = normal(generator);
          break;
        case 1:  // a few tight clusters
          value = centre + 0.02 * normal(generator);
          break;
        case 2:  // on a line
          value = along * static_cast<double>(k + 1);
          break;
        case 3:  // heavy tails
          value = normal(generator) / (0.05 + std::abs(normal(generator)));
          break;
        default:  // few distinct points, repeated
          value = std::floor(3 * uniform(generator));
      }
    }
    cloud.weights[i] =
        with_zeros && i > 0 && generator() % 3 == 0 ? 0.0 : std::pow(10, -decades * uniform(generator));
    total += cloud.weights[i];
  }
  for (double& weight : cloud.weights) weight /= total;
  return cloud;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_default_finds_the_plain_answer) {
  const DefaultExec exec;
  std::mt19937_64 generator(20261122);
  int compared = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const std::size_t d = 1 + generator() % 5;
    const int kind = static_cast<int>(generator() % 5);
    const HostCloud x = nasty_cloud(generator, d, kind), y = nasty_cloud(generator, d, kind);
    const auto source = support::to_cloud<double>(x), target = support::to_cloud<double>(y);
    const double mean_cost =
        impl::make_kernel(exec, source, target, brownian_with_epsilon(1.0))->mean_cost(exec);
    if (!(mean_cost > 1e-12)) continue;
    const double relative = std::pow(10, std::uniform_real_distribution<double>(-4, 1)(generator));
    const Brownian reference = brownian_with_epsilon(relative * mean_cost);
    const Problem problem{source, target, reference};
    SinkhornOptions plain{.tolerance = tolerance,
                          .max_iterations = 500,
                          .largest_relaxation = 1,
                          .anderson = false,
                          .newton = false,
                          .entries = KernelEntries::recomputed};
    plain.annealing.enabled = false;
    const auto truth = Sinkhorn<double>(plain).solve(exec, problem).report;
    if (!truth.converged()) continue;
    ++compared;
    for (const KernelEntries entries : {KernelEntries::recomputed, KernelEntries::stored}) {
      BOOST_TEST_CONTEXT("trial=" << trial << " kind=" << kind << " n=" << x.n << " m=" << y.n << " d=" << d
                                  << " epsilon=" << relative << " entries=" << static_cast<int>(entries)) {
        const auto report =
            Sinkhorn<double>({.tolerance = tolerance, .entries = entries}).solve(exec, problem).report;
        BOOST_TEST(to_string(report.status) == "converged");
        // both are feasible to `tolerance` in L1, and a unit of mass costs at most the largest |f| + |g|, for
        // which the largest cost stands in
        const double bound =
            20 * tolerance * impl::make_kernel(exec, source, target, reference)->largest_cost(exec);
        BOOST_TEST(std::abs(*report.dual_value - *truth.dual_value) <= bound);
        BOOST_TEST(std::abs(*report.transport_cost - *truth.transport_cost) <= bound);
      }
    }
  }
  BOOST_TEST_MESSAGE(compared << " of 2000 problems compared");
  BOOST_TEST(compared > 1000);
}
