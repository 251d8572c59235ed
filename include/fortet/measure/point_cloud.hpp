#pragma once
#include <cstddef>

#include "fortet/concepts.hpp"

namespace fortet {

/// Weighted atoms: sum_i exp(log_weights_i) delta_{points_i}, log-weights normalised to total mass one; the
/// mass that was given is kept beside them. Models AtomicMeasure and SamplableMeasure (draws with
/// replacement). Views are shared, not copied: a PointCloud is cheap to pass by value and must not be written
/// to afterwards.
template <class Real, class Memory = DefaultMemory>
class PointCloud {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;

  /// Uniform weights 1/n. Blocking, O(n d). Throws InvalidArgument without points, without coordinates, or on
  /// a NaN or infinity (naming its index).
  explicit PointCloud(ConstPoints<Real, Memory> points);
  /// Weights >= 0 with positive finite sum; zeros are allowed. Throws InvalidArgument as above, and on a
  /// negative, infinite or NaN weight (naming its index), all-zero weights, or a wrong number of them.
  PointCloud(ConstPoints<Real, Memory> points, ConstVector<Real, Memory> weights);

  int dimension() const { return static_cast<int>(points_.extent(1)); }
  std::size_t size() const { return points_.extent(0); }
  ConstPoints<Real, Memory> points() const { return points_; }
  ConstVector<Real, Memory> log_weights() const { return log_weights_; }
  /// Total weight as given (1 for uniform weights).
  double mass() const { return mass_; }
  /// The same atoms with mass one.
  PointCloud normalised() const {
    PointCloud copy = *this;
    copy.mass_ = 1.0;
    return copy;
  }

  /// Rows of `out` are atoms drawn with replacement according to the weights. Asynchronous; O(log n) a row.
  void sample(const execution_space& exec, RandomKey key, Points<Real, Memory> out) const;
  /// Indices of such draws.
  void sample_indices(const execution_space& exec, RandomKey key, Vector<int, Memory> out) const;

 private:
  ConstPoints<Real, Memory> points_;
  ConstVector<Real, Memory> log_weights_;
  ConstVector<double, Memory> cumulative_;  // of the weights, last entry 1
  double mass_ = 1.0;
};
template <class View>
PointCloud(View) -> PointCloud<typename View::non_const_value_type, typename View::memory_space>;
template <class View, class Weights>
PointCloud(View, Weights) -> PointCloud<typename View::non_const_value_type, typename View::memory_space>;

/// Atoms that are only indices 0 ... n-1 (as one-dimensional points): for problems given by a cost matrix.
template <class Real, class Memory = DefaultMemory>
PointCloud<Real, Memory> index_cloud(std::type_identity_t<ConstVector<Real, Memory>> weights);

extern template class PointCloud<float, Kokkos::HostSpace>;
extern template class PointCloud<double, Kokkos::HostSpace>;

}  // namespace fortet
