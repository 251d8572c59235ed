// Exact samplers of paths between Gaussians, judged in standard errors.
#include "fortet/coupling/lift.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "gaussian.hpp"

namespace fortet::validation {
namespace {

/// Largest deviation of sample means and covariances of (X_s, X_t), in standard errors.
template <class B, class Exact>
double moments_in_standard_errors(const Setting& setting, const B& bridge, const Exact& exact, double s,
                                  double t) {
  const std::size_t n = setting.full ? 400000 : 100000;
  Paths<double> paths("fortet::validation::paths", n, 1, 2);
  const std::vector<double> times{s, t};
  bridge.sample_paths(setting.exec, setting.key, times, paths);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, paths);
  const double mean[2] = {exact.at(s).mean[0], exact.at(t).mean[0]};
  const double vs = exact.covariance(s, s)(0, 0), vt = exact.covariance(t, t)(0, 0),
               c = exact.covariance(s, t)(0, 0);
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = host(i, 0, 0) - mean[0], y = host(i, 0, 1) - mean[1];
    a += x;
    b += y;
    aa += x * x - vs;
    bb += y * y - vt;
    ab += x * y - c;
  }
  const double root = std::sqrt(static_cast<double>(n));
  return std::max({std::abs(a) / (root * std::sqrt(vs)), std::abs(b) / (root * std::sqrt(vt)),
                   std::abs(aa) / (root * std::sqrt(2.0) * vs), std::abs(bb) / (root * std::sqrt(2.0) * vt),
                   std::abs(ab) / (root * std::sqrt(vs * vt + c * c))});
}

/// Forty paths, and the closed form's mean with two standard deviations on each side.
template <class B, class Exact>
Curve fan(const Setting& setting, const B& bridge, const Exact& exact) {
  constexpr std::size_t count = 40, steps = 61;
  std::vector<double> times(steps), band[3];
  for (std::size_t k = 0; k < steps; ++k) {
    times[k] = exact.reference().horizon * static_cast<double>(k) / (steps - 1);
    const GaussianSlice slice = exact.at(times[k]);
    for (const int side : {-1, 0, 1})
      band[side + 1].push_back(slice.mean[0] + 2 * side * std::sqrt(slice.covariance(0, 0)));
  }
  Paths<double> paths("fortet::validation::paths", count, 1, steps);
  bridge.sample_paths(setting.exec, setting.key, times, paths);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, paths);
  Curve out{.title = "Trajectories",
            .x_label = "t",
            .y_label = "X_t",
            .caption =
                "Forty paths of the lift of Sinkhorn, and from the closed form the mean with two standard "
                "deviations on each side. In a good plot some two of forty are outside at a time, and "
                "the fan follows the band.",
            .log_x = false,
            .log_y = false};
  for (std::size_t i = 0; i < count; ++i) {
    Curve::Series path{"lift of Sinkhorn", times, {}, Curve::Style::path};
    for (std::size_t k = 0; k < steps; ++k) path.y.push_back(host(i, 0, k));
    out.series.push_back(std::move(path));
  }
  for (const auto& line : band) out.series.push_back({"closed form", times, line, Curve::Style::truth});
  return out;
}

template <class Ref>
void paths(const Setting& setting, Record& record, const Ref& reference) {
  const auto exact = exact_bridge(1, reference);
  const double T = reference.horizon;
  for (const auto& [s, t] : {std::pair{0.0, T}, std::pair{0.0, 0.4 * T}, std::pair{0.3 * T, 0.8 * T}})
    record.score("closed-form sampler, " + text(s / T) + " T to " + text(t / T) + " T",
                 moments_in_standard_errors(setting, exact, exact, s, t));
  const Quadrature mu(1, 401, m0, v0), nu(1, 401, m1, v1);
  const auto lifted =
      fortet::lift(Sinkhorn<double>({.tolerance = 1e-10})
                       .solve(setting.exec, Problem{mu.cloud<double>(), nu.cloud<double>(), reference})
                       .coupling);
  for (const auto& [s, t] : {std::pair{0.0, T}, std::pair{0.3 * T, 0.8 * T}})
    record.score("lift of Sinkhorn, " + text(s / T) + " T to " + text(t / T) + " T",
                 moments_in_standard_errors(setting, lifted, exact, s, t));
  record.curve(fan(setting, lifted, exact));
}

}  // namespace

void add_path_samplers(std::vector<Case>& cases) {
  const std::string samplers = "Moments of exact path samplers at pairs of times";
  cases.push_back({"gaussian/paths/brownian", samplers,
                   [](const Setting& s, Record& r) { paths(s, r, Brownian{.sigma = 0.9, .horizon = 1.5}); }});
  cases.push_back({"gaussian/paths/ornstein-uhlenbeck", samplers, [](const Setting& s, Record& r) {
                     paths(s, r, OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.2});
                   }});
}

}  // namespace fortet::validation
