#pragma once
// Solvers with a clock, for the plot of error against seconds.
#include "fortet/coupling/gaussian_bridge.hpp"
#include "sides.hpp"

namespace fortet::validation {

struct Timed {
  double seconds = 0, error = 0;
};

/// Relative error of the drift at half time, at draws of the exact law.
double half_way_error(const Setting& setting, const GaussianBridge<Brownian>& exact, const Side& side);
/// Between n draws of each side.
Timed timed_sinkhorn(const Setting& setting, const GaussianBridge<Brownian>& exact, std::size_t n);
/// On side^2 nodes.
Timed timed_grid(const Setting& setting, const GaussianBridge<Brownian>& exact, int side);

}  // namespace fortet::validation
