#pragma once
#include <type_traits>

#include "fortet/types.hpp"

namespace fortet::impl {

/// Where a kernel of about `nanoseconds` of one core should run: on a single thread of OpenMP if forking the
/// others would cost more than they save, else on `exec` itself. Results do not depend on it.
template <class Exec>
Exec space_for(const Exec& exec, double nanoseconds) {
#if defined(KOKKOS_ENABLE_OPENMP)
  constexpr double fork = 3'000;  // where waiting threads spin; fifty thousand where they sleep
  if constexpr (std::is_same_v<Exec, Kokkos::OpenMP>)
    if (nanoseconds < 2 * fork) return Kokkos::OpenMP(1);
#endif
  return exec;
}

}  // namespace fortet::impl
