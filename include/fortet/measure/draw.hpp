#pragma once
#include "fortet/measure/point_cloud.hpp"

namespace fortet {

/// n independent draws as a cloud of uniform weights, in the precision asked for (the measure's own by
/// default; the numbers are the same, rounded). Blocking. Throws InvalidArgument when n = 0.
template <class Real = void, Measure M>
auto draw(const typename M::execution_space& exec, const M& measure, std::size_t n, RandomKey key) {
  static_assert(SamplableMeasure<M>,
                "fortet::draw needs a measure that can be sampled: it has no sample(exec, key, out)");
  using Own = typename M::scalar_type;
  using Out = std::conditional_t<std::is_void_v<Real>, Own, Real>;
  using Memory = typename M::memory_space;
  detail::require_kokkos("fortet::draw");
  detail::require(n > 0, "fortet::draw", "n", n, "expected at least one point");
  Points<Own, Memory> points(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::draw::points"), n,
                             static_cast<std::size_t>(measure.dimension()));
  measure.sample(exec, key, points);
  if constexpr (std::is_same_v<Out, Own>) {
    exec.fence("fortet::draw");
    return PointCloud<Out, Memory>(points);
  } else {
    Points<Out, Memory> rounded(
        Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::draw::rounded"), n, points.extent(1));
    Kokkos::deep_copy(exec, rounded, points);
    exec.fence("fortet::draw");
    return PointCloud<Out, Memory>(rounded);
  }
}

}  // namespace fortet
