// Family "statistics": how the answer from n samples approaches that of the population.
#include <cmath>

#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "sides.hpp"

namespace fortet::validation {
namespace {

void rate(const Setting& setting, Record& record) {
  const std::size_t d = 2;
  const Gaussian mu(std::vector<double>(d, 0), isotropic(d, 1.0)), nu({1, 0}, isotropic(d, 0.5));
  const Brownian reference = brownian_with_epsilon(1);
  const double truth = gaussian_bridge(Problem{mu, nu, reference}).plan().entropic_cost;
  std::vector<double> sizes{50, 150, 450, 1350};
  if (setting.full) sizes.insert(sizes.end(), {5000, 20000});
  std::vector<double> errors;
  double bias = 0, deviation = 0;
  for (const double n : sizes) {
    const int seeds = n > 2000 ? 16 : 64;
    double square = 0, mean = 0;
    for (int seed = 0; seed < seeds; ++seed) {
      const RandomKey key =
          setting.key.child(static_cast<std::uint64_t>(n)).child(static_cast<std::uint64_t>(seed));
      const auto count = static_cast<std::size_t>(n);
      const auto report =
          Sinkhorn<double>({.tolerance = 1e-7})
              .solve(setting.exec, Problem{draw(setting.exec, mu, count, key.child(0)),
                                           draw(setting.exec, nu, count, key.child(1)), reference})
              .report;
      const double error = *report.entropic_cost - truth;
      mean += error / seeds;
      square += error * error / seeds;
    }
    errors.push_back(std::sqrt(square));
    bias = mean;
    deviation = std::sqrt((square - mean * mean) / (seeds - 1));
  }
  const double slope = exponent(sizes, errors);
  // a root mean square of 64 errors is known to 1 / sqrt(128); propagated through the fit
  double spread = 0, middle = 0;
  for (const double n : sizes) middle += std::log(n) / static_cast<double>(sizes.size());
  for (const double n : sizes) spread += std::pow(std::log(n) - middle, 2);
  record.score("exponent", std::abs(slope + 0.5),
               {.standard_error = 1 / std::sqrt(128 * spread), .oracle = -0.5});
  record.score("bias at the largest n", std::abs(bias) / deviation, {.oracle = truth});
  std::vector<double> guide;
  for (const double n : sizes) guide.push_back(errors.front() * std::sqrt(sizes.front() / n));
  record.curve({.title = "Entropic cost from n samples",
                .x_label = "samples on each side",
                .y_label = "root mean square error",
                .caption = "Between two Gaussians in the plane, 64 seeds a point (16 above n = 2000), "
                           "against the closed form. A good "
                           "curve is parallel to n^-1/2.",
                .series = {{"Sinkhorn", sizes, errors}, {"n^-1/2", sizes, guide, Curve::Style::truth}}});
}

/// Samples in many dimensions, at an epsilon that grows with them: root mean squares over seeds.
void dimension(const Setting& setting, Record& record, std::size_t d) {
  const Gaussian mu(std::vector<double>(d, 0.0), isotropic(d, 1.0)),
      nu(std::vector<double>(d, 0.5), isotropic(d, 0.5));
  const Brownian reference = brownian_with_epsilon(static_cast<double>(d) / 2);
  const auto exact = gaussian_bridge(Problem{mu, nu, reference});
  const std::size_t n = setting.full ? 4000 : 1000;
  const int seeds = 8;
  const auto starts = draw(setting.exec, mu, 200, setting.key.child(1000)).points();
  const double truth = exact.plan().entropic_cost;
  const auto map = map_at(setting, exact, starts);
  double cost_square = 0, map_square = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    const RandomKey key = setting.key.child(static_cast<std::uint64_t>(seed));
    const auto [coupling, report] =
        Sinkhorn<double>({.tolerance = 1e-7})
            .solve(setting.exec, Problem{draw(setting.exec, mu, n, key.child(0)),
                                         draw(setting.exec, nu, n, key.child(1)), reference});
    cost_square += std::pow(*report.entropic_cost / truth - 1, 2) / seeds;
    map_square += std::pow(relative_error(map_at(setting, coupling, starts), map), 2) / seeds;
  }
  record.score("entropic cost", std::sqrt(cost_square), {.oracle = truth});
  record.score("map", std::sqrt(map_square));
}

}  // namespace

std::vector<Case> statistics_cases() {
  std::vector<Case> cases{
      {"statistics/rate", "Entropic cost of n samples against the population, over seeds", rate}};
  for (const std::size_t d : {5u, 20u, 50u, 100u})
    cases.push_back(
        {"statistics/d-" + std::to_string(d),
         "Sinkhorn on samples of Gaussians in " + std::to_string(d) +
             " dimensions at epsilon = d / 2: cost and map against the population's, over eight seeds",
         [=](const Setting& s, Record& r) { dimension(s, r, d); }, d > 20});
  return cases;
}

}  // namespace fortet::validation
