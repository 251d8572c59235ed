#pragma once
// Squared-Euclidean cost |x - y|^2 / 2, recomputed from the points: O((n + m) d) memory.
#include <memory>

#include "fortet/impl/gibbs_kernel.hpp"

namespace fortet::kernel {

/// The streaming kernel between two clouds of points (in `Point` precision), with arithmetic in `Real`.
template <class Exec, class Real, class Point>
std::shared_ptr<const impl::GibbsKernel<Exec>> make_streaming(
    const Exec& exec, ConstPoints<Point, typename Exec::memory_space> x,
    ConstPoints<Point, typename Exec::memory_space> y, ConstVector<double, typename Exec::memory_space> log_a,
    ConstVector<double, typename Exec::memory_space> log_b, double epsilon);

}  // namespace fortet::kernel
