#include "solver/sinkhorn_state.hpp"

#include <cmath>
#include <numbers>

#include "chunked_sum.hpp"
#include "fortet/impl/small_work.hpp"
#include "instantiate.hpp"
#include "kernel/logarithm.hpp"

namespace fortet::impl {
namespace {

constexpr std::size_t chunk_size = 512;

}  // namespace

template <class Exec>
SinkhornState<Exec>::SinkhornState(const Exec& space, Kernel gibbs)
    : exec(space_for(space, 0.5 * static_cast<double>(gibbs->size(Side::source)) *
                                static_cast<double>(gibbs->size(Side::target)))),
      vectors(
          space_for(space, 2.0 * static_cast<double>(gibbs->size(Side::source) + gibbs->size(Side::target)))),
      kernel(std::move(gibbs)),
      f("fortet::sinkhorn::f", kernel->size(Side::source)),
      g("fortet::sinkhorn::g", kernel->size(Side::target)),
      source_log_ratio("fortet::sinkhorn::source_log_ratio", f.extent(0)),
      target_log_ratio("fortet::sinkhorn::target_log_ratio", g.extent(0)),
      source_masses(mass_of(Side::source)),
      target_masses(mass_of(Side::target)),
      chunk_statistics_("fortet::sinkhorn::chunk_statistics",
                        std::max(f.extent(0), g.extent(0)) / chunk_size + 1) {}

template <class Exec>
typename SinkhornState<Exec>::Vec SinkhornState<Exec>::mass_of(Side side) const {
  const In log_weights = kernel->log_weights(side);
  const Vec mass("fortet::sinkhorn::mass", log_weights.extent(0));
  Kokkos::parallel_for(
      "fortet::sinkhorn::mass", Kokkos::RangePolicy<Exec>(vectors, 0, mass.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { mass(i) = Kokkos::exp(log_weights(i)); });
  return mass;
}

template <class Exec>
SideStatistics SinkhornState<Exec>::measure(Side side, bool robust) {
  const In own = side == Side::source ? corrected_f() : In(g),
           across = side == Side::source ? In(g) : corrected_f();
  if (!robust) {
    kernel->ratios(exec, side, own, across, log_ratio(side));
    if (side == Side::target) correct_target();
    const SideStatistics statistics = summarise(side);
    if (statistics.in_range) return statistics;
  }
  const Vec out = log_ratio(side);
  kernel->soft_min(exec, side, across, out);
  const double scale = 1 / kernel->epsilon();
  Kokkos::parallel_for(
      "fortet::sinkhorn::ratio_from_soft_min", Kokkos::RangePolicy<Exec>(vectors, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = (own(i) - out(i)) * scale; });
  SideStatistics statistics = summarise(side, true);
  statistics.in_range = false;  // far from the fixed point: take the plain step
  return statistics;
}

template <class Exec>
std::pair<SideStatistics, SideStatistics> SinkhornState<Exec>::measure_both(double omega) {
  kernel->sweep(exec, corrected_f(), g, omega, source_log_ratio, target_log_ratio);
  correct_target();
  const SideStatistics source = summarise(Side::source);
  return {source, summarise(Side::target)};
}

template <class Exec>
void SinkhornState<Exec>::calibrate() {
  const auto copy_of = [&](const Vec& values) {
    const Vec copy(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::sinkhorn::exact"),
                   values.extent(0));
    Kokkos::deep_copy(exec, copy, values);
    return copy;
  };
  const Vec exact_source = copy_of(source_log_ratio), exact_target = copy_of(target_log_ratio);
  f_correction_ = Vec("fortet::sinkhorn::f_correction", f.extent(0));
  corrected_f_ = Vec("fortet::sinkhorn::corrected_f", f.extent(0));
  target_correction_ = Vec("fortet::sinkhorn::target_correction", g.extent(0));
  Kokkos::deep_copy(exec, target_correction_, 1.0);
  calibrated_ = nullptr;
  bool in_range = measure_both(0.0).first.in_range;
  const double epsilon = kernel->epsilon();
  const Vec to_f = f_correction_, to_target = target_correction_, source = source_log_ratio,
            target = target_log_ratio;
  Kokkos::parallel_for(
      "fortet::sinkhorn::calibrate_source", Kokkos::RangePolicy<Exec>(vectors, 0, f.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { to_f(i) = epsilon * (exact_source(i) - source(i)); });
  calibrated_ = kernel;
  calibrated_revision_ = kernel->revision();
  in_range = measure_both(0.0).second.in_range && in_range;
  Kokkos::parallel_for(
      "fortet::sinkhorn::calibrate_target", Kokkos::RangePolicy<Exec>(vectors, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { to_target(j) = Kokkos::exp(exact_target(j) - target(j)); });
  if (!in_range) calibrated_ = nullptr;
}

template <class Exec>
typename SinkhornState<Exec>::In SinkhornState<Exec>::corrected_f() const {
  if (!is_calibrated()) return f;
  const Vec from = f, to = corrected_f_, correction = f_correction_;
  Kokkos::parallel_for(
      "fortet::sinkhorn::correct_f", Kokkos::RangePolicy<Exec>(vectors, 0, to.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { to(i) = from(i) + correction(i); });
  return to;
}

template <class Exec>
void SinkhornState<Exec>::correct_target() {
  if (!is_calibrated()) return;
  const Vec ratio = target_log_ratio, correction = target_correction_;
  Kokkos::parallel_for(
      "fortet::sinkhorn::correct_target", Kokkos::RangePolicy<Exec>(vectors, 0, ratio.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { ratio(j) *= correction(j); });
}

template <class Exec>
std::pair<bool, double> SinkhornState<Exec>::make_rows_exact() {
  const auto [rows, columns] = measure_both(1.0);
  ++iteration;
  const bool in_range = rows.in_range && columns.in_range;
  if (in_range) update(Side::source, 1.0);
  return {in_range, columns.error};
}

template <class Exec>
SideStatistics SinkhornState<Exec>::summarise(Side side, bool are_logarithms) {
  const Vec ratio = log_ratio(side), weights = masses(side);
  const auto chunks = chunk_statistics_;
  const std::size_t n = ratio.extent(0), chunk_count = (n + chunk_size - 1) / chunk_size;
  Kokkos::parallel_for(
      "fortet::sinkhorn::summarise", Kokkos::RangePolicy<Exec>(vectors, 0, chunk_count),
      KOKKOS_LAMBDA(const std::size_t chunk) {
        const std::size_t first = chunk * chunk_size, count = n - first < chunk_size ? n - first : chunk_size;
        double* const r = ratio.data() + first;
        double error = 0, smallest = 0, largest = 0;
        for (std::size_t i = 0; i < count; ++i)
          error += weights(first + i) *
                   Kokkos::fabs((are_logarithms ? Kokkos::exp(Kokkos::fmin(r[i], 300.0)) : r[i]) - 1);
        if (!are_logarithms)
          for (std::size_t i = 0; i < count; ++i) r[i] = std::numbers::ln2 * kernel::log2_of(r[i]);
        for (std::size_t i = 0; i < count; ++i) {
          const double value = r[i] == r[i] ? r[i] : 1e300;  // NaN counts as out of range
          smallest = value < smallest ? value : smallest;
          largest = value > largest ? value : largest;
        }
        chunks(chunk, 0) = error;
        chunks(chunk, 1) = smallest;
        chunks(chunk, 2) = largest;
      });
  vectors.fence("fortet::sinkhorn::summarise");
  const auto values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, chunks);
  SideStatistics statistics;
  double largest = 0;
  for (std::size_t chunk = 0; chunk < chunk_count; ++chunk) {
    statistics.error += values(chunk, 0);
    statistics.smallest = std::min(statistics.smallest, values(chunk, 1));
    largest = std::max(largest, values(chunk, 2));
  }
  constexpr double limit = 41;  // 2^60
  statistics.in_range = statistics.smallest > -limit && largest < limit && std::isfinite(statistics.error);
  return statistics;
}

template <class Exec>
void SinkhornState<Exec>::update(Side side, double omega) {
  const Vec own = potential(side), ratio = log_ratio(side);
  const double step = omega * kernel->epsilon();
  Kokkos::parallel_for(
      "fortet::sinkhorn::update", Kokkos::RangePolicy<Exec>(vectors, 0, own.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { own(i) -= step * ratio(i); });
}

template <class Exec>
double SinkhornState<Exec>::integral(Side side) const {
  const Vec weights = masses(side), own = potential(side);
  return chunked_sum(
      vectors, "fortet::sinkhorn::integral", own.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return weights(i) > 0 ? weights(i) * own(i) : 0.0; });
}

template <class Exec>
double SinkhornState<Exec>::plan_mass() const {
  const In log_weights = kernel->log_weights(Side::source);
  const Vec ratio = source_log_ratio;
  return chunked_sum(
      vectors, "fortet::sinkhorn::plan_mass", ratio.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::exp(log_weights(i) + ratio(i)); });
}

template <class Exec>
void SinkhornState<Exec>::shift(double amount) {
  for (const Side side : {Side::source, Side::target}) {
    const Vec own = potential(side);
    const double step = side == Side::source ? amount : -amount;
    Kokkos::parallel_for(
        "fortet::sinkhorn::shift", Kokkos::RangePolicy<Exec>(vectors, 0, own.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { own(i) += step; });
  }
}

template <class Exec>
void SinkhornState<Exec>::extend_to_zero_weights(Side side) {
  const Vec own = potential(side), weights = masses(side),
            extension("fortet::sinkhorn::extension", own.extent(0));
  const double without = chunked_sum(
      vectors, "fortet::sinkhorn::without_weight", own.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return weights(i) > 0 ? 0.0 : 1.0; });
  if (without == 0) return;
  kernel->soft_min(exec, side, potential(other(side)), extension);
  Kokkos::parallel_for(
      "fortet::sinkhorn::extend", Kokkos::RangePolicy<Exec>(vectors, 0, own.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        if (!(weights(i) > 0)) own(i) = extension(i);
      });
}

#define FORTET_INSTANTIATE(Exec) template struct SinkhornState<Exec>;
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
