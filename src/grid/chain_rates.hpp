#pragma once
// The generator of a DriftDiffusion on a grid as jump rates between neighbouring nodes; host only.
#include <vector>

#include "fortet/reference/drift_diffusion.hpp"
#include "fortet/solver/grid_options.hpp"

namespace fortet::grid {

/// Rates along one axis at every node, row-major: to the next node and to the one before. Zero through a
/// wall; on a periodic axis the ends are neighbours.
struct AxisRates {
  std::vector<double> up, down;
};

/// Scharfetter-Gummel (Chang-Cooper) fluxes: with D = sigma^2 / 2 and the drift v at the face between two
/// nodes,
///   up = D / h^2 B(-v h / D),  down = D / h^2 B(v h / D),  B(z) = z / (e^z - 1),
/// positive for any drift, second order in h. Throws InvalidArgument where a drift is not finite, naming the
/// point. O(nodes) calls of the drift.
AxisRates axis_rates(const DriftDiffusion& process, const RegularGrid& grid, int axis, bool periodic,
                     double t);

/// exp(-v(t, x) duration) at every node. Throws InvalidArgument on a rate that is not finite.
std::vector<double> survival(const DriftDiffusion& process, const RegularGrid& grid, double t,
                             double duration);

}  // namespace fortet::grid
