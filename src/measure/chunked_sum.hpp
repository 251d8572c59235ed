#pragma once
// Sums that do not depend on the number of threads: fixed chunks, each summed in order by one thread, the
// partial sums added in order on the host.
#include <Kokkos_Core.hpp>
#include <array>
#include <cstddef>
#include <string>

namespace fortet::detail {

/// sum_i f(i), where f(i, acc) adds its K terms to acc. Blocking.
template <int K, class Exec, class F>
std::array<double, K> chunked_sum(const std::string& label, const Exec& exec, std::size_t n, const F& f) {
  constexpr std::size_t chunk = 512;
  const std::size_t chunks = (n + chunk - 1) / chunk;
  Kokkos::View<double* [K], Kokkos::LayoutRight, typename Exec::memory_space> partial(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label + "::partial"), chunks);
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<Exec>(exec, 0, chunks), KOKKOS_LAMBDA(const std::size_t c) {
        double acc[K] = {};
        const std::size_t end = (c + 1) * chunk < n ? (c + 1) * chunk : n;
        for (std::size_t i = c * chunk; i < end; ++i) f(i, acc);
        for (int k = 0; k < K; ++k) partial(c, k) = acc[k];
      });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, partial);
  std::array<double, K> sum{};
  for (std::size_t c = 0; c < chunks; ++c)
    for (int k = 0; k < K; ++k) sum[static_cast<std::size_t>(k)] += host(c, k);
  return sum;
}

}  // namespace fortet::detail
