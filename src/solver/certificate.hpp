#pragma once
// What a run of Sinkhorn may claim, checked in double.
#include "fortet/report.hpp"
#include "solver/sinkhorn_state.hpp"

namespace fortet::impl {

/// The L1 marginal error of the plan, by a pass of another kernel; leaves the log-ratios of both sides.
template <class Exec>
double error_by(SinkhornState<Exec>& state, const typename SinkhornState<Exec>::Kernel& kernel);

/// The costs of the plan, or with `round` of the plan rounded to its marginals and the duality gap, into the
/// report. The kernel should be in double. After error_by().
template <class Exec>
void certify(SinkhornState<Exec>& state, bool round, Report& report);

}  // namespace fortet::impl
