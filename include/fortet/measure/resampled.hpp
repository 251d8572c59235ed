#pragma once
#include <utility>

#include "fortet/measure/point_cloud.hpp"

namespace fortet {

/// Draws with replacement from a cloud, as a measure of its own: what sample-based solvers are given when all
/// that is known of a marginal is data. Unlike PointCloud it is not an AtomicMeasure, so a solver that needs
/// atoms does not take it by accident.
template <class Real, class Memory = DefaultMemory>
class Resampled {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;

  explicit Resampled(PointCloud<Real, Memory> cloud) : cloud_(std::move(cloud)) {}

  int dimension() const { return cloud_.dimension(); }
  const PointCloud<Real, Memory>& cloud() const { return cloud_; }
  void sample(const execution_space& exec, RandomKey key, Points<Real, Memory> out) const {
    cloud_.sample(exec, key, out);
  }

 private:
  PointCloud<Real, Memory> cloud_;
};

}  // namespace fortet
