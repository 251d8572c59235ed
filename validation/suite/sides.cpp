#include "sides.hpp"

namespace fortet::validation {
namespace {

/// Row i of the result is row i / copies of `rows`.
Points<double> repeated(const DefaultExec& exec, const Points<double>& rows, std::size_t copies) {
  const Points<double> out("fortet::validation::repeated", rows.extent(0) * copies, rows.extent(1));
  Kokkos::parallel_for(
      "fortet::validation::repeat", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t c = 0; c < rows.extent(1); ++c) out(i, c) = rows(i / copies, c);
      });
  exec.fence("fortet::validation::repeat");
  return out;
}

}  // namespace

std::vector<Moments> drawn_moments(const Setting& setting, const Side& side, const Points<double>& starts,
                                   std::size_t draws, RandomKey key) {
  const auto from = repeated(setting.exec, starts, draws);
  const Points<double> to("fortet::validation::ends", from.extent(0), from.extent(1));
  side.sample_conditional(key, from, to);
  return group_moments<DefaultMemory>(setting.exec, to, draws);
}

double drift_error(const Side& side, const Side& exact, double t, std::size_t n, RandomKey key) {
  const auto d = static_cast<std::size_t>(exact.source_dimension);
  const Points<double> x("fortet::validation::x", n, d), ours("fortet::validation::ours", n, d),
      truth("fortet::validation::truth", n, d);
  exact.sample_marginal(key, t, x);
  side.forward_drift(t, x, ours);
  exact.forward_drift(t, x, truth);
  return relative_error(to_host(ours), to_host(truth));
}

}  // namespace fortet::validation
