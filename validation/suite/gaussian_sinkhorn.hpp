#pragma once
// Sinkhorn and its lift where the Gaussian integrals are exact; compiled in a file for each precision.
#include <cmath>

#include "fortet/coupling/lift.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "gaussian.hpp"

namespace fortet::validation {

/// Plots of f, g and E[X1 | X0] of a bridge on the line, beside the exact ones.
template <class B, class Exact>
void draw_statics(const Setting& setting, Record& record, const B& bridge, const Exact& exact) {
  const DefaultExec& exec = setting.exec;
  using Style = Curve::Style;
  const auto three_deviations = [](double mean, double variance) {
    std::vector<double> x(25);
    for (std::size_t i = 0; i < 25; ++i) x[i] = mean + (static_cast<double>(i) / 4 - 3) * std::sqrt(variance);
    return x;
  };
  const auto x = three_deviations(m0, v0), y = three_deviations(m1, v1);
  const auto f = [&](const auto& side) {
    return values_at<double>(x, 1, false, [&](auto in, auto out) {
      side.source_potential(exec, in, Kokkos::subview(out, Kokkos::ALL, 0));
    });
  };
  const auto g = [&](const auto& side) {
    return values_at<double>(y, 1, false, [&](auto in, auto out) {
      side.target_potential(exec, in, Kokkos::subview(out, Kokkos::ALL, 0));
    });
  };
  const auto map = [&](const auto& side) {
    return values_at<double>(x, 1, true, [&](auto in, auto out) { side.conditional_mean(exec, in, out); });
  };
  record.curve({.title = "Potentials",
                .x_label = "x",
                .y_label = "potential",
                .caption = "f on the source, g on the target, over three standard deviations: points by "
                           "Sinkhorn, lines from the closed form. A good plot has every point on a line.",
                .series = {{"f, Sinkhorn", x, f(bridge), Style::points},
                           {"g, Sinkhorn", y, g(bridge), Style::points},
                           {"closed form", x, f(exact), Style::truth},
                           {"closed form", y, g(exact), Style::truth}},
                .log_x = false,
                .log_y = false});
  record.curve(
      {.title = "Transport map",
       .x_label = "x",
       .y_label = "E[X1 | X0 = x]",
       .caption = "The barycentric map at epsilon = 1: points by Sinkhorn, line from the closed form. A "
                  "good plot has every point on the line.",
       .series = {{"Sinkhorn", x, map(bridge), Style::points}, {"closed form", x, map(exact), Style::truth}},
       .log_x = false,
       .log_y = false});
}

template <class Real, class Ref>
void sinkhorn(const Setting& setting, Record& record, std::size_t d, std::size_t side, const Ref& reference) {
  const Quadrature mu(d, side, m0, v0), nu(d, side, m1, v1);
  const auto [coupling, report] =
      Sinkhorn<Real>({.tolerance = std::is_same_v<Real, float> ? 1e-5 : 1e-12, .finish_in_double = false})
          .solve(setting.exec, Problem{mu.cloud<Real>(), nu.cloud<Real>(), reference});
  const auto exact = exact_bridge(d, reference);
  score_costs(record, report, exact.plan());
  const auto bridge = fortet::lift(coupling);
  score_bridge<Real>(setting, record, bridge, exact);
  if constexpr (std::is_same_v<Real, double>)
    if (d == 1 && exact.epsilon() == 1) draw_statics(setting, record, bridge, exact);
}

template <class Real>
void add_sinkhorn(std::vector<Case>& cases, const std::string& suffix) {
  const std::string what =
      "Sinkhorn and its lift between trapezoidal grids, on which Gaussian integrals are exact to 1e-13: "
      "costs, "
      "map, potential, drift";
  const std::string precision = suffix.empty() ? "double" : "float";
  for (const double epsilon : {0.01, 0.1, 1.0, 10.0, 100.0}) {
    if (suffix.size() && epsilon < 0.1) continue;  // float cannot: precision_limit
    const std::size_t side = epsilon < 0.1 ? 801 : 401;
    cases.push_back({"gaussian/sinkhorn/brownian/d-1/epsilon-" + text(epsilon) + suffix, what,
                     [=](const Setting& s, Record& r) {
                       sinkhorn<Real>(s, r, 1, side, brownian_with_epsilon(epsilon, 1.5));
                     },
                     false, precision});
  }
  cases.push_back({"gaussian/sinkhorn/brownian/d-2/epsilon-1" + suffix, what,
                   [=](const Setting& s, Record& r) { sinkhorn<Real>(s, r, 2, 41, Brownian{}); }, false,
                   precision});
  cases.push_back({"gaussian/sinkhorn/ornstein-uhlenbeck/d-1" + suffix, what,
                   [=](const Setting& s, Record& r) {
                     sinkhorn<Real>(
                         s, r, 1, 401,
                         OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.7});
                   },
                   false, precision});
}

}  // namespace fortet::validation
