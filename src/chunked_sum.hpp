#pragma once
// Sums that do not depend on the number of threads: fixed chunks, each summed in order by one thread, the
// partial sums added in order on the host.
#include <Kokkos_Core.hpp>
#include <array>
#include <cstddef>
#include <string>

namespace fortet::impl {

/// Sums over i < n of K terms each: add(i, sums) adds those of i. Bitwise the same for every thread count of
/// a backend. Blocking.
template <int K, class Exec, class Add>
std::array<double, K> chunked_sums(const Exec& exec, const std::string& label, std::size_t n,
                                   const Add& add) {
  constexpr std::size_t chunk = 512;
  const std::size_t chunks = (n + chunk - 1) / chunk;
  Kokkos::View<double* [K], Kokkos::LayoutRight, typename Exec::memory_space> partial(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label + "::partial"), chunks);
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<Exec>(exec, 0, chunks), KOKKOS_LAMBDA(const std::size_t c) {
        double sums[K] = {};
        const std::size_t end = (c + 1) * chunk < n ? (c + 1) * chunk : n;
        for (std::size_t i = c * chunk; i < end; ++i) add(i, sums);
        for (int k = 0; k < K; ++k) partial(c, k) = sums[k];
      });
  exec.fence("fortet::impl::chunked_sums");
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, partial);
  std::array<double, K> total{};
  for (std::size_t c = 0; c < chunks; ++c)
    for (int k = 0; k < K; ++k) total[static_cast<std::size_t>(k)] += host(c, k);
  return total;
}

/// sum_i term(i) over i < n in the same way.
template <class Exec, class Term>
double chunked_sum(const Exec& exec, const std::string& label, std::size_t n, const Term& term) {
  return chunked_sums<1>(
      exec, label, n, KOKKOS_LAMBDA(const std::size_t i, double* sums) { sums[0] += term(i); })[0];
}

}  // namespace fortet::impl
