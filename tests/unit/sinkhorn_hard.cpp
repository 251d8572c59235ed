// Problems on which plain iteration stalls or takes thousands of iterations, and which break an unguarded
// Newton method: every acceleration, alone and all together, must find the answer, and sooner. That it is the
// answer is known from weak duality: no plan costs less than the dual value, and the rounded plan is one.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>

#include "fortet/solver/sinkhorn.hpp"
#include "solver/newton.hpp"
#include "support/problems.hpp"

using namespace fortet;
using support::HostCloud;
using support::random_cloud;

namespace {

constexpr double tolerance = 1e-6;

HostCloud clusters(unsigned seed) {
  HostCloud cloud = random_cloud(120 + 7 * seed, 3, seed, 0, 0.05);
  for (std::size_t i = 0; i < cloud.n; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      cloud.points[3 * i + k] += static_cast<double>((7 * i + 3 * k + seed) % 5);
  return cloud;
}

bool worked(const Report& report, const std::string& method) {
  return std::any_of(report.history.begin(), report.history.end(),
                     [&](const HistoryEntry& entry) { return entry.method == method; });
}

struct Hard {
  const char* name;
  HostCloud source, target;
  double epsilon;  // over the mean cost
  bool anneal;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_acceleration_is_faster_and_certified) {
  const DefaultExec exec;
  // n != m, random weights. Between far clusters a solve that does not anneal hardly moves.
  const Hard cases[] = {
      {"clusters", clusters(1), clusters(2), 3e-4, true},
      {"d = 32", random_cloud(120, 32, 3), random_cloud(101, 32, 4), 1e-3, false},
      {"plane", random_cloud(120, 2, 5), random_cloud(131, 2, 6), 1e-3, false},
  };
  for (const Hard& hard : cases) {
    const auto source = support::to_cloud<double>(hard.source),
               target = support::to_cloud<double>(hard.target);
    const double mean = impl::make_kernel(exec, source, target, brownian_with_epsilon(1.0))->mean_cost(exec);
    const Problem problem{source, target, brownian_with_epsilon(hard.epsilon * mean)};
    const double largest = impl::make_kernel(exec, source, target, problem.reference)->largest_cost(exec);
    SinkhornOptions plain{.tolerance = tolerance,
                          .max_iterations = 1'000'000,
                          .largest_relaxation = 1,
                          .anderson = false,
                          .newton = false,
                          .certify = true,
                          .check_every = 1};
    plain.annealing.enabled = hard.anneal;
    const Report truth = Sinkhorn<double>(plain).solve(exec, problem).report;
    SinkhornOptions anderson = plain, newton = plain, relaxed = plain,
                    all{.tolerance = tolerance, .certify = true};
    anderson.anderson = newton.newton = true;
    relaxed.largest_relaxation = 1.98;
    for (const auto& [name, options] : {std::pair{"anderson", anderson}, std::pair{"newton", newton},
                                        std::pair{"relaxation", relaxed}, std::pair{"all", all}}) {
      BOOST_TEST_CONTEXT(hard.name << ", " << name) {
        const Report report = Sinkhorn<double>(options).solve(exec, problem).report;
        BOOST_TEST_MESSAGE(hard.name << ", " << name << ": " << report.iterations << " of "
                                     << truth.iterations << " iterations");
        BOOST_TEST(report.converged());
        BOOST_TEST(report.iterations < truth.iterations);
        // what the rounding moves costs at most about the largest cost a unit of mass
        const double bound = 4 * tolerance * largest;
        BOOST_TEST(*report.duality_gap >= -1e-12 * largest);  // rounding
        BOOST_TEST(*report.duality_gap <= bound);
        if (truth.converged()) BOOST_TEST(std::abs(*report.dual_value - *truth.dual_value) <= bound);
        if (options.anderson != options.newton) BOOST_TEST(worked(report, name));
      }
    }
  }
}

// Two far pairs of atoms whose masses differ by 1e-8: that much has to cross, at a cost of 50 epsilon, for
// which the potentials of one pair must move by some 30 epsilon. An iteration moves them by 1e-8 epsilon.
BOOST_AUTO_TEST_CASE(a_line_search_crosses_between_far_parts) {
  const DefaultExec exec;
  const double excess = 1e-8;
  const HostCloud source{2, 1, {0, 10}, {0.5 + excess, 0.5 - excess}}, target{2, 1, {0, 10}, {0.5, 0.5}};
  const auto x = support::to_cloud<double>(source), y = support::to_cloud<double>(target);
  impl::SinkhornState<DefaultExec> state(exec, impl::make_kernel(exec, x, y, brownian_with_epsilon(1.0)));
  const double error = impl::ascend(state);
  // it ends where the slope, which is proportional to the imbalance, is below a tenth
  BOOST_TEST(error <= 0.1 * 2 * excess);
  const auto f = to_host(ConstVector<double>(state.f)), g = to_host(ConstVector<double>(state.g));
  const double crossing = 0.25 * std::exp(f[0] + g[1] - 50);
  BOOST_TEST(std::abs(crossing / excess - 1) <= 0.1);
}
