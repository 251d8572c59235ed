#pragma once
// What a run of Sinkhorn may claim, checked in double.
#include "fortet/report.hpp"
#include "solver/sinkhorn_state.hpp"

namespace fortet::impl {

/// The L1 marginal error of the plan, by a pass of its own in double; leaves the log-ratios of both sides.
template <class Exec>
double error_in_double(SinkhornState<Exec>& state);

/// The costs of the plan, or with `round` of the plan rounded to its marginals and the duality gap, in
/// double, into the report. After error_in_double(). Leaves the kernel in double.
template <class Exec>
void certify(SinkhornState<Exec>& state, bool round, Report& report);

}  // namespace fortet::impl
