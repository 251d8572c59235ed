#pragma once
#include "fortet/types.hpp"

namespace fortet::impl {

/// sum_i term(i) over i < n, added in fixed chunks and then in order: bitwise the same for every thread count
/// of a backend. Blocking. `term` is a device-callable double(std::size_t).
template <class Exec, class Term>
double deterministic_sum(const Exec& exec, const char* label, std::size_t n, const Term& term) {
  constexpr std::size_t chunk = 512;
  const std::size_t chunks = (n + chunk - 1) / chunk;
  Vector<double, typename Exec::memory_space> partial(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::impl::partial_sums"), chunks);
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<Exec>(exec, 0, chunks), KOKKOS_LAMBDA(const std::size_t c) {
        double sum = 0;
        for (std::size_t i = c * chunk; i < n && i < (c + 1) * chunk; ++i) sum += term(i);
        partial(c) = sum;
      });
  exec.fence("fortet::impl::deterministic_sum");
  double sum = 0;
  for (double value : to_host(partial)) sum += value;
  return sum;
}

}  // namespace fortet::impl
