#pragma once
// Orders in which neighbours in memory are neighbours in space. Host-only, no Kokkos.
#include <cstddef>
#include <vector>

namespace fortet::kernel {

/// A permutation of n points (coordinate k of point i at points[k * n + i]) in which runs of a few atoms, and
/// runs of those, lie in small boxes: the leaves of a k-d tree that halves the widest side. order[k] is the
/// point that comes k-th. O(n log n).
template <class Real>
std::vector<int> space_order(const Real* points, std::size_t n, int dimension);

}  // namespace fortet::kernel
