#pragma once
// Newton's method on the semi-dual of Sinkhorn, and a line search for where that is without curvature.
#include "solver/sinkhorn_state.hpp"

namespace fortet::impl {

/// One damped, truncated Newton step on the semi-dual in g (Brauer, Clason, Lorenz, Wirth 2017). At exact
/// rows, with c the ratios of the columns and T the round trip, it solves
///   (diag(c) - T + damping) delta = 1 - c
/// by conjugate gradients in L2(target), preconditioned by the diagonal, in at most `budget` sweeps, and
/// moves g by epsilon delta. The slope of the dual along delta, which falls from one end to the other, says
/// whether the step is kept and how the next is damped. Leaves (f, g) with exact rows, after a refused step
/// where they were, and returns the error of the columns there.
template <class Exec>
double newton_step(SinkhornState<Exec>& state, double& damping, int budget);

/// As far along the step that an iteration would take as the dual rises. Where a plan falls into parts that
/// exchange next to no mass, iterations move the potentials of whole parts at a constant velocity, and second
/// derivatives along that direction are lost in rounding; its slope is not. Leaves (f, g) with exact rows and
/// returns the error of the columns.
template <class Exec>
double ascend(SinkhornState<Exec>& state);

}  // namespace fortet::impl
