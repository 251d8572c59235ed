// Family "neural": drifts of trained networks against the exact ones, and error against seconds beside the
// other solvers.
#include <chrono>
#include <cmath>

#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/gaussian_iterates.hpp"
#include "networks.hpp"
#include "timed_solvers.hpp"

namespace fortet::validation {

double half_way_error(const Setting& setting, const GaussianBridge<Brownian>& exact, const Side& side) {
  return drift_error(side, side_of(setting, exact), exact.reference().horizon / 2, 2000,
                     setting.key.child(0));
}

namespace {

Problem<Sampler<double>, Sampler<double>, Brownian> sampled(const GaussianBridge<Brownian>& exact) {
  return {as_sampler<double>(exact.source()), as_sampler<double>(exact.target()), exact.reference()};
}

GaussianBridge<Brownian> pair(std::size_t d) {
  return {Gaussian(std::vector<double>(d, -0.5), isotropic(d, 1.0)),
          Gaussian(std::vector<double>(d, 0.5), isotropic(d, 0.5)), Brownian{}};
}

void drifts(const Setting& setting, Record& record, std::size_t d, Method method) {
  const auto exact = pair(d);
  const Training training = setting.full ? Training{.iterations = 5, .steps = 3000, .width = 128}
                                         : Training{.iterations = 2, .steps = 600, .width = 64};
  const auto bridge = train(setting, method, sampled(exact), training, setting.key.seed).coupling;
  record.score("drift at T/2", half_way_error(setting, exact, side_of(setting, bridge)));
  const std::size_t n = 20000;
  Points<float> x0("fortet::validation::x0", n, d), x1("fortet::validation::x1", n, d);
  bridge.sample(setting.exec, setting.key.child(1), x0, x1);
  setting.exec.fence("fortet::validation::sample");
  const auto a = to_host(x0), b = to_host(x1);
  double variance = 0, covariance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    variance += (b[i] - 0.5) * (b[i] - 0.5) / static_cast<double>(a.size());
    covariance += (a[i] + 0.5) * (b[i] - 0.5) / static_cast<double>(a.size());
  }
  // what the exact drift leaves on as many steps
  const GaussianEnd steps = gaussian_discretised_end(
      exact, uniform_times(exact.reference().horizon, training.chain), SdeScheme::euler_maruyama);
  const double c = exact.plan().cross_covariance(0, 0), noise = 1 / std::sqrt(static_cast<double>(a.size()));
  record.score("variance of X1", std::abs(variance / 0.5 - 1),
               {.sampling_floor = noise * std::sqrt(2.0),
                .discretisation_floor = std::abs(steps.covariance(0, 0) / 0.5 - 1),
                .oracle = 0.5});
  record.score("covariance of X0 and X1", std::abs(covariance / c - 1),
               {.sampling_floor = noise * std::sqrt(0.5 + c * c) / c,
                .discretisation_floor = std::abs(steps.cross_covariance(0, 0) / c - 1),
                .oracle = c});
}

Timed timed_network(const Setting& setting, const GaussianBridge<Brownian>& exact, Method method, int steps) {
  const auto begin = std::chrono::steady_clock::now();
  const auto bridge =
      train(setting, method, sampled(exact), {.iterations = 3, .steps = steps, .width = 64}, setting.key.seed)
          .coupling;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return {seconds, half_way_error(setting, exact, side_of(setting, bridge))};
}

/// One problem, every solver, growing budgets.
void race(const Setting& setting, Record& record) {
  const auto exact = pair(2);
  Curve curve{
      .title = "Error against seconds",
      .x_label = "seconds, solving and nothing else",
      .y_label = "relative error of the drift at half time",
      .caption =
          "Two Gaussians in the plane, epsilon = 1, against the closed form. Sinkhorn on more and more "
          "samples, GridIpf on finer and finer grids, DSB and DSBM in longer and longer trainings (three "
          "rounds). A good picture: the grid falls off a cliff to 1e-6 and below within a second; "
          "Sinkhorn's error "
          "falls like n^-1/2, which is seconds^-1/4; the networks level off at some per cent.",
      .series = {}};
  const auto add = [&](const std::string& label, const auto& budgets, const auto& solve) {
    Curve::Series series{label, {}, {}};
    solve(budgets.front());  // what is done once only, as planning and first pages, is not the solver's
    for (const auto budget : budgets) {
      const Timed timed = solve(budget);
      series.x.push_back(timed.seconds);
      series.y.push_back(timed.error);
    }
    record.score(label + ", largest budget", series.y.back());
    curve.series.push_back(std::move(series));
  };
  const bool full = setting.full;
  using Sizes = std::vector<std::size_t>;
  add("Sinkhorn", full ? Sizes{250, 500, 1000, 2000, 4000, 8000} : Sizes{125, 250, 500, 1000},
      [&](std::size_t n) { return timed_sinkhorn(setting, exact, n); });
  add("GridIpf", full ? Sizes{20, 24, 32, 48, 64, 96, 128} : Sizes{20, 24, 32, 40, 48},
      [&](std::size_t side) { return timed_grid(setting, exact, static_cast<int>(side)); });
  using Steps = std::vector<int>;
  const Steps steps = full ? Steps{100, 300, 1000, 3000} : Steps{50, 150, 400};
  add("DSB", steps, [&](int s) { return timed_network(setting, exact, Method::dsb, s); });
  add("DSBM", steps, [&](int s) { return timed_network(setting, exact, Method::dsbm, s); });
  record.curve(std::move(curve));
}

}  // namespace

std::vector<Case> neural_cases() {
  std::vector<Case> cases;
  for (const std::size_t d : {2u, 5u, 20u})
    for (const Method method : {Method::dsb, Method::dsbm})
      cases.push_back(
          {std::string("neural/") + (method == Method::dsb ? "dsb" : "dsbm") + "/d-" + std::to_string(d),
           "A short training between Gaussians: drift and moments against the closed form",
           [=](const Setting& s, Record& r) { drifts(s, r, d, method); }, d != 2});
  cases.push_back({"neural/error-against-seconds",
                   "Sinkhorn, GridIpf, DSB and DSBM on one problem in the plane, with growing budgets",
                   race});
  return cases;
}

}  // namespace fortet::validation
