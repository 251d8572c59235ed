// Family "gaussian": bridges between Gaussians, whose every quantity is known in closed form.
#include <cmath>
#include <sstream>

#include "algebra/algebra.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/coupling/gaussian_iterates.hpp"
#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "suite.hpp"

namespace fortet::validation {
namespace {

using algebra::above;
using algebra::beside;
using algebra::Column;
using algebra::identity;
using algebra::norm;
using algebra::transposed;
using algebra::operator*;
using algebra::operator+;
using algebra::operator-;
using algebra::operator/;

std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// ---- the closed form against identities

/// A random rotation of eigenvalues that fall geometrically from 1 to 1 / condition.
Matrix covariance(std::size_t d, double condition, RandomKey key) {
  Matrix normal(d, d);
  for (std::size_t k = 0; k < d * d; ++k) normal.data()[k] = random_normal(key, k, 0);
  const Matrix axes = algebra::eigen(normal + transposed(normal)).vectors;
  Column values(d, 1);
  for (std::size_t k = 0; k < d; ++k)
    values(k, 0) = d == 1 ? 1 : std::pow(condition, -static_cast<double>(k) / static_cast<double>(d - 1));
  return algebra::symmetric_part(axes * algebra::Diagonal{values} * transposed(axes));
}

std::vector<double> shift(std::size_t d, double value) { return std::vector<double>(d, value); }

double relative(const Matrix& a, const Matrix& b) { return norm(a - b) / norm(b); }

Matrix with_slope(const std::optional<AffineMap>& map) { return map.value().slope; }

/// Identities between the parts of the answer, with the reference's alpha and variance written out anew.
template <class Ref>
void closed_form(const Setting& setting, Record& record, int d, double condition, const Ref& reference,
                 double alpha, double variance) {
  const auto n = static_cast<std::size_t>(d);
  const Gaussian mu(shift(n, -1), covariance(n, condition, setting.key.child(0))),
      nu(shift(n, 2), covariance(n, condition, setting.key.child(1)));
  const auto bridge = gaussian_bridge(Problem{mu, nu, reference});
  const GaussianPlan plan = bridge.plan();
  const Matrix& k = plan.forward_map.slope;
  // the forward law carries mu to nu, the backward law nu to mu
  record.score("target marginal",
               relative(k * mu.covariance() * transposed(k) + plan.forward_covariance, nu.covariance()));
  const Matrix& back = plan.backward_map.slope;
  record.score(
      "source marginal",
      relative(back * nu.covariance() * transposed(back) + plan.backward_covariance, mu.covariance()));
  record.score("cross covariance", relative(mu.covariance() * transposed(k), plan.cross_covariance));
  // Schur: the (0, 1) block of the inverse joint covariance is -alpha / variance I. Checked as a product, so
  // that nothing is inverted: Cov(X1 | X0) alpha / variance = K.
  record.score("certificate", relative((alpha / variance) * plan.forward_covariance, k));
  // Nelson: forward and backward drift sum to sigma^2 grad log p_t
  const double t = 0.37 * reference.horizon;
  const GaussianSlice slice = bridge.at(t);
  const Matrix sum = with_slope(slice.forward_drift) + with_slope(slice.backward_drift);
  record.score("nelson",
               relative(-(1 / (reference.sigma * reference.sigma)) * (sum * slice.covariance), identity(n)));
  // Chapman-Kolmogorov: 0 -> t -> T is 0 -> T
  const GaussianKernel first = bridge.transition(0, t), second = bridge.transition(t, reference.horizon);
  record.score("semigroup", relative(second.mean.slope * first.mean.slope, k));
  // d/dt of the covariance is B V + V B^T + sigma^2 with the drift's slope B, by a central difference
  const double h = 1e-4 * reference.horizon;
  const Matrix slope = with_slope(slice.forward_drift) * slice.covariance;
  const Matrix rate = (bridge.at(t + h).covariance - bridge.at(t - h).covariance) / (2 * h);
  const Matrix expected = slope + transposed(slope) + identity(n, reference.sigma * reference.sigma);
  record.score("fokker-planck", std::max(0.0, norm(rate - expected) / norm(slice.covariance) - 1e-5));
}

void add_closed_forms(std::vector<Case>& cases) {
  for (const int d : {1, 2, 5, 20, 50, 100})
    for (const double condition : {1.0, 1e2, 1e6})
      for (const bool reverting : {false, true}) {
        if (d == 1 && condition > 1) continue;
        const std::string name = std::string("gaussian/closed-form/") +
                                 (reverting ? "ornstein-uhlenbeck" : "brownian") + "/d-" + std::to_string(d) +
                                 "/condition-" + text(condition);
        cases.push_back(
            {name,
             "Covariances with random axes: marginals, Schur-complement certificate, Nelson's "
             "identity, semigroup, Fokker-Planck equation",
             [=](const Setting& setting, Record& record) {
               if (reverting) {
                 const OrnsteinUhlenbeck r{.rate = 0.7,
                                           .mean = shift(static_cast<std::size_t>(d), 0.5),
                                           .sigma = 0.8,
                                           .horizon = 1.3};
                 const double alpha = std::exp(-0.7 * 1.3);
                 closed_form(setting, record, d, condition, r, alpha, 0.64 * (1 - alpha * alpha) / 1.4);
               } else {
                 closed_form(setting, record, d, condition, Brownian{.sigma = 0.6, .horizon = 2}, 1, 0.72);
               }
             },
             d > 20});
      }
}

// ---- Sinkhorn where the Gaussian integrals are exact

/// N(mean, variance I) by the trapezoidal rule on `side`^d nodes over nine standard deviations.
struct Quadrature {
  std::size_t n, d;
  std::vector<double> points, weights;

  Quadrature(std::size_t dimension, std::size_t side, double mean, double variance)
      : n(static_cast<std::size_t>(std::llround(std::pow(side, dimension)))),
        d(dimension),
        points(n * d),
        weights(n, 1) {
    const double reach = d == 1 ? 9 : 7.2;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0, index = i; k < d; ++k, index /= side) {
        const double z = reach * (2 * static_cast<double>(index % side) / static_cast<double>(side - 1) - 1);
        points[i * d + k] = mean + std::sqrt(variance) * z;
        weights[i] *= std::exp(-z * z / 2);
      }
  }
  template <class Real>
  PointCloud<Real> cloud() const {
    return {points_from_host<Real>(points.data(), n, d, static_cast<std::ptrdiff_t>(d), 1),
            vector_from_host<Real>(std::span<const double>(weights))};
  }
};

/// Values of a function of points, on the host.
template <class Real, class Function>
std::vector<double> values_at(const std::vector<double>& x, std::size_t d, bool vector_valued, Function f) {
  const std::size_t n = x.size() / d;
  const auto points = points_from_host<Real>(x.data(), n, d, static_cast<std::ptrdiff_t>(d), 1);
  if (vector_valued) {
    Points<Real> out("fortet::validation::out", n, d);
    f(ConstPoints<Real>(points), out);
    return to_host(out);
  }
  Vector<Real> out("fortet::validation::out", n);
  Points<Real> column(out.data(), n, 1);
  f(ConstPoints<Real>(points), column);
  return to_host(out);
}

/// Map, potential and drift of a bridge against the exact one, at draws of the exact law.
template <class Real, class B, class Exact>
void score_bridge(const Setting& setting, Record& record, const B& bridge, const Exact& exact) {
  const DefaultExec& exec = setting.exec;
  const auto d = static_cast<std::size_t>(exact.source_dimension());
  const std::size_t n = 200;
  Points<double> x0("fortet::validation::x0", n, d), x("fortet::validation::x", n, d);
  const double t = 0.6 * exact.reference().horizon;
  exact.source().sample(exec, setting.key.child(1), x0);
  exact.sample_marginal(exec, setting.key.child(2), t, x);
  exec.fence();
  const auto starts = to_host(x0), middle = to_host(x);
  const auto compare = [&](const char* metric, const std::vector<double>& at, bool vector_valued,
                           const auto& ours, const auto& truth) {
    record.score(metric, relative_error(values_at<Real>(at, d, vector_valued, ours),
                                        values_at<double>(at, d, vector_valued, truth)));
  };
  compare(
      "map", starts, true, [&](auto in, auto out) { bridge.conditional_mean(exec, in, out); },
      [&](auto in, auto out) { exact.conditional_mean(exec, in, out); });
  compare(
      "drift", middle, true, [&](auto in, auto out) { bridge.forward_drift(exec, t, in, out); },
      [&](auto in, auto out) { exact.forward_drift(exec, t, in, out); });
  compare(
      "potential", starts, false,
      [&](auto in, auto out) { bridge.source_potential(exec, in, Kokkos::subview(out, Kokkos::ALL, 0)); },
      [&](auto in, auto out) { exact.source_potential(exec, in, Kokkos::subview(out, Kokkos::ALL, 0)); });
}

template <class Exact>
void score_costs(Record& record, const Report& report, const Exact& exact) {
  const GaussianPlan plan = exact.plan();
  record.score("cost", std::abs(*report.transport_cost / plan.transport_cost - 1),
               {.oracle = plan.transport_cost});
  record.score("entropic cost", std::abs(*report.entropic_cost - plan.entropic_cost) / plan.transport_cost,
               {.oracle = plan.entropic_cost});
}

constexpr double m0 = -0.4, v0 = 0.8, m1 = 0.7, v1 = 1.9;

template <class Ref>
auto exact_bridge(std::size_t d, const Ref& reference) {
  return gaussian_bridge(
      Problem{Gaussian(shift(d, m0), isotropic(d, v0)), Gaussian(shift(d, m1), isotropic(d, v1)), reference});
}

template <class Real, class Ref>
void sinkhorn(const Setting& setting, Record& record, std::size_t d, std::size_t side, const Ref& reference) {
  const Quadrature mu(d, side, m0, v0), nu(d, side, m1, v1);
  const auto [coupling, report] =
      Sinkhorn<Real>({.tolerance = std::is_same_v<Real, float> ? 1e-5 : 1e-12, .finish_in_double = false})
          .solve(setting.exec, Problem{mu.cloud<Real>(), nu.cloud<Real>(), reference});
  const auto exact = exact_bridge(d, reference);
  score_costs(record, report, exact);
  score_bridge<Real>(setting, record, fortet::lift(coupling), exact);
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

// ---- densities on grids

template <class Ref>
void grid(const Setting& setting, Record& record, const Ref& reference) {
  const RegularGrid line{{-13, 13, 601}};
  const auto exact = exact_bridge(1, reference);
  const Problem problem{discretise(setting.exec, exact.source(), line),
                        discretise(setting.exec, exact.target(), line), reference};
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-11}).solve(setting.exec, problem);
  score_costs(record, report, exact);
  score_bridge<double>(setting, record, bridge(setting.exec, coupling), exact);
}

/// Every iterate of plain iteration, from its map E[X0 | X1] or E[X1 | X0], against the closed form.
void ipf(const Setting& setting, Record& record) {
  const RegularGrid line{{-13, 13, 601}};
  const Brownian reference = brownian_with_epsilon(0.7);
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
              .series = {{"closed form", {}, {}}, {"grid", {}, {}}},
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

// ---- exact samplers, judged in standard errors

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
}

}  // namespace

std::vector<Case> gaussian_cases() {
  std::vector<Case> cases;
  add_closed_forms(cases);
  add_sinkhorn<double>(cases, "");
  add_sinkhorn<float>(cases, "-float");
  const std::string on_grids = "GridIpf on 601 nodes and its bridge: costs, map, potential, drift";
  for (const double epsilon : {0.05, 1.0, 20.0})
    cases.push_back({"gaussian/grid/brownian/epsilon-" + text(epsilon), on_grids,
                     [=](const Setting& s, Record& r) { grid(s, r, brownian_with_epsilon(epsilon)); }});
  cases.push_back({"gaussian/grid/ornstein-uhlenbeck", on_grids, [](const Setting& s, Record& r) {
                     grid(s, r, OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.2});
                   }});
  cases.push_back(
      {"gaussian/ipf/brownian", "Every iterate of plain IPF on a grid against the closed recursion", ipf});
  const std::string samplers = "Moments of exact path samplers at pairs of times";
  cases.push_back({"gaussian/paths/brownian", samplers,
                   [](const Setting& s, Record& r) { paths(s, r, Brownian{.sigma = 0.9, .horizon = 1.5}); }});
  cases.push_back({"gaussian/paths/ornstein-uhlenbeck", samplers, [](const Setting& s, Record& r) {
                     paths(s, r, OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.2});
                   }});
  return cases;
}

}  // namespace fortet::validation
