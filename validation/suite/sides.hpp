#pragma once
// What several families ask of any coupling: maps, conditional moments, drifts.
#include "fortet/compare/metrics.hpp"
#include "fortet/impl/comparison_side.hpp"
#include "suite.hpp"

namespace fortet::validation {

using Side = impl::ComparisonSide<DefaultMemory>;

/// The coupling, which must outlive it, as functions.
template <class C>
Side side_of(const Setting& setting, const C& coupling) {
  return impl::comparison_side<DefaultMemory>(setting.exec, coupling);
}

/// E[X1 | X0] at the rows of x, on the host.
template <class C>
std::vector<double> map_at(const Setting& setting, const C& coupling, const ConstPoints<double>& x) {
  const Points<double> mean("fortet::validation::mean", x.extent(0), x.extent(1));
  coupling.conditional_mean(setting.exec, x, mean);
  setting.exec.fence("fortet::validation::map_at");
  return to_host(mean);
}

/// Moments of X1 given each of the starts, from `draws` draws at each.
std::vector<Moments> drawn_moments(const Setting& setting, const Side& side, const Points<double>& starts,
                                   std::size_t draws, RandomKey key);

/// Relative error of the forward drift at time t, at n draws of the exact X_t.
double drift_error(const Side& side, const Side& exact, double t, std::size_t n, RandomKey key);

}  // namespace fortet::validation
