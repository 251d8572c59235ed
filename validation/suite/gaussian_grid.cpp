// Densities on grids: GridIpf, its bridge, and every iterate of plain IPF, between Gaussians.
#include <cmath>
#include <numbers>

#include "fortet/coupling/gaussian_iterates.hpp"
#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "gaussian.hpp"

namespace fortet::validation {
namespace {

/// Densities of X_t at five times, at every node, against the exact ones.
template <class B, class Exact>
void score_marginals(const Setting& setting, Record& record, const B& bridge, const Exact& exact) {
  Curve curve{.title = "Marginals over time",
              .x_label = "x",
              .y_label = "density of X_t",
              .caption =
                  "At t = 0, T/4, T/2, 3T/4 and T: points by GridIpf (every tenth node), lines from the "
                  "closed form. A good plot has every point on its line.",
              .log_x = false,
              .log_y = false};
  double worst = 0;
  for (const int quarter : {0, 1, 2, 3, 4}) {
    const double t = quarter * exact.reference().horizon / 4;
    const GridMeasure density = bridge.marginal(setting.exec, t);
    const GaussianSlice slice = exact.at(t);
    const double mean = slice.mean[0], variance = slice.covariance(0, 0),
                 peak = 1 / std::sqrt(2 * std::numbers::pi * variance);
    const auto log_density = to_host(density.log_density());
    Curve::Series ours{"GridIpf", {}, {}, Curve::Style::points},
        truth{"closed form", {}, {}, Curve::Style::truth};
    for (std::size_t i = 0; i < log_density.size(); ++i) {
      const double x = density.grid().axis(0).node(static_cast<double>(i));
      const double expected = peak * std::exp(-(x - mean) * (x - mean) / (2 * variance));
      const double found = density.mass() * std::exp(log_density[i]);
      worst = std::max(worst, std::abs(found - expected) / peak);
      if (std::abs(x) > 5) continue;
      truth.x.push_back(x);
      truth.y.push_back(expected);
      if (i % 10) continue;
      ours.x.push_back(x);
      ours.y.push_back(found);
    }
    curve.series.push_back(std::move(ours));
    curve.series.push_back(std::move(truth));
  }
  record.score("marginals", worst);
  if (exact.epsilon() == 1) record.curve(std::move(curve));
}

template <class Ref>
void grid(const Setting& setting, Record& record, const Ref& reference) {
  const RegularGrid line{{-13, 13, 601}};
  const auto exact = exact_bridge(1, reference);
  const Problem problem{discretise(setting.exec, exact.source(), line),
                        discretise(setting.exec, exact.target(), line), reference};
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-11}).solve(setting.exec, problem);
  score_costs(record, report, exact.plan());
  const auto solved = bridge(setting.exec, coupling);
  score_bridge<double>(setting, record, solved, exact);
  score_marginals(setting, record, solved, exact);
}

/// Every iterate of plain iteration, from its map E[X0 | X1] or E[X1 | X0], against the closed form.
template <class Ref>
void ipf(const Setting& setting, Record& record, const Ref& reference) {
  const RegularGrid line{{-13, 13, 601}};
  const auto exact = exact_bridge(1, reference);
  const Problem problem{discretise(setting.exec, exact.source(), line),
                        discretise(setting.exec, exact.target(), line), reference};
  const auto truth =
      gaussian_ipf(Problem{exact.source(), exact.target(), reference}, 12, IpfStart::zero_potential);
  Curve curve{.title = "Every iterate of IPF",
              .x_label = "iteration",
              .y_label = "slope of the map minus its limit",
              .caption =
                  "Slope of E[X1 | X0] after each iteration, minus that of the bridge: circles measured on a "
                  "grid, line from the closed form. A good plot has every circle on the line.",
              .series = {{"closed form", {}, {}, Curve::Style::truth}, {"grid", {}, {}}},
              .log_x = false};
  const double limit = exact.plan().forward_map.slope(0, 0);
  const std::vector<double> at{-1, 1};
  double worst = 0;
  for (int n = 1; n <= 12; ++n) {
    const auto coupling = GridIpf<double>({.tolerance = 1e-300,
                                           .max_iterations = n,
                                           .largest_relaxation = 1,
                                           .annealing = {.enabled = false}})
                              .solve(setting.exec, problem)
                              .coupling;
    const auto mean = values_at<double>(
        at, 1, true, [&](auto in, auto out) { coupling.conditional_mean(setting.exec, in, out); });
    const double slope = (mean[1] - mean[0]) / 2;
    const double expected = truth[static_cast<std::size_t>(n - 1)].forward.map.slope(0, 0);
    worst = std::max(worst, std::abs(slope - expected));
    for (const auto& [series, value] : {std::pair{0, expected}, std::pair{1, slope}}) {
      curve.series[static_cast<std::size_t>(series)].x.push_back(n);
      curve.series[static_cast<std::size_t>(series)].y.push_back(std::abs(value - limit));
    }
  }
  record.score("iterate", worst);
  record.curve(std::move(curve));
}

}  // namespace

void add_grids(std::vector<Case>& cases) {
  const std::string on_grids = "GridIpf on 601 nodes and its bridge: costs, map, potential, drift";
  for (const double epsilon : {0.05, 1.0, 20.0})
    cases.push_back({"gaussian/grid/brownian/epsilon-" + text(epsilon), on_grids,
                     [=](const Setting& s, Record& r) { grid(s, r, brownian_with_epsilon(epsilon)); }});
  cases.push_back({"gaussian/grid/ornstein-uhlenbeck", on_grids, [](const Setting& s, Record& r) {
                     grid(s, r, OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.2});
                   }});
  const std::string iterates = "Every iterate of plain IPF on a grid against the closed recursion";
  cases.push_back({"gaussian/ipf/brownian", iterates,
                   [](const Setting& s, Record& r) { ipf(s, r, brownian_with_epsilon(0.7)); }});
  cases.push_back({"gaussian/ipf/ornstein-uhlenbeck", iterates, [](const Setting& s, Record& r) {
                     ipf(s, r, OrnsteinUhlenbeck{.rate = 0.6, .mean = {0.5}, .sigma = 0.9, .horizon = 1.2});
                   }});
}

}  // namespace fortet::validation
