#include "fortet/coupling/chain_bridge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "support/chain_problems.hpp"

using namespace fortet;
using namespace fortet::test;
static_assert(Bridge<ChainBridge> && BarycentricCoupling<ChainBridge> && PotentialCoupling<ChainBridge>);
static_assert(DiffusionReference<DriftDiffusion> && !ReferenceProcess<DriftDiffusion>);

namespace {

GridMeasure normal(const GridAxis& axis, double mean, double variance) {
  return grid_measure(RegularGrid{axis}, [=](std::span<const double> x) {
    return -0.5 * (x[0] - mean) * (x[0] - mean) / variance;
  });
}
const std::vector<double> places{-2.1, -0.7, 0.0, 0.3333, 1.7, 2.9};

std::vector<double> means(const ChainBridge& b, const std::vector<double>& x) {
  Points<double> out("out", x.size(), 1);
  b.conditional_mean(exec(), points(x), out);
  return to_host(out);
}
}  // namespace

// The chain is a Schroedinger problem of its own: marginals to rounding, at both ends and in between, though
// drift and steps are rough.
BOOST_AUTO_TEST_CASE(ipf_converges_to_rounding_on_the_chain) {
  const RegularGrid grid{{-3, 3, 26}, {-3, 3, 24}};
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order}) {
    const auto [b, report] = solve(blob(grid, -1, 0, 0.1), blob(grid, 0.4, 1, 0.2), rotating,
                                   {.tolerance = 2e-13, .chain = {.stepper = stepper, .steps = 24}});
    BOOST_TEST(report.converged());
    BOOST_TEST(report.marginal_error < 2e-13);
    BOOST_TEST(!report.transport_cost.has_value());
    BOOST_TEST(std::abs(*report.entropic_cost - *report.dual_value) < 1e-12);
    const auto p0 = to_host(b.marginal(exec(), 0).log_density()), mu = to_host(b.source().log_density());
    const auto p1 = to_host(b.marginal(exec(), 1).log_density()), nu = to_host(b.target().log_density());
    double worst = 0;
    for (std::size_t i = 0; i < mu.size(); ++i)
      worst = std::max(
          {worst, std::abs(std::exp(p0[i]) - std::exp(mu[i])), std::abs(std::exp(p1[i]) - std::exp(nu[i]))});
    BOOST_TEST(worst < 1e-11);
    for (int n = 0; n <= b.steps(); n += 5)
      BOOST_TEST(std::abs(b.marginal(exec(), n * 1.0 / b.steps()).mass() - 1) < 2e-12);
    BOOST_TEST(std::abs(b.marginal(exec(), 0.41).mass() - 1) < 1e-2);
  }
}

// Two states with jump rates q up and down and killing v0, v1: the bridge between (p, 1 - p) and (r, 1 - r)
// is the 2x2 table with these margins and the odds ratio of the kernel, a quadratic; the kernel is the
// exponential of a 2x2 matrix. Killing splits off symmetrically: second order in the step.
BOOST_AUTO_TEST_CASE(two_states_with_killing) {
  const RegularGrid two{{0, 2, 2}};  // nodes 0.5 and 1.5, spacing 1: rates sigma^2 / 2
  const double sigma = 1.2, T = 0.9, q = 0.72, v0 = 0.4, v1 = 1.5, p = 0.3, r = 0.55;
  const auto law = [&](double first) {
    return grid_measure(two,
                        [=](std::span<const double> x) { return std::log(x[0] < 1 ? first : 1 - first); });
  };
  const DriftDiffusion process{
      .sigma = sigma, .horizon = T, .killing = KillingRate([=](std::span<const double> x) {
                                      return x[0] < 1 ? v0 : v1;
                                    })};
  // exp of ((-q - v0, q), (q, -q - v1)) T = e^{mT} (cosh(w T) + sinh(w T) / w (A - m))
  const double m = -q - (v0 + v1) / 2, delta = (v1 - v0) / 2, w = std::sqrt(delta * delta + q * q);
  const double c = std::cosh(w * T), s = std::sinh(w * T) / w;
  const double k00 = c + s * delta, k11 = c - s * delta, k01 = s * q;
  const double odds = k00 * k11 / (k01 * k01);
  // a (1 - p - r + a) = odds (p - a) (r - a)
  const double A = 1 - odds, B = 1 - p - r + odds * (p + r), C = -odds * p * r;
  const double a = (-B + std::sqrt(B * B - 4 * A * C)) / (2 * A);
  double error[2];
  for (int level = 0; level < 2; ++level) {
    const int steps = 32 << level;
    const auto [b, report] = solve(law(p), law(r), process,
                                   {.tolerance = 1e-14,
                                    .boundary = {Boundary::reflecting},
                                    .chain = {.stepper = Stepper::second_order, .steps = steps}});
    Vector<double> ratio("ratio", 1);
    b.log_density_ratio(exec(), points({0.5}), points({0.5}), ratio);
    error[level] = std::abs(std::exp(to_host(ratio)[0]) * p * r - a);
    // phi_0 / phi at the other node: exp(-(f0 - f1) / eps) = a0 / a1 of the same table, and
    // the value of the killed generator itself, e^{mT} k00, from the potentials
    const double g0 = to_host(b.target_potential())[0], f0 = to_host(b.source_potential())[0];
    const double kernel =
        std::exp(to_host(ratio)[0] - (f0 + g0) / b.epsilon()) / std::sqrt(2 * std::numbers::pi * b.epsilon());
    BOOST_TEST(std::abs(kernel / (std::exp(m * T) * k00) - 1) < 1e-3 / (1 << (2 * level)));
  }
  BOOST_TEST(error[1] < 1e-5);
  BOOST_TEST(std::log2(error[0] / error[1]) > 1.9);
}

namespace {

constexpr double m0 = -0.7, s0 = 0.8, m1 = 0.9, s1 = 1.3;

struct Linear {
  double rate, sigma, T;
  double alpha = std::exp(-rate * T),
         kappa = rate == 0 ? sigma * sigma * T : sigma * sigma * (1 - alpha * alpha) / (2 * rate);
  double pushed = alpha * alpha * s0, D = std::sqrt(4 * pushed * s1 + kappa * kappa),
         K = (D - kappa) / (2 * pushed);
  double mean(double x) const { return m1 + alpha * K * (x - m0); }
  DriftDiffusion process() const {
    return {.drift = Drift::gradient(
                [rate = rate](std::span<const double> x) { return 0.5 * rate * x[0] * x[0]; }),
            .sigma = sigma,
            .horizon = T};
  }
  double error(const ChainBridge& b) const {
    std::vector<double> expected;
    for (double x : places) expected.push_back(mean(x));
    return distance(means(b, places), expected);
  }
};

}  // namespace

// Brownian motion (rate 0) and Ornstein-Uhlenbeck by the general route against the closed form (conventions,
// sections 2 and 3), in the conditional mean over three refinements of the spacing at steps that are fine.
BOOST_AUTO_TEST_CASE(order_in_space) {
  for (const double rate : {0.0, 0.7}) {
    const Linear linear{rate, 0.9, 1.5};
    double error[3];
    for (int level = 0; level < 3; ++level) {
      const GridAxis axis{-10, 10, 160 << level};
      error[level] = linear.error(
          solve(normal(axis, m0, s0), normal(axis, m1, s1), linear.process(), {.chain = {.steps = 400}})
              .coupling);
    }
    BOOST_TEST(std::log2(error[0] / error[1]) > 1.9);
    BOOST_TEST(std::log2(error[1] / error[2]) > 1.9);
    BOOST_TEST(error[2] < 2e-3);
  }
}

// On one grid, against many steps; drift as well, whose slope is section 3's.
BOOST_AUTO_TEST_CASE(order_in_time) {
  const Linear linear{0.7, 0.9, 1.5};
  const GridAxis axis{-10, 10, 160};
  const auto run = [&](Stepper stepper, int steps) {
    return solve(normal(axis, m0, s0), normal(axis, m1, s1), linear.process(),
                 {.tolerance = 1e-11, .chain = {.stepper = stepper, .steps = steps}})
        .coupling;
  };
  const auto finest = run(Stepper::second_order, 4096);
  const auto mean = means(finest, places), drift = drifts(finest, 0.75, places);
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order}) {
    double error[3], drift_error[3];
    for (int level = 0; level < 3; ++level) {
      const auto b = run(stepper, 128 << level);
      error[level] = distance(means(b, places), mean);
      drift_error[level] = distance(drifts(b, 0.75, places), drift);
    }
    const double order = stepper == Stepper::second_order ? 1.9 : 0.95;
    for (int level = 0; level < 2; ++level) {
      BOOST_TEST(std::log2(error[level] / error[level + 1]) > order);
      BOOST_TEST(std::log2(drift_error[level] / drift_error[level + 1]) > order);
    }
  }
}

// Every named thing once more against the exact Ornstein-Uhlenbeck bridge, on a fine grid.
BOOST_AUTO_TEST_CASE(the_ornstein_uhlenbeck_bridge) {
  const Linear linear{0.7, 0.9, 1.5};
  const GridAxis axis{-10, 10, 640};
  const auto [b, report] =
      solve(normal(axis, m0, s0), normal(axis, m1, s1), linear.process(), {.chain = {.steps = 256}});
  const auto exact =
      bridge(exec(), GridIpf<double>()
                         .solve(exec(), Problem{normal(axis, m0, s0), normal(axis, m1, s1),
                                                OrnsteinUhlenbeck{.rate = 0.7, .sigma = 0.9, .horizon = 1.5}})
                         .coupling);
  // errors of order h^2 = 1e-3
  BOOST_TEST(std::abs(b.kl_to_reference(exec()) - exact.kl_to_reference(exec())) < 1e-3);
  BOOST_TEST(b.wall_contact() < 1e-9);
  for (const double t : {0.3, 0.7501, 1.2}) {
    const auto p = b.marginal(exec(), t), q = exact.marginal(exec(), t);
    BOOST_TEST(std::abs(p.mean(exec())[0] - q.mean(exec())[0]) < 1e-3);
    BOOST_TEST(std::abs(p.covariance(exec())(0, 0) - q.covariance(exec())(0, 0)) < 2e-3);
    Points<double> x = points(places), u("u", places.size(), 1), v("v", places.size(), 1);
    const auto compare = [&](auto get, double tolerance) {
      get(b, u);
      get(exact, v);
      BOOST_TEST(distance(to_host(u), to_host(v)) < tolerance);
    };
    compare([&](const auto& one, auto out) { one.forward_drift(exec(), t, x, out); }, 4e-3);
    compare([&](const auto& one, auto out) { one.backward_drift(exec(), t, x, out); }, 4e-3);
    compare([&](const auto& one, auto out) { one.probability_flow_drift(exec(), t, x, out); }, 4e-3);
    compare([&](const auto& one, auto out) { one.current(exec(), t, x, out); }, 2e-3);
  }
  Vector<double> ratio("ratio", places.size()), expected("expected", places.size());
  b.log_density_ratio(exec(), points(places), points({-1.0, 0.2, 0.7, 1.1, 1.5, 2.2}), ratio);
  exact.log_density_ratio(exec(), points(places), points({-1.0, 0.2, 0.7, 1.1, 1.5, 2.2}), expected);
  BOOST_TEST(distance(to_host(ratio), to_host(expected)) < 4e-3);
}

// Draws follow the chain's own marginals: five standard errors, and paths at five times.
BOOST_AUTO_TEST_CASE(paths_of_the_chain) {
  const RegularGrid grid{{-2.5, 2.5, 30}, {-2.5, 2.5, 28}};
  for (const DriftDiffusion& process : {quartic, rotating}) {
    const auto b =
        solve(blob(grid, -0.8, 0, 0.08), blob(grid, 0.8, 0.4, 0.1), process, {.chain = {.steps = 16}})
            .coupling;
    const std::size_t n = 4000;
    Paths<double> paths("paths", n, 2, 5);
    b.sample_paths(exec(), {.seed = 5}, paths);
    for (int k = 0; k < 5; ++k) {
      const auto slice = to_host(
          Points<double>(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, static_cast<std::size_t>(k))));
      const auto p = b.marginal(exec(), k / 4.0);
      const auto mean = p.mean(exec());
      const auto covariance = p.covariance(exec());
      for (std::size_t c = 0; c < 2; ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += slice[2 * i + c] / n;
        BOOST_TEST(std::abs(sum - mean[c]) < 5 * std::sqrt(covariance(c, c) / n));
      }
    }
    // X_T given a point that is no node
    const std::vector<double> x{-0.71, 0.13};
    std::vector<double> rows;
    for (std::size_t i = 0; i < n; ++i) rows.insert(rows.end(), x.begin(), x.end());
    Points<double> x1("x1", n, 2), mean("mean", 1, 2);
    b.sample_conditional(exec(), {.seed = 6}, points(rows, 2), x1);
    b.conditional_mean(exec(), points(x, 2), mean);
    const auto y = to_host(x1), m = to_host(mean);
    for (std::size_t c = 0; c < 2; ++c) {
      double sum = 0, square = 0;
      for (std::size_t i = 0; i < n; ++i) sum += y[2 * i + c] / n, square += y[2 * i + c] * y[2 * i + c] / n;
      // and the cell's corners instead of x: O(h^2)
      BOOST_TEST(std::abs(sum - m[c]) < 5 * std::sqrt((square - sum * sum) / n) + 5e-3);
    }
  }
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const GridAxis line{-5, 5, 50};
  const GridMeasure a = normal(line, 0, 1), b = normal({-5, 5, 51}, 0, 1), c = normal({-5, 6, 50}, 0, 1);
  BOOST_TEST(contains(message([&] { solve(a, b, {}); }),
                      "axis 0 = 51 is not allowed; with a drift expected the "
                      "source's 50, a multiple or a divisor of it; "));
  BOOST_TEST(contains(message([&] { solve(a, c, {}); }), "resample()"));
  BOOST_TEST(contains(message([&] { solve(a, a, {.sigma = -1}); }), "sigma = -1"));
  BOOST_TEST(contains(message([&] { solve(a, a, {}, {.chain = {.steps = -1}}); }), "chain.steps = -1"));
  // solved, and said: spacing 0.2 over 0.1, slabs from -1.1 to 1.1 over 0.1
  const auto slab = [&](double from, double to) {
    return grid_measure(RegularGrid{line}, [=](std::span<const double> x) {
      return x[0] > from && x[0] < to ? 0.0 : double{-INFINITY};
    });
  };
  const auto far = solve(slab(-2, -1), slab(1, 2), {.sigma = 0.1}, {.chain = {.steps = 8}}).report.kernel;
  BOOST_TEST(contains(far, "spacing is 2 standard deviations"));
  BOOST_TEST(contains(far, "the supports are 22 standard deviations"));
  const GridMeasure flat = grid_measure(RegularGrid{line}, [](std::span<const double>) { return 0.0; });
  BOOST_TEST(contains(message([&] { solve(flat, flat, {}); }), "make the axis reflecting"));
  const auto good = solve(flat, flat, {}, {.boundary = {Boundary::reflecting}});
  BOOST_TEST(good.report.converged());
  Points<double> x("x", 1, 1);
  BOOST_CHECK_THROW(good.coupling.forward_drift(exec(), 1.5, x, x), InvalidArgument);
  Paths<double> paths("paths", 1, 1, 4);
  BOOST_TEST(contains(message([&] {
                        solve(flat, flat, {}, {.boundary = {Boundary::reflecting}, .chain = {.steps = 32}})
                            .coupling.sample_paths(exec(), {.seed = 1}, paths);
                      }),
                      "divisor of the chain's 32 steps"));
}
