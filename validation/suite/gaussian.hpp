#pragma once
// What the files of the family "gaussian" share: the exact bridge, and scores against it.
#include <functional>

#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/measure/point_cloud.hpp"
#include "suite.hpp"

namespace fortet::validation {

void add_closed_forms(std::vector<Case>& cases);
/// The names of the cases end in `suffix`, empty in double.
template <class Real>
void add_sinkhorn(std::vector<Case>& cases, const std::string& suffix);
void add_grids(std::vector<Case>& cases);
void add_path_samplers(std::vector<Case>& cases);

/// A number as names of cases have it.
std::string text(double value);
inline std::vector<double> shift(std::size_t d, double value) { return std::vector<double>(d, value); }

inline constexpr double m0 = -0.4, v0 = 0.8, m1 = 0.7, v1 = 1.9;

template <class Ref>
auto exact_bridge(std::size_t d, const Ref& reference) {
  return gaussian_bridge(
      Problem{Gaussian(shift(d, m0), isotropic(d, v0)), Gaussian(shift(d, m1), isotropic(d, v1)), reference});
}

/// N(mean, variance I) by the trapezoidal rule on `side`^d nodes over nine standard deviations.
struct Quadrature {
  std::size_t n, d;
  std::vector<double> points, weights;

  Quadrature(std::size_t dimension, std::size_t side, double mean, double variance);
  template <class Real>
  PointCloud<Real> cloud() const {
    return {points_from_host<Real>(points.data(), n, d, static_cast<std::ptrdiff_t>(d), 1),
            vector_from_host<Real>(std::span<const double>(weights))};
  }
};

template <class Real>
using PointFunction = std::function<void(ConstPoints<Real>, Points<Real>)>;
/// Values of a function of points, on the host; those of a scalar function are the only column.
template <class Real>
std::vector<double> values_at(const std::vector<double>& x, std::size_t d, bool vector_valued,
                              const PointFunction<Real>& f);

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
                           const PointFunction<Real>& ours, const PointFunction<double>& truth) {
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

void score_costs(Record& record, const Report& report, const GaussianPlan& plan);

}  // namespace fortet::validation
