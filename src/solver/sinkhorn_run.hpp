#pragma once
// The iteration of Sinkhorn, on any kernel.
#include <chrono>
#include <vector>

#include "fortet/solver/sinkhorn.hpp"

namespace fortet::impl {

using Clock = std::chrono::steady_clock;

/// Solves at the decreasing epsilons `levels`, which end at the kernel's, from a target potential `start` or
/// from nothing. Levels before `first` are skipped unless the last one stalls. The report counts seconds from
/// `begin`. Blocking.
template <class Exec>
SinkhornResult<Exec> run_sinkhorn(const Exec& exec, std::shared_ptr<const HalfBridgeKernel<Exec>> kernel,
                                  const SinkhornOptions& options, Clock::time_point begin,
                                  ConstVector<double, typename Exec::memory_space> start,
                                  const std::vector<double>& levels, std::size_t first);

}  // namespace fortet::impl
