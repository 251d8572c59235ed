#pragma once
#include <algorithm>
#include <limits>

#include "fortet/concepts.hpp"

namespace fortet {

/// The rows of an array drawn without replacement, epoch after epoch: the first n rows of a draw are a random
/// permutation of the n given, the next n another one. Models SamplableMeasure. Views are shared.
template <class Real, class Memory = DefaultMemory>
class Epochs {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;

  /// Throws InvalidArgument without points or without coordinates.
  explicit Epochs(ConstPoints<Real, Memory> points) : points_(points) {
    detail::require(points.extent(0) > 0 && points.extent(1) > 0, "fortet::Epochs", "points",
                    points.extent(0), "expected at least one point");
  }

  int dimension() const { return static_cast<int>(points_.extent(1)); }
  std::size_t size() const { return points_.extent(0); }
  /// Asynchronous; O(d) a row.
  void sample(const execution_space& exec, RandomKey key, Points<Real, Memory> out) const {
    const auto points = points_;
    const std::size_t n = points.extent(0), d = points.extent(1);
    Kokkos::parallel_for(
        "fortet::measure::epochs", Kokkos::RangePolicy<execution_space>(exec, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          const std::size_t row = random_permutation(key.child(i / n), i % n, n);
          for (std::size_t k = 0; k < d; ++k) out(i, k) = points(row, k);
        });
  }

 private:
  ConstPoints<Real, Memory> points_;
};
template <class View>
Epochs(View) -> Epochs<typename View::non_const_value_type, typename View::memory_space>;

/// Whether all atoms weigh the same, up to rounding. Blocking, O(n).
template <AtomicMeasure M>
bool has_equal_weights(const M& measure) {
  const auto weights =
      to_host(ConstVector<typename M::scalar_type, typename M::memory_space>(measure.log_weights()));
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  return *most - *least <=
         8 * static_cast<double>(std::numeric_limits<typename M::scalar_type>::epsilon()) * (1 - *least);
}

}  // namespace fortet
