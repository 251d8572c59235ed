// Family "discretisation": what a finite number of steps does, apart from what a solver does.
#include <cmath>

#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/gaussian_iterates.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/nn/affine_steps.hpp"
#include "fortet/solver/dsb.hpp"
#include "suite.hpp"

namespace fortet::validation {
namespace {

auto pair(const auto& reference, double target_variance = 1) {
  return Problem{Gaussian({-0.1}, isotropic(1, 1.0)), Gaussian({0.1}, isotropic(1, target_variance)),
                 reference};
}

/// Error of the variance of X_T when the exact drift is integrated with N steps, in closed form.
void scheme_order(const Setting&, Record& record, SdeScheme scheme, double expected) {
  const auto bridge = gaussian_bridge(pair(Brownian{}));
  std::vector<double> steps, errors;
  for (const int n : {40, 80, 160, 320}) {
    steps.push_back(n);
    errors.push_back(
        std::abs(gaussian_discretised_end(bridge, uniform_times(1, n), scheme).covariance(0, 0) - 1));
  }
  const double order = -exponent(steps, errors);
  record.score("order", std::abs(order - expected), {.oracle = expected});
  record.curve({.title = scheme == SdeScheme::heun ? "Stochastic Heun" : "Euler-Maruyama",
                .x_label = "steps",
                .y_label = "error of Var X1",
                .caption = "Integrating the exact drift. The line falls by a factor " +
                           std::string(expected > 1 ? "four" : "two") +
                           " for each doubling of the steps: the order of the scheme.",
                .series = {{"measured", steps, errors}}});
}

/// The bridge-step sampler has no bias for any number of steps: moments of X_T and Cov(X0, X_T) after `steps`
/// transitions, in standard errors.
void bridge_steps(const Setting& setting, Record& record) {
  const auto bridge = gaussian_bridge(pair(Brownian{}));
  const double c = bridge.plan().cross_covariance(0, 0);
  const std::size_t n = setting.full ? 1000000 : 200000;
  for (const int steps : {1, 4, 20}) {
    Points<double> start("fortet::validation::start", n, 1), x("fortet::validation::x", n, 1),
        next("fortet::validation::next", n, 1);
    bridge.source().sample(setting.exec, setting.key.child(0), start);
    Kokkos::deep_copy(setting.exec, x, start);
    for (int k = 0; k < steps; ++k) {
      bridge.sample_transition(setting.exec, setting.key.child(static_cast<std::uint64_t>(k) + 1),
                               static_cast<double>(k) / steps, static_cast<double>(k + 1) / steps, x, next);
      std::swap(x, next);
    }
    setting.exec.fence();
    const auto a = to_host(start), b = to_host(x);
    double mean = 0, square = 0, product = 0;
    for (std::size_t i = 0; i < n; ++i) {
      mean += b[i] - 0.1;
      square += (b[i] - 0.1) * (b[i] - 0.1) - 1;
      product += (a[i] + 0.1) * (b[i] - 0.1) - c;
    }
    const double root = std::sqrt(static_cast<double>(n));
    const std::string with = std::to_string(steps) + (steps == 1 ? " step" : " steps");
    record.score("mean, " + with, std::abs(mean) / root);
    record.score("variance, " + with, std::abs(square) / (root * std::sqrt(2.0)));
    record.score("covariance, " + with, std::abs(product) / (root * std::sqrt(1 + c * c)));
  }
}

/// The diffusion Schroedinger bridge with exact regression on simulated trajectories, against the recursion
/// for infinitely many: the ends of both fitted chains.
template <class Ref>
void dsb(const Setting& setting, Record& record, const Ref& reference, double target_variance) {
  const int iterations = 4, particles = setting.full ? 800000 : 150000;
  const auto problem = pair(reference, target_variance);
  DsbOptions options{{.iterations = iterations, .tolerance = 0, .seed = setting.key.seed},
                     Regression::affine};
  options.training.particles = particles;
  const auto bridge = Dsb<double>(options).solve(setting.exec, problem).coupling;
  const auto times = options.schedule.grid(reference.horizon);
  const auto truth = gaussian_dsb(problem, times, iterations);

  const auto chain_end = [&](Direction direction, double mean, double variance) {
    const auto& drift = bridge.drift(direction);
    const auto& model = dynamic_cast<const AffineSteps<double>&>(*drift.model);
    double covariance = variance;
    const std::size_t n = bridge.grid().size() - 1;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = direction == Direction::forward ? i : n - 1 - i;
      const double h = bridge.grid()[k + 1] - bridge.grid()[k];
      const AffineMap map = model.map(k, drift.parameters);
      const double slope = 1 + h * map.slope(0, 0);
      mean = slope * mean + h * map.offset[0];
      variance = slope * slope * variance + reference.variance(bridge.grid()[k], bridge.grid()[k + 1]);
      covariance *= slope;
    }
    return std::array{mean, variance, covariance};
  };
  const double scale = std::sqrt(static_cast<double>(particles));
  const auto judge = [&](const std::string& which, const std::array<double, 3>& ours,
                         const GaussianEnd& end) {
    record.score(which + " mean", scale * std::abs(ours[0] - end.mean[0]), {.oracle = end.mean[0]});
    record.score(which + " variance", scale * std::abs(ours[1] - end.covariance(0, 0)),
                 {.oracle = end.covariance(0, 0)});
    record.score(which + " covariance", scale * std::abs(ours[2] - end.cross_covariance(0, 0)),
                 {.oracle = end.cross_covariance(0, 0)});
  };
  judge("backward", chain_end(Direction::backward, 0.1, target_variance), truth.iterates.back().backward);
  judge("forward", chain_end(Direction::forward, -0.1, 1), truth.iterates.back().forward);
}

}  // namespace

std::vector<Case> discretisation_cases() {
  const std::string order = "Weak order of a scheme that integrates the exact drift, in closed form";
  return {
      {"discretisation/euler", order,
       [](const Setting& s, Record& r) { scheme_order(s, r, SdeScheme::euler_maruyama, 1); }},
      {"discretisation/heun", order,
       [](const Setting& s, Record& r) { scheme_order(s, r, SdeScheme::heun, 2); }},
      {"discretisation/bridge-steps", "Exact transitions: no bias for any number of steps", bridge_steps},
      {"discretisation/dsb", "DSB by exact regression with 20 steps against its population values",
       [](const Setting& s, Record& r) { dsb(s, r, Brownian{}, 1); }},
      {"discretisation/dsb-narrow", "The same to a narrow target, whose drift changes much from step to step",
       [](const Setting& s, Record& r) { dsb(s, r, Brownian{}, 0.1); }},
  };
}

}  // namespace fortet::validation
