// Family "limits": what is known without solving anything at small, large and any epsilon.
#include <algorithm>
#include <cmath>

#include "fortet/compare/exact_transport.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "suite.hpp"

namespace fortet::validation {
namespace {

PointCloud<double> normal(const Setting& setting, std::size_t n, double mean, std::uint64_t stream) {
  return draw(setting.exec, Gaussian({mean, 0}, isotropic(2, 1.0)), n, setting.key.child(stream));
}

auto solve(const Setting& setting, const PointCloud<double>& x, const PointCloud<double>& y, double epsilon,
           double tolerance) {
  return Sinkhorn<double>({.tolerance = tolerance, .certify = true})
      .solve(setting.exec, Problem{x, y, brownian_with_epsilon(epsilon)});
}

std::vector<double> half_squares(const std::vector<double>& x, const std::vector<double>& y, std::size_t d) {
  const std::size_t n = x.size() / d, m = y.size() / d;
  std::vector<double> cost(n * m);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t k = 0; k < d; ++k) cost[i * m + j] += 0.5 * std::pow(x[i * d + k] - y[j * d + k], 2);
  return cost;
}

void exact(const Setting& setting, Record& record) {
  if (!has_exact_transport()) throw Skipped("built without LEMON");
  const std::size_t n = setting.full ? 500 : 120;
  const auto x = normal(setting, n, 0, 0), y = normal(setting, n, 1, 1);
  const auto cost = half_squares(to_host(x.points()), to_host(y.points()), 2);
  const std::vector<double> uniform(n, 1.0 / static_cast<double>(n));
  const ExactTransport truth = exact_transport(cost, uniform, uniform);
  const double diameter = *std::max_element(cost.begin(), cost.end());
  Curve curve{.title = "Towards exact transport",
              .x_label = "epsilon",
              .y_label = "transport cost minus the exact one",
              .caption =
                  "Cost of Sinkhorn's rounded plan above that of the network simplex, and the bound epsilon "
                  "log n. A good curve stays below the bound and falls with epsilon.",
              .series = {{"Sinkhorn", {}, {}}, {"bound", {}, {}, Curve::Style::truth}}};
  for (const double epsilon : {0.3, 0.1, 0.03, 0.01}) {
    const double tolerance = 1e-6, bound = epsilon * std::log(static_cast<double>(n)) + tolerance * diameter;
    const auto report = solve(setting, x, y, epsilon, tolerance).report;
    const double excess = *report.transport_cost - truth.cost;
    record.score("above the bound", std::max({0.0, excess - bound, -excess}), {.oracle = truth.cost});
    curve.series[0].x.push_back(epsilon);
    curve.series[0].y.push_back(excess);
    curve.series[1].x.push_back(epsilon);
    curve.series[1].y.push_back(bound);
  }
  record.curve(std::move(curve));
}

void independent(const Setting& setting, Record& record) {
  const auto x = normal(setting, 300, 0, 0), y = normal(setting, 200, 1, 1);
  const auto cost = half_squares(to_host(x.points()), to_host(y.points()), 2);
  double mean = 0;
  for (const double c : cost) mean += c / static_cast<double>(cost.size());
  const auto report = solve(setting, x, y, 1e6, 1e-12).report;
  record.score("cost", std::abs(*report.transport_cost / mean - 1), {.oracle = mean});
  record.score("entropic cost", std::abs(*report.entropic_cost / mean - 1), {.oracle = mean});
}

/// Far clusters of one point each: at small epsilon the plan is the permutation that was hidden.
void permutation(const Setting& setting, Record& record) {
  const std::size_t n = 50;
  std::vector<double> x(2 * n), y(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t j = (i * 17 + 5) % n;  // 17 and 50 have no common factor
    const double angle = 6.283185307179586 * static_cast<double>(i) / static_cast<double>(n);
    x[2 * i] = 100 * std::cos(angle);
    x[2 * i + 1] = 100 * std::sin(angle);
    y[2 * j] = x[2 * i] + 1;
    y[2 * j + 1] = x[2 * i + 1] - 0.5;
  }
  const auto cloud = [](const std::vector<double>& values) {
    return PointCloud<double>(
        points_from_host<double>(std::span<const double>(values), values.size() / 2, 2));
  };
  const auto solution = solve(setting, cloud(x), cloud(y), 1, 1e-13);
  const auto plan =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, solution.coupling.dense_plan(setting.exec));
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      worst = std::max(worst, std::abs(plan(i, j) - ((i * 17 + 5) % n == j ? 1.0 / n : 0.0)));
  record.score("plan", worst);
}

/// Two atoms a side at distance s: P_01 = 1 / (2 (1 + exp(s^2 / (2 epsilon)))).
void two_by_two(const Setting& setting, Record& record) {
  double worst = 0;
  for (const double epsilon : {0.01, 0.1, 1.0, 10.0})
    for (const double s : {0.1, 0.7, 1.3}) {
      const std::vector<double> values{0, s};
      const PointCloud<double> atoms(points_from_host<double>(std::span<const double>(values), 2, 1));
      const auto solution = solve(setting, atoms, atoms, epsilon, 1e-15);
      const auto plan = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{},
                                                            solution.coupling.dense_plan(setting.exec));
      worst = std::max(worst, std::abs(plan(0, 1) - 1 / (2 * (1 + std::exp(s * s / 2 / epsilon)))));
    }
  record.score("plan", worst);
}

}  // namespace

std::vector<Case> limit_cases() {
  return {
      {"limits/exact", "Sinkhorn's rounded plan against the network simplex as epsilon falls", exact},
      {"limits/independent", "At large epsilon the plan is the product of its marginals", independent},
      {"limits/permutation", "Points moved together and renumbered: the plan is the permutation",
       permutation},
      {"limits/two-by-two", "Two atoms on each side, in closed form", two_by_two},
  };
}

}  // namespace fortet::validation
