#include "fortet/coupling/gaussian_bridge.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fortet/reference/bridge_step.hpp"
#include "gaussian/affine.hpp"
#include "gaussian/linear_bridge.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::gaussian_bridge";

void require_time(const char* function, const char* argument, double t, double horizon) {
  detail::require(t >= 0 && t <= horizon, function, argument, t,
                  "expected a time in [0, " + std::to_string(horizon) + "]");
}

void require_points(const char* function, const ConstPoints<double>& in, const Points<double>& out, int d) {
  detail::require_kokkos(function);
  gaussian::require_columns(function, "in", in.extent(1), d);
  gaussian::require_columns(function, "out", out.extent(1), d);
  gaussian::require_rows(function, "out", out.extent(0), in.extent(0));
}

void require_values(const char* function, const ConstPoints<double>& x, const Vector<double>& out, int d) {
  detail::require_kokkos(function);
  gaussian::require_columns(function, "x", x.extent(1), d);
  gaussian::require_rows(function, "out", out.extent(0), x.extent(0));
}

void draw(const DefaultExec& exec, RandomKey key, const gaussian::NoisyMap& law, ConstPoints<double> x,
          Points<double> out) {
  gaussian::apply(exec, law.map, x, out);
  gaussian::add_noise(exec, key, law.root, out);
}

void add(const DefaultExec& exec, const Vector<double>& values, const Vector<double>& out) {
  Kokkos::parallel_for(
      "fortet::gaussian::add", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) += values(i); });
}

// out <- x - out
void subtract_from(const DefaultExec& exec, const ConstPoints<double>& x, const Points<double>& out) {
  Kokkos::parallel_for(
      "fortet::gaussian::subtract_from", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < out.extent(1); ++k) out(i, k) = x(i, k) - out(i, k);
      });
}

// out = start x + end y + offset + root z, for references whose matrices are multiples of the identity
template <ReferenceProcess Ref>
void step_pinned(const DefaultExec& exec, RandomKey key, const Ref& r, double t, double s,
                 const ConstPoints<double>& x, const ConstPoints<double>& y, const Points<double>& out) {
  const BridgeStep step = bridge_step(r, t, s, r.horizon);
  const double start = step.from_start, end = step.from_end, deviation = step.deviation;
  std::vector<double> offset(x.extent(1));
  for (std::size_t k = 0; k < offset.size(); ++k) offset[k] = step.from_mean * r.mean_of(static_cast<int>(k));
  gaussian::fill_rows(exec, offset, out);
  Kokkos::parallel_for(
      "fortet::gaussian::step_pinned", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < out.extent(1); ++k)
          out(i, k) += start * x(i, k) + end * y(i, k) +
                       deviation * random_normal(key, i, static_cast<std::uint32_t>(k));
      });
}

void step_pinned(const DefaultExec& exec, RandomKey key, const gaussian::PinnedMap& step,
                 const ConstPoints<double>& x, const ConstPoints<double>& y, const Points<double>& out) {
  gaussian::fill_rows(exec, step.offset, out);
  gaussian::add_product(exec, step.start, x, out);
  gaussian::add_product(exec, step.end, y, out);
  gaussian::add_noise(exec, key, step.root, out);
}

bool same(const Brownian& a, const Brownian& b) { return a.sigma == b.sigma && a.horizon == b.horizon; }
bool same(const OrnsteinUhlenbeck& a, const OrnsteinUhlenbeck& b) {
  const std::size_t d = std::max(a.mean.size(), b.mean.size());
  for (std::size_t k = 0; k < d; ++k)
    if (a.mean_of(static_cast<int>(k)) != b.mean_of(static_cast<int>(k))) return false;
  return a.rate == b.rate && a.sigma == b.sigma && a.horizon == b.horizon;
}
bool same(const LinearSde& a, const LinearSde& b) {
  return a.drift == b.drift && a.offset == b.offset && a.noise == b.noise && a.horizon == b.horizon;
}

}  // namespace

template <LinearGaussianReference Ref>
GaussianBridge<Ref>::GaussianBridge(Gaussian source, Gaussian target, Ref reference)
    : source_(std::move(source)), target_(std::move(target)), reference_(std::move(reference)) {
  detail::require(source_.dimension() == target_.dimension(), where, "target.dimension()",
                  target_.dimension(),
                  "expected the source's dimension " + std::to_string(source_.dimension()));
  closed_forms_ = std::make_shared<const gaussian::LinearBridge>(
      gaussian::Moments{source_.mean(), source_.covariance()},
      gaussian::Moments{target_.mean(), target_.covariance()}, reference_, where);
}

template <LinearGaussianReference Ref>
GaussianPlan GaussianBridge<Ref>::plan() const {
  return closed_forms_->plan();
}

template <LinearGaussianReference Ref>
GaussianSlice GaussianBridge<Ref>::at(double t) const {
  require_time("fortet::GaussianBridge::at", "t", t, reference_.horizon);
  GaussianSlice slice;
  slice.time = t;
  slice.mean = closed_forms_->mean(t);
  slice.covariance = closed_forms_->covariance(t, t);
  if (closed_forms_->has_forward_drift(t)) slice.forward_drift = closed_forms_->forward_drift(t).affine();
  if (closed_forms_->has_backward_drift(t)) slice.backward_drift = closed_forms_->backward_drift(t).affine();
  if (slice.forward_drift && slice.backward_drift)
    slice.probability_flow = closed_forms_->probability_flow(t).affine();
  return slice;
}

template <LinearGaussianReference Ref>
Gaussian GaussianBridge<Ref>::marginal(double t) const {
  require_time("fortet::GaussianBridge::marginal", "t", t, reference_.horizon);
  return {closed_forms_->mean(t), closed_forms_->covariance(t, t)};
}

template <LinearGaussianReference Ref>
Matrix GaussianBridge<Ref>::covariance(double s, double t) const {
  require_time("fortet::GaussianBridge::covariance", "s", s, reference_.horizon);
  require_time("fortet::GaussianBridge::covariance", "t", t, reference_.horizon);
  return closed_forms_->covariance(s, t);
}

template <LinearGaussianReference Ref>
GaussianKernel GaussianBridge<Ref>::transition(double t, double s) const {
  constexpr const char* function = "fortet::GaussianBridge::transition";
  require_time(function, "t", t, reference_.horizon);
  require_time(function, "s", s, reference_.horizon);
  detail::require(t < s, function, "s", s, "expected a time after t");
  return {closed_forms_->transition(t, s).map.affine(), closed_forms_->transition_covariance(t, s)};
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample(const DefaultExec& exec, RandomKey key, Points<double> x0,
                                 Points<double> x1) const {
  source_.sample(exec, key.child(0), x0);
  sample_conditional(exec, key.child(1), x0, x1);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                                             Points<double> x1) const {
  require_points("fortet::GaussianBridge::sample_conditional", x0, x1, source_dimension());
  draw(exec, key, closed_forms_->forward(), x0, x1);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample_backward(const DefaultExec& exec, RandomKey key, ConstPoints<double> x1,
                                          Points<double> x0) const {
  require_points("fortet::GaussianBridge::sample_backward", x1, x0, source_dimension());
  draw(exec, key, closed_forms_->backward(), x1, x0);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::conditional_mean(const DefaultExec& exec, ConstPoints<double> x0,
                                           Points<double> mean) const {
  require_points("fortet::GaussianBridge::conditional_mean", x0, mean, source_dimension());
  gaussian::apply(exec, closed_forms_->forward().map, x0, mean);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::log_density_ratio(const DefaultExec& exec, ConstPoints<double> x0,
                                            ConstPoints<double> x1, Vector<double> out) const {
  constexpr const char* function = "fortet::GaussianBridge::log_density_ratio";
  require_values(function, x0, out, source_dimension());
  require_values(function, x1, out, source_dimension());
  const auto ratio = closed_forms_->density_ratio();
  const std::size_t n = x0.extent(0), d = x0.extent(1);
  const auto mean = gaussian::workspace(exec, n, d), eta = gaussian::workspace(exec, n, d),
             predicted = gaussian::workspace(exec, n, d), innovation = gaussian::workspace(exec, n, d);
  gaussian::apply(exec, closed_forms_->forward().map, x0, mean);
  subtract_from(exec, x1, mean);
  gaussian::fill_rows(exec, std::vector<double>(d, 0.0), innovation);
  gaussian::add_product(exec, ratio.innovation, mean, innovation);
  gaussian::apply(exec, ratio.target, x1, eta);
  gaussian::apply(exec, ratio.predicted, x0, predicted);
  const auto square = gaussian::upload(exec, ratio.squared_correlation);
  const auto remainder = gaussian::upload(exec, ratio.remainder);
  const double constant = ratio.constant;
  Kokkos::parallel_for(
      "fortet::gaussian::log_density_ratio", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0;
        for (std::size_t k = 0; k < d; ++k) {
          const double y = eta(i, k), b = predicted(i, k), e = innovation(i, k);
          sum += square(k) < 0.5 ? (b * (2 * y - b) - square(k) * y * y) / remainder(k)
                                 : y * y - e * e / remainder(k);
        }
        out(i) = constant + 0.5 * sum;
      });
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::log_density(const DefaultExec& exec, ConstPoints<double> x0, ConstPoints<double> x1,
                                      Vector<double> out) const {
  log_density_ratio(exec, x0, x1, out);
  const Vector<double> marginal(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::gaussian::marginal"), out.extent(0));
  source_.log_density(exec, x0, marginal);
  add(exec, marginal, out);
  target_.log_density(exec, x1, marginal);
  add(exec, marginal, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::source_potential(const DefaultExec& exec, ConstPoints<double> x,
                                           Vector<double> out) const {
  require_values("fortet::GaussianBridge::source_potential", x, out, source_dimension());
  gaussian::evaluate(exec, closed_forms_->source_potential(), x, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::target_potential(const DefaultExec& exec, ConstPoints<double> y,
                                           Vector<double> out) const {
  require_values("fortet::GaussianBridge::target_potential", y, out, source_dimension());
  gaussian::evaluate(exec, closed_forms_->target_potential(), y, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::forward_drift(const DefaultExec& exec, double t, ConstPoints<double> x,
                                        Points<double> out) const {
  constexpr const char* function = "fortet::GaussianBridge::forward_drift";
  require_time(function, "t", t, reference_.horizon);
  require_points(function, x, out, source_dimension());
  detail::require(closed_forms_->has_forward_drift(t), function, "t", t,
                  "expected a time before the horizon, since the target is singular");
  gaussian::apply(exec, closed_forms_->forward_drift(t), x, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::backward_drift(const DefaultExec& exec, double t, ConstPoints<double> x,
                                         Points<double> out) const {
  constexpr const char* function = "fortet::GaussianBridge::backward_drift";
  require_time(function, "t", t, reference_.horizon);
  require_points(function, x, out, source_dimension());
  detail::require(closed_forms_->has_backward_drift(t), function, "t", t,
                  "expected a time after 0, since the source is singular");
  gaussian::apply(exec, closed_forms_->backward_drift(t), x, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::probability_flow_drift(const DefaultExec& exec, double t, ConstPoints<double> x,
                                                 Points<double> out) const {
  constexpr const char* function = "fortet::GaussianBridge::probability_flow_drift";
  require_time(function, "t", t, reference_.horizon);
  require_points(function, x, out, source_dimension());
  detail::require(closed_forms_->has_forward_drift(t) && closed_forms_->has_backward_drift(t), function, "t",
                  t, "expected a time at which the marginal is not singular");
  gaussian::apply(exec, closed_forms_->probability_flow(t), x, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample_marginal(const DefaultExec& exec, RandomKey key, double t,
                                          Points<double> out) const {
  marginal(t).sample(exec, key, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample_transition(const DefaultExec& exec, RandomKey key, double t, double s,
                                            ConstPoints<double> x, Points<double> out) const {
  constexpr const char* function = "fortet::GaussianBridge::sample_transition";
  require_time(function, "t", t, reference_.horizon);
  require_time(function, "s", s, reference_.horizon);
  detail::require(t < s, function, "s", s, "expected a time after t");
  require_points(function, x, out, source_dimension());
  draw(exec, key, closed_forms_->transition(t, s), x, out);
}

template <LinearGaussianReference Ref>
void GaussianBridge<Ref>::sample_paths(const DefaultExec& exec, RandomKey key, std::span<const double> times,
                                       Paths<double> paths) const {
  constexpr const char* function = "fortet::GaussianBridge::sample_paths";
  detail::require_kokkos(function);
  gaussian::require_columns(function, "paths", paths.extent(1), source_dimension());
  detail::require(paths.extent(2) == times.size(), function, "paths.extent(2)", paths.extent(2),
                  "expected the number of times, " + std::to_string(times.size()));
  for (std::size_t k = 0; k < times.size(); ++k) {
    require_time(function, "times", times[k], reference_.horizon);
    detail::require(k == 0 || times[k] > times[k - 1], function, "times", times[k],
                    "expected increasing times");
  }
  const auto x0 = gaussian::workspace(exec, paths.extent(0), paths.extent(1));
  const auto x1 = gaussian::workspace(exec, paths.extent(0), paths.extent(1));
  sample(exec, key.child(0), x0, x1);
  double now = 0;
  Points<double> here = x0;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const Points<double> next = Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k);
    if (times[k] == reference_.horizon)
      Kokkos::deep_copy(exec, next, x1);
    else if (times[k] == now)
      Kokkos::deep_copy(exec, next, here);
    else if constexpr (ReferenceProcess<Ref>)
      step_pinned(exec, key.child(k + 1), reference_, now, times[k], here, x1, next);
    else
      step_pinned(exec, key.child(k + 1), closed_forms_->pinned(now, times[k]), here, x1, next);
    now = times[k];
    here = next;
  }
}

template <LinearGaussianReference Ref>
double path_relative_entropy(const GaussianBridge<Ref>& a, const GaussianBridge<Ref>& b) {
  detail::require(a.source_dimension() == b.source_dimension(), "fortet::path_relative_entropy",
                  "b.source_dimension()", b.source_dimension(), "expected the dimension of a");
  detail::require(same(a.reference(), b.reference()), "fortet::path_relative_entropy", "b.reference()",
                  "another reference", "expected the reference of a");
  return a.closed_forms().path_entropy(b.closed_forms());
}

template class GaussianBridge<Brownian>;
template class GaussianBridge<OrnsteinUhlenbeck>;
template class GaussianBridge<LinearSde>;
template double path_relative_entropy(const GaussianBridge<Brownian>&, const GaussianBridge<Brownian>&);
template double path_relative_entropy(const GaussianBridge<OrnsteinUhlenbeck>&,
                                      const GaussianBridge<OrnsteinUhlenbeck>&);
template double path_relative_entropy(const GaussianBridge<LinearSde>&, const GaussianBridge<LinearSde>&);

}  // namespace fortet
