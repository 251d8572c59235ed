#include "solver/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "chunked_sum.hpp"
#include "instantiate.hpp"

namespace fortet::impl {
namespace {

template <class Exec>
using Vec = typename SinkhornState<Exec>::Vec;
template <class Exec>
using In = typename SinkhornState<Exec>::In;

/// int c dpi and KL(pi | mu x nu) of the plan with entries e_ij + alpha_i beta_j, empty for zero.
template <class Exec>
std::pair<double, double> costs(const SinkhornState<Exec>& state, const In<Exec>& alpha,
                                const In<Exec>& beta) {
  const std::size_t n = state.f.extent(0);
  const Vec<Exec> transport("fortet::certificate::transport", n), kl("fortet::certificate::kl", n);
  state.kernel->plan_costs(state.exec, state.f, state.g, alpha, beta, transport, kl);
  state.exec.fence("fortet::certificate::costs");
  const auto weights = to_host(In<Exec>(state.source_masses)), c = to_host(transport), k = to_host(kl);
  std::pair<double, double> sums{0, 0};
  for (std::size_t i = 0; i < n; ++i) {
    if (weights[i] > 0) {
      sums.first += weights[i] * c[i];
      sums.second += weights[i] * k[i];
    }
  }
  return sums;
}

/// Scales rows or columns down to their marginal where they are above it.
template <class Exec>
void scale_down(SinkhornState<Exec>& state, Side side) {
  state.measure(side, false);
  const auto ratio = state.log_ratio(side);
  Kokkos::parallel_for(
      "fortet::certificate::only_down", Kokkos::RangePolicy<Exec>(state.vectors, 0, ratio.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { ratio(i) = Kokkos::fmax(ratio(i), 0.0); });
  state.update(side, 1.0);
}

/// What the marginal of one side lacks, relative to it.
template <class Exec>
Vec<Exec> missing(SinkhornState<Exec>& state, Side side) {
  state.measure(side, false);
  const auto ratio = state.log_ratio(side);
  const Vec<Exec> share("fortet::certificate::missing", ratio.extent(0));
  Kokkos::parallel_for(
      "fortet::certificate::missing", Kokkos::RangePolicy<Exec>(state.vectors, 0, ratio.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { share(i) = Kokkos::fmax(-Kokkos::expm1(ratio(i)), 0.0); });
  return share;
}

}  // namespace

template <class Exec>
double error_by(SinkhornState<Exec>& state, const typename SinkhornState<Exec>::Kernel& kernel) {
  const auto working = std::exchange(state.kernel, kernel);
  auto [rows, columns] = state.measure_both(0.0);
  if (!rows.in_range) rows = state.measure(Side::source, true);
  if (!columns.in_range) columns = state.measure(Side::target, true);
  state.kernel = working;
  return std::max(rows.error, columns.error);
}

template <class Exec>
void certify(SinkhornState<Exec>& state, bool round, Report& report) {
  const double mass = state.plan_mass(), epsilon = state.kernel->epsilon();
  report.dual_value = state.integral(Side::source) + state.integral(Side::target) - epsilon * (mass - 1);
  if (!round) {
    const auto [transport, kl] = costs<Exec>(state, {}, {});
    report.transport_cost = transport;
    report.entropic_cost = transport + epsilon * (kl - mass + 1);
    return;
  }
  // Rounding (Altschuler, Weed, Rigollet 2017, algorithm 2): scale rows, then columns, down to their
  // marginals, and spread what is missing as a product: q_ij = e_ij + alpha_i beta_j.
  const Vec<Exec> solved_f = state.f, solved_g = state.g;
  state.f = Vec<Exec>("fortet::certificate::rounded_f", solved_f.extent(0));
  state.g = Vec<Exec>("fortet::certificate::rounded_g", solved_g.extent(0));
  Kokkos::deep_copy(state.exec, state.f, solved_f);
  Kokkos::deep_copy(state.exec, state.g, solved_g);
  for (const Side side : {Side::source, Side::target}) scale_down(state, side);
  const Vec<Exec> alpha = missing(state, Side::source), beta = missing(state, Side::target);
  const auto weights = state.source_masses;
  const double total = chunked_sum(
      state.vectors, "fortet::certificate::missing_mass", alpha.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return weights(i) * alpha(i); });
  const double inverse = total > 0 ? 1 / total : 0.0;
  Kokkos::parallel_for(
      "fortet::certificate::spread", Kokkos::RangePolicy<Exec>(state.vectors, 0, beta.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { beta(j) *= inverse; });
  const auto [transport, kl] = costs<Exec>(state, alpha, beta);
  state.f = solved_f;
  state.g = solved_g;
  report.transport_cost = transport;
  report.entropic_cost = transport + epsilon * kl;
  report.duality_gap = *report.entropic_cost - *report.dual_value;
}

#define FORTET_INSTANTIATE(Exec)                                                               \
  template double error_by(SinkhornState<Exec>&, const typename SinkhornState<Exec>::Kernel&); \
  template void certify(SinkhornState<Exec>&, bool, Report&);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
