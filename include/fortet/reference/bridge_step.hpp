#pragma once
// How a linear-Gaussian reference moves between two fixed ends, in one place for every bridge.
#include "fortet/concepts.hpp"

namespace fortet {

/// X_s | X_t = x, X_u = y  ~  N(from_start x + from_end y + from_mean mean, deviation^2 I),  t <= s <= u.
struct BridgeStep {
  double from_start = 1, from_end = 0, from_mean = 0, deviation = 0;
};

/// The bridge of the reference between times t and u, at s: with m1, v1 the transition t -> s and a2, v2 the
/// mean factor and variance s -> u,  X_s ~ N((v2 m1 + v1 a2 (y - (1 - a2) mean)) / (v2 + a2^2 v1),
/// v1 v2 / (v2 + a2^2 v1)). For Brownian motion this is the Brownian bridge. Throws InvalidArgument unless
/// t <= s <= u and t < u.
template <ReferenceProcess R>
BridgeStep bridge_step(const R& reference, double t, double s, double u) {
  detail::require(t <= s && s <= u && t < u, "fortet::bridge_step", "s", s,
                  "expected t <= s <= u with t < u");
  const double a1 = reference.mean_factor(t, s), v1 = reference.variance(t, s);
  const double a2 = reference.mean_factor(s, u), v2 = reference.variance(s, u);
  const double total = v2 + a2 * a2 * v1;
  return {.from_start = v2 * a1 / total,
          .from_end = v1 * a2 / total,
          .from_mean = (v2 * (1 - a1) - v1 * a2 * (1 - a2)) / total,
          .deviation = std::sqrt(v1 * v2 / total)};
}

}  // namespace fortet
