#pragma once
// Views from host values and an execution space: what most tests begin with.
#include <span>
#include <vector>

#include "fortet/types.hpp"
#include "support/messages.hpp"

namespace fortet::test {

/// A function, because a global one would be made before main initialises Kokkos.
inline DefaultExec exec() { return {}; }

template <class Real = double, class Memory = DefaultMemory>
Vector<Real, Memory> vector(const std::vector<double>& values) {
  return vector_from_host<Real, Memory>(std::span<const double>(values));
}

inline Points<double> points(const std::vector<double>& row_major, std::size_t d) {
  return points_from_host<double>(std::span<const double>(row_major), row_major.size() / d, d);
}

}  // namespace fortet::test
