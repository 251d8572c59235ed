#include "fortet/coupling/lift.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fortet/solver/sinkhorn.hpp"
#include "support/moments.hpp"
#include "support/problems.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using support::random_cloud;
using support::to_cloud;

namespace {

template <class Ref>
auto bridge_of(const Ref& reference, std::size_t d) {
  const Problem problem{to_cloud<double>(random_cloud(33, d, 1)),
                        to_cloud<double>(random_cloud(43, d, 2, 0.5, 0.7, 7)), reference};
  return lift(Sinkhorn<double>({.tolerance = 1e-13}).solve(exec(), problem).coupling);
}

/// b(t, x) from the definition, sigma^2 grad log h with h(t, x) = sum_j b_j exp(g_j / epsilon) N(y_j; m, v
/// I), by a central difference in long double.
template <class B>
double naive_drift(const B& bridge, double t, const std::vector<double>& x, std::size_t k) {
  const auto& r = bridge.reference();
  const auto g = to_host(bridge.coupling().target_potential());
  const auto w = to_host(bridge.coupling().target().log_weights());
  const auto y = to_host(bridge.coupling().target().points());
  const std::size_t d = x.size();
  const long double a = r.mean_factor(t, r.horizon), v = r.variance(t, r.horizon);
  const auto log_h = [&](long double shift) {
    long double high = -INFINITY, sum = 0;
    std::vector<long double> terms(g.size());
    for (std::size_t j = 0; j < g.size(); ++j) {
      long double square = 0;
      for (std::size_t c = 0; c < d; ++c) {
        const long double xc = x[c] + (c == k ? shift : 0.0L), mean = r.mean_of(static_cast<int>(c));
        square += std::pow(y[j * d + c] - a * xc - (1 - a) * mean, 2);
      }
      terms[j] = w[j] + g[j] / static_cast<long double>(bridge.epsilon()) - square / (2 * v);
      high = std::max(high, terms[j]);
    }
    for (long double term : terms) sum += std::exp(term - high);
    return high + std::log(sum);
  };
  const long double step = 1e-5L;
  const long double gradient = (log_h(step) - log_h(-step)) / (2 * step);
  const double rate = -std::log(r.mean_factor(0.0, 1.0));
  return static_cast<double>(r.sigma * r.sigma * gradient) - rate * (x[k] - r.mean_of(static_cast<int>(k)));
}

template <class Ref>
void check_drift(const Ref& reference) {
  const auto bridge = bridge_of(reference, 2);
  const std::vector<double> x{0.3, -0.4};
  const auto points = points_from_host<double>(std::span<const double>(x), 1, 2);
  Points<double> out("fortet::test::drift", 1, 2);
  for (const double fraction : {0.0, 0.3, 0.9}) {
    const double t = fraction * reference.horizon;
    bridge.forward_drift(exec(), t, points, out);
    const auto drift = to_host(out);
    // the central difference has error step^2 (third derivative) / 6, below 1e-6 for these scales
    for (std::size_t k = 0; k < 2; ++k) BOOST_TEST(std::abs(drift[k] - naive_drift(bridge, t, x, k)) <= 1e-6);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(drift_is_the_gradient_of_the_log_potential) {
  check_drift(Brownian{.sigma = 0.8, .horizon = 1.5});
  check_drift(OrnsteinUhlenbeck{.rate = 0.6, .mean = {0.2, -0.1}, .sigma = 0.9, .horizon = 1.2});
}

// Two routes to X_t: the mixture of bridges, and the Markov transition in five exact steps from the source.
// Moments agree within five standard errors of each.
BOOST_AUTO_TEST_CASE(transitions_have_the_marginals_of_the_mixture) {
  const OrnsteinUhlenbeck reference{.rate = 0.6, .mean = {0.2}, .sigma = 0.7, .horizon = 1.2};
  const auto bridge = bridge_of(reference, 1);
  const std::size_t n = 20000;
  Points<double> direct("fortet::test::direct", n, 1), start("fortet::test::start", n, 1),
      end("fortet::test::end", n, 1);
  bridge.sample(exec(), {.seed = 5}, start, end);
  double t = 0;
  for (const double s : {0.2, 0.5, 0.8, 1.0, 1.2}) {
    Points<double> next("fortet::test::next", n, 1);
    bridge.sample_transition(exec(), {.seed = 6, .stream = static_cast<std::uint64_t>(s * 100)}, t, s, start,
                             next);
    bridge.sample_marginal(exec(), {.seed = 7, .stream = static_cast<std::uint64_t>(s * 100)}, s, direct);
    const Moments a = moments(to_host(next)), b = moments(to_host(direct));
    const double se = std::sqrt((a.variance + b.variance) / static_cast<double>(n));
    BOOST_TEST_CONTEXT("s=" << s) {
      BOOST_TEST(std::abs(a.mean - b.mean) <= 5 * se);
      // the variance of a sample variance is at most (kurtosis - 1) / n <= 3 / n times its square here
      BOOST_TEST(std::abs(a.variance - b.variance) <=
                 5 * std::sqrt(6.0 / static_cast<double>(n)) * b.variance);
    }
    start = next;
    t = s;
  }
}

BOOST_AUTO_TEST_CASE(paths_start_and_end_on_atoms_and_have_bridge_increments) {
  const auto bridge = bridge_of(Brownian{.sigma = 0.5}, 2);
  const std::vector<double> times{0.0, 0.25, 1.0};
  LiftedBridge<double, DefaultExec, Brownian>::Paths paths("fortet::test::paths", 20000, 2, 3);
  bridge.sample_paths(exec(), {.seed = 3}, times, paths);
  // Var(X_t - (1-t) X_0 - t X_1) = sigma^2 t (1 - t); five standard errors of a variance from 40,000 values
  double variance = 0;
  for (std::size_t i = 0; i < 20000; ++i)
    for (std::size_t k = 0; k < 2; ++k)
      variance += std::pow(paths(i, k, 1) - 0.75 * paths(i, k, 0) - 0.25 * paths(i, k, 2), 2) / 40000;
  BOOST_TEST(std::abs(variance / (0.25 * 0.25 * 0.75) - 1) <= 5 * std::sqrt(2.0 / 40000));
  // the end points are atoms drawn from the plan: the mean of the target within five standard errors
  const auto target = to_host(bridge.coupling().target().points());
  bool on_atom = false;
  for (std::size_t j = 0; j < 43; ++j) on_atom = on_atom || target[2 * j] == paths(0, 0, 2);
  BOOST_TEST(on_atom);
}

BOOST_AUTO_TEST_CASE(times_outside_the_horizon_are_refused) {
  const auto bridge = bridge_of(Brownian{.sigma = 0.5}, 2);
  Points<double> x("fortet::test::x", 3, 2), out("fortet::test::out", 3, 2);
  BOOST_CHECK_THROW(bridge.forward_drift(exec(), 1.0, x, out), InvalidArgument);
  BOOST_CHECK_THROW(bridge.forward_drift(exec(), -0.1, x, out), InvalidArgument);
  BOOST_CHECK_THROW(bridge.sample_marginal(exec(), {}, 1.5, out), InvalidArgument);
  BOOST_CHECK_THROW(bridge.sample_transition(exec(), {}, 0.5, 0.4, x, out), InvalidArgument);
}
