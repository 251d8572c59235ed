// Bridges of two-dimensional drifts that have no closed form.
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "support/chain_problems.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

/// Marginal at half time and drift of a 2-D bridge on n x n nodes.
struct Picture {
  std::vector<double> mean, drift;
  double spread, kl;
};
Picture picture(const DriftDiffusion& process, int n, const std::vector<double>& x) {
  const RegularGrid grid{{-3, 3, n}, {-3, 3, n}};
  const auto b = solve(blob(grid, -0.9, -0.2, 0.06), blob(grid, 0.9, 0.3, 0.08), process,
                       {.chain = {.steps = 32 * n / 30}})
                     .coupling;
  const auto p = b.marginal(exec(), 0.5);
  return {p.mean(exec()), drifts(b, 0.5, x, 2), p.covariance(exec())(0, 0), b.kl_to_reference(exec())};
}

}  // namespace

// Quartic double well and rotation in two dimensions against a run on a finer grid: second order, so that
// half the spacing and step leave a quarter of the difference, nearly so from a spacing of 0.2 on.
BOOST_AUTO_TEST_CASE(two_dimensional_drifts_against_a_fine_grid) {
  const std::vector<double> x{-0.5, 0.1, 0.33, -0.41, 0.77, 0.5};
  for (const DriftDiffusion& process : {quartic, rotating}) {
    const Picture coarse = picture(process, 30, x), middle = picture(process, 60, x),
                  fine = picture(process, 120, x);
    const auto order = [](double a, double b, double c) { return std::log2(std::abs((a - b) / (b - c))); };
    BOOST_TEST(order(coarse.kl, middle.kl, fine.kl) > 1.7);
    BOOST_TEST(order(coarse.spread, middle.spread, fine.spread) > 1.7);
    const double left = distance(coarse.drift, middle.drift), right = distance(middle.drift, fine.drift);
    BOOST_TEST(std::log2(left / right) > 1.7);
    BOOST_TEST(right < 0.05);
  }
}

// The bridge is the reference reweighted at its ends, dP/dR = exp((f(X_0) + g(X_T)) / epsilon) up to
// constants: simulated particles of the reference started in the source, weighted by what the chain says of
// X_T alone (g and log nu), must have the bridge's law in between. Nothing but the end enters the weights;
// what is compared is at half time, on a grid as coarse as 0.05. Bars: five standard errors of the weighted
// means.
BOOST_AUTO_TEST_CASE(two_dimensional_drifts_against_conditioned_particles) {
  const RegularGrid grid{{-3, 3, 120}, {-3, 3, 120}};
  for (const DriftDiffusion& process : {quartic, rotating}) {
    // ends inside what the reference does by itself, so that weights do not concentrate
    const bool turns = !process.drift.potential();
    const auto source = turns ? blob(grid, -0.9, 0, 0.1) : blob(grid, -0.9, 0, 0.06);
    const auto target = turns ? blob(grid, 0.3, -0.8, 0.2) : blob(grid, -0.85, 0.1, 0.02);
    const auto b = solve(source, target, process, {.chain = {.steps = 100}}).coupling;
    const std::size_t n = 40000;
    const int steps = 400;
    const double dt = 1.0 / steps;
    Points<double> start("start", n, 2);
    source.sample(exec(), {.seed = 21}, start);
    auto x = to_host(start), halfway = x;
    std::vector<double> drift(2), first(2), moved(2);
    for (int s = 0; s < steps; ++s) {
      const RandomKey key = RandomKey{.seed = 22}.child(static_cast<std::uint64_t>(s));
      for (std::size_t i = 0; i < n; ++i) {
        // stochastic Heun: weak order two for additive noise
        const std::vector<double> here{x[2 * i], x[2 * i + 1]};
        process.drift(0, here, first);
        const auto z = random_normal_pair(key, i, 0);
        const double noise = process.sigma * std::sqrt(dt);
        moved = {here[0] + dt * first[0] + noise * z.first, here[1] + dt * first[1] + noise * z.second};
        process.drift(0, moved, drift);
        x[2 * i] = here[0] + 0.5 * dt * (first[0] + drift[0]) + noise * z.first;
        x[2 * i + 1] = here[1] + 0.5 * dt * (first[1] + drift[1]) + noise * z.second;
      }
      if (2 * (s + 1) == steps) halfway = x;
    }
    Vector<double> f("f", n), g("g", n), end("end", n);
    b.source_potential(exec(), start, f);
    b.target_potential(exec(), points(x, 2), g);
    target.log_density(exec(), points(x, 2), end);
    exec().fence();
    const auto at_start = to_host(f), at_end = to_host(g), density = to_host(end);
    std::vector<double> weight(n);
    double total = 0;
    for (std::size_t i = 0; i < n; ++i)
      total += weight[i] =
          std::exp((at_start[i] + at_end[i]) / b.epsilon() + density[i]) * 2 * std::numbers::pi * b.epsilon();
    // their mean is the mass of the bridge: one
    double square = 0;
    for (double w : weight) square += w * w;
    const double N = static_cast<double>(n), bar = std::sqrt((square / N - std::pow(total / N, 2)) / N);
    BOOST_TEST(std::abs(total / N - 1) < 5 * bar + 5e-3);
    const auto p = b.marginal(exec(), 0.5);
    const auto mean = p.mean(exec());
    const auto covariance = p.covariance(exec());
    for (std::size_t c = 0; c < 2; ++c) {
      double first_moment = 0, second_moment = 0, first_bar = 0, second_bar = 0;
      for (std::size_t i = 0; i < n; ++i) first_moment += weight[i] * halfway[2 * i + c] / total;
      for (std::size_t i = 0; i < n; ++i) {
        const double d = halfway[2 * i + c] - first_moment;
        second_moment += weight[i] * d * d / total;
      }
      for (std::size_t i = 0; i < n; ++i) {
        const double d = halfway[2 * i + c] - first_moment, w = weight[i] / total;
        first_bar += w * w * d * d;
        second_bar += w * w * std::pow(d * d - second_moment, 2);
      }
      BOOST_TEST_MESSAGE("coordinate " << c << ": " << first_moment << " +- " << std::sqrt(first_bar)
                                       << ", grid " << mean[c] << "; variance " << second_moment << " +- "
                                       << std::sqrt(second_bar) << ", grid " << covariance(c, c));
      BOOST_TEST(std::abs(first_moment - mean[c]) < 5 * std::sqrt(first_bar));
      BOOST_TEST(std::abs(second_moment - covariance(c, c)) < 5 * std::sqrt(second_bar));
    }
  }
}
