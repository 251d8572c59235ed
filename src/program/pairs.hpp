#pragma once
#include "fortet/concepts.hpp"
#include "fortet/io/points.hpp"
#include "program/output.hpp"

namespace fortet::program {

/// `count` pairs (X0, X1) as an array of shape (count, 2, d).
template <Coupling C>
Array sample_pairs(const typename C::execution_space& exec, const C& coupling, std::size_t count,
                   std::uint64_t seed) {
  const auto rows = [&] {
    return detail::Pts<C>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::program::pairs"),
                          count, static_cast<std::size_t>(coupling.source_dimension()));
  };
  const auto x0 = rows(), x1 = rows();
  coupling.sample(exec, {.seed = seed}, x0, x1);
  exec.fence("fortet::program::pairs");
  return stacked({to_array(x0), to_array(x1)});
}

}  // namespace fortet::program
