#include "solver/newton.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "chunked_sum.hpp"
#include "instantiate.hpp"

namespace fortet::impl {
namespace {

template <class Exec>
using Vec = typename SinkhornState<Exec>::Vec;

template <class Exec>
double inner(const SinkhornState<Exec>& state, const Vec<Exec>& x, const Vec<Exec>& y) {
  const auto weights = state.target_masses;
  return chunked_sum(
      state.vectors, "fortet::newton::inner", x.extent(0),
      KOKKOS_LAMBDA(const std::size_t j) { return weights(j) * x(j) * y(j); });
}

/// From the target's log-ratios: c and the slope of the dual, 1 - c. Atoms without weight stay out of it.
template <class Exec>
void set_slope(const SinkhornState<Exec>& state, const Vec<Exec>& c, const Vec<Exec>& slope) {
  const auto weights = state.target_masses, log_ratio = state.target_log_ratio;
  Kokkos::parallel_for(
      "fortet::newton::set_slope", Kokkos::RangePolicy<Exec>(state.vectors, 0, c.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) {
        c(j) = weights(j) > 0 ? Kokkos::exp(log_ratio(j)) : 1.0;
        slope(j) = 1 - c(j);
      });
}

/// c += damping, and the diagonal of the round trip becomes the inverse of that of c - T.
template <class Exec>
void damp(const Exec& exec, double damping, const Vec<Exec>& c, const Vec<Exec>& diagonal) {
  Kokkos::parallel_for(
      "fortet::newton::damp", Kokkos::RangePolicy<Exec>(exec, 0, c.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) {
        c(j) += damping;
        // an atom that meets one source atom alone has a diagonal of zero but for rounding
        diagonal(j) = 1 / Kokkos::fmax(c(j) - diagonal(j), 1e-10);
      });
}

template <class Exec>
void precondition(const Exec& exec, const Vec<Exec>& scale, const Vec<Exec>& residual,
                  const Vec<Exec>& scaled) {
  Kokkos::parallel_for(
      "fortet::newton::precondition", Kokkos::RangePolicy<Exec>(exec, 0, scaled.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { scaled(j) = scale(j) * residual(j); });
}

/// image = c direction - image.
template <class Exec>
void subtract_from(const SinkhornState<Exec>& state, const Vec<Exec>& c, const Vec<Exec>& direction,
                   const Vec<Exec>& image) {
  const auto weights = state.target_masses;
  Kokkos::parallel_for(
      "fortet::newton::subtract_from", Kokkos::RangePolicy<Exec>(state.vectors, 0, c.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) {
        image(j) = weights(j) > 0 ? c(j) * direction(j) - image(j) : 0.0;
      });
}

template <class Exec>
void advance(const Exec& exec, double step, const Vec<Exec>& direction, const Vec<Exec>& delta,
             const Vec<Exec>& image, const Vec<Exec>& residual) {
  Kokkos::parallel_for(
      "fortet::newton::advance", Kokkos::RangePolicy<Exec>(exec, 0, delta.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) {
        delta(j) += step * direction(j);
        residual(j) -= step * image(j);
      });
}

template <class Exec>
void turn(const Exec& exec, double share, const Vec<Exec>& residual, const Vec<Exec>& direction) {
  Kokkos::parallel_for(
      "fortet::newton::turn", Kokkos::RangePolicy<Exec>(exec, 0, direction.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { direction(j) = residual(j) + share * direction(j); });
}

/// to = from + length delta.
template <class Exec>
void move(const Exec& exec, double length, const Vec<Exec>& from, const Vec<Exec>& delta,
          const Vec<Exec>& to) {
  Kokkos::parallel_for(
      "fortet::newton::move", Kokkos::RangePolicy<Exec>(exec, 0, to.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { to(j) = from(j) + length * delta(j); });
}

}  // namespace

template <class Exec>
double newton_step(SinkhornState<Exec>& state, double& damping, int budget) {
  const auto [rows, columns] = state.measure_both(1.0);
  ++state.iteration;
  state.update(Side::source, 1.0);
  if (!columns.in_range) return INFINITY;
  const Exec &exec = state.exec, &vectors = state.vectors;
  const auto vector = [&](const std::string& label, std::size_t size) {
    return Vec<Exec>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), size);
  };
  const std::size_t m = state.g.extent(0);
  const auto c = vector("fortet::newton::ratios", m), slope = vector("fortet::newton::slope", m),
             delta = vector("fortet::newton::delta", m), residual = vector("fortet::newton::residual", m),
             direction = vector("fortet::newton::direction", m), image = vector("fortet::newton::image", m),
             scale = vector("fortet::newton::preconditioner", m),
             scaled = vector("fortet::newton::scaled", m);
  if (!state.kernel->round_trip_diagonal(exec, state.f, state.g, scale)) return columns.error;
  ++state.iteration;
  set_slope(state, c, slope);
  damp<Exec>(vectors, damping, c, scale);
  Kokkos::deep_copy(exec, delta, 0.0);
  Kokkos::deep_copy(exec, residual, slope);
  precondition<Exec>(vectors, scale, residual, scaled);
  Kokkos::deep_copy(exec, direction, scaled);
  double norm = inner(state, residual, scaled);
  const double enough = 1e-4 * norm;  // of the square: the residual falls to a hundredth
  for (int k = 0; k < budget && norm > enough; ++k) {
    state.kernel->round_trip(exec, state.f, state.g, direction, image);
    ++state.iteration;
    subtract_from(state, c, direction, image);
    const double curvature = inner(state, direction, image);
    if (!(curvature > 0)) break;
    advance<Exec>(vectors, norm / curvature, direction, delta, image, residual);
    precondition<Exec>(vectors, scale, residual, scaled);
    const double next = inner(state, residual, scaled);
    turn<Exec>(vectors, next / norm, scaled, direction);
    norm = next;
  }
  const auto f0 = vector("fortet::newton::f_before", state.f.extent(0)),
             g0 = vector("fortet::newton::g_before", m);
  Kokkos::deep_copy(exec, f0, state.f);
  Kokkos::deep_copy(exec, g0, state.g);
  const double slope_before = inner(state, slope, delta);
  move<Exec>(vectors, state.kernel->epsilon(), g0, delta, state.g);
  const auto [in_range, error] = state.make_rows_exact();
  double change = -INFINITY;  // of the slope, from 1 to about 0 where the step is right
  if (in_range) {
    set_slope(state, c, slope);
    change = inner(state, slope, delta) / slope_before;
  }
  damping *= change < -0.3 ? 10 : std::abs(change) < 0.3 ? 0.1 : change > 0.6 ? 0.3 : 1;
  damping = std::clamp(damping, 1e-12, 1.0);
  if (change > -0.8) return error;
  Kokkos::deep_copy(exec, state.f, f0);
  Kokkos::deep_copy(exec, state.g, g0);
  return columns.error;
}

template <class Exec>
double ascend(SinkhornState<Exec>& state) {
  const std::size_t m = state.g.extent(0);
  const auto vector = [&](const std::string& label) {
    return Vec<Exec>(Kokkos::view_alloc(state.exec, Kokkos::WithoutInitializing, label), m);
  };
  const auto c = vector("fortet::ascend::ratios"), slope = vector("fortet::ascend::slope"),
             direction = vector("fortet::ascend::direction"), g0 = vector("fortet::ascend::before");
  // rows made exact, whether all sums were in range, and the error of the columns
  const auto measure = [&] {
    const auto result = state.make_rows_exact();
    set_slope(state, c, slope);
    return result;
  };
  auto [in_range, error] = measure();
  if (!in_range) return error;
  Kokkos::deep_copy(state.exec, g0, state.g);
  Kokkos::deep_copy(state.exec, direction, slope);
  const double steepest = inner(state, slope, direction);
  double low = 0, high = INFINITY, length = 1 / std::sqrt(steepest);
  for (int k = 0; k < 20; ++k) {
    move<Exec>(state.vectors, length * state.kernel->epsilon(), g0, direction, state.g);
    std::tie(in_range, error) = measure();
    const double share = in_range ? inner(state, slope, direction) / steepest : -INFINITY;
    if (std::abs(share) < 0.1) return error;
    (share > 0 ? low : high) = length;
    length = high < INFINITY ? (low + high) / 2 : 2 * length;
  }
  move<Exec>(state.vectors, low * state.kernel->epsilon(), g0, direction, state.g);
  return measure().second;
}

#define FORTET_INSTANTIATE(Exec)                                   \
  template double newton_step(SinkhornState<Exec>&, double&, int); \
  template double ascend(SinkhornState<Exec>&);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
