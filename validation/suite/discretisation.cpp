// Family "discretisation": what a finite number of steps does, apart from what a solver does.
#include <cmath>

#include "algebra/algebra.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/gaussian_iterates.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/nn/affine_steps.hpp"
#include "fortet/solver/dsb.hpp"
#include "suite.hpp"

namespace fortet::validation {
namespace {

using algebra::column;
using algebra::identity;
using algebra::norm;
using algebra::transposed;
using algebra::operator*;
using algebra::operator+;
using algebra::operator-;

auto pair(const auto& reference) {
  return Problem{Gaussian({-0.1}, isotropic(1, 1.0)), Gaussian({0.1}, isotropic(1, 1.0)), reference};
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

/// Moments of the end of a fitted chain of affine steps that starts from `end`, and Cov(X0, X1).
template <class Ref>
GaussianEnd chain_end(const NeuralBridge<double>& bridge, const Ref& reference, Direction direction,
                      GaussianEnd end) {
  const auto& drift = bridge.drift(direction);
  const auto& model = dynamic_cast<const AffineSteps<double>&>(*drift.model);
  const std::size_t d = end.mean.size(), n = bridge.grid().size() - 1;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t k = direction == Direction::forward ? i : n - 1 - i;
    const double from = bridge.grid()[k], to = bridge.grid()[k + 1];
    const AffineMap map = model.map(k, drift.parameters);
    const Matrix slope = identity(d) + (to - from) * map.slope;
    end.mean = algebra::to_vector(slope * column(end.mean) + (to - from) * column(map.offset));
    end.covariance = slope * end.covariance * transposed(slope) + identity(d, reference.variance(from, to));
    end.cross_covariance = end.cross_covariance * transposed(slope);  // Cov(start, state)
  }
  if (direction == Direction::backward) end.cross_covariance = transposed(end.cross_covariance);
  return end;
}

/// The diffusion Schroedinger bridge with exact regression on simulated trajectories, against the recursion
/// for infinitely many: the ends of both fitted chains.
template <class Ref>
void dsb(const Setting& setting, Record& record, const Ref& reference, std::size_t d, double target_scale) {
  const int iterations = 4, particles = d > 1 ? 20000 : setting.full ? 800000 : 150000;
  const double condition = 5;
  const Problem problem{
      Gaussian(std::vector<double>(d, -0.1), random_covariance(d, condition, setting.key.child(0))),
      Gaussian(std::vector<double>(d, 0.1),
               random_covariance(d, condition, setting.key.child(1), target_scale)),
      reference};
  DsbOptions options{{.iterations = iterations, .tolerance = 0, .seed = setting.key.seed},
                     Regression::affine};
  options.training.particles = particles;
  const auto bridge = Dsb<double>(options).solve(setting.exec, problem).coupling;
  const auto truth =
      gaussian_dsb(problem, options.schedule.grid(reference.horizon), iterations).iterates.back();

  // an entry is known to about 1 / sqrt(particles); the root mean square over entries in that unit
  const double scale = std::sqrt(static_cast<double>(particles));
  const auto judge = [&](const std::string& which, const GaussianEnd& ours, const GaussianEnd& end) {
    const double entries = static_cast<double>(d);
    record.score(which + " mean", scale * norm(column(ours.mean) - column(end.mean)) / std::sqrt(entries));
    record.score(which + " covariance", scale * norm(ours.covariance - end.covariance) / entries);
    record.score(which + " covariance of the ends",
                 scale * norm(ours.cross_covariance - end.cross_covariance) / entries);
  };
  const auto start = [](const Gaussian& law) {
    return GaussianEnd{law.mean(), law.covariance(), law.covariance()};
  };
  judge("backward", chain_end(bridge, reference, Direction::backward, start(problem.target)), truth.backward);
  judge("forward", chain_end(bridge, reference, Direction::forward, start(problem.source)), truth.forward);
}

}  // namespace

std::vector<Case> discretisation_cases() {
  const std::string order = "Weak order of a scheme that integrates the exact drift, in closed form";
  std::vector<Case> cases{
      {"discretisation/euler", order,
       [](const Setting& s, Record& r) { scheme_order(s, r, SdeScheme::euler_maruyama, 1); }},
      {"discretisation/heun", order,
       [](const Setting& s, Record& r) { scheme_order(s, r, SdeScheme::heun, 2); }},
      {"discretisation/bridge-steps", "Exact transitions: no bias for any number of steps", bridge_steps},
  };
  const auto add_dsb = [&](const std::string& name, const std::string& what, std::size_t d, double scale) {
    cases.push_back({"discretisation/" + name, what,
                     [=](const Setting& s, Record& r) { dsb(s, r, Brownian{}, d, scale); }, d > 5});
  };
  const std::string exact = "DSB by exact regression with 20 steps against its population values";
  add_dsb("dsb", exact, 1, 1);
  add_dsb("dsb-narrow", exact + ", to a narrow target whose drift changes much from step to step", 1, 0.1);
  for (const std::size_t d : {5u, 20u, 50u, 100u})
    add_dsb("dsb/d-" + std::to_string(d), exact + ", random covariances", d, 1);
  return cases;
}

}  // namespace fortet::validation
