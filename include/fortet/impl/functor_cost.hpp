#pragma once
// Kernels of static references. The one for a cost functor is a template: the user's compiler builds it.
#include "fortet/impl/cost_kernel.hpp"
#include "fortet/measure/point_cloud.hpp"
#include "fortet/reference/gibbs_cost.hpp"

namespace fortet::impl {

/// One row of a points array, as a cost functor sees it.
template <class View>
struct PointAccess {
  const View& points;
  std::size_t row;
  KOKKOS_FUNCTION double operator[](int k) const {
    return static_cast<double>(points(row, static_cast<std::size_t>(k)));
  }
  KOKKOS_FUNCTION int dimension() const { return static_cast<int>(points.extent(1)); }
};

/// A cost between points as a cost between atoms.
template <class Cost, class Real, class Memory>
struct FunctorCost {
  using View = ConstPoints<Real, Memory>;
  Cost cost;
  View x, y;
  KOKKOS_FUNCTION double operator()(std::size_t i, std::size_t j) const {
    return cost(PointAccess<View>{x, i}, PointAccess<View>{y, j});
  }
};

/// A stored matrix as a cost between atoms.
template <class Real, class Memory>
struct StoredCost {
  Kokkos::View<const Real**, Kokkos::LayoutRight, Memory> values;
  KOKKOS_FUNCTION double operator()(std::size_t i, std::size_t j) const {
    return static_cast<double>(values(i, j));
  }
};

/// Log-weights in double, normalised again: those of a float cloud sum to one in float only, and a mass that
/// differs between the sides would be a floor under the marginal error.
template <class Real, class Memory>
ConstVector<double, Memory> double_log_weights(const PointCloud<Real, Memory>& cloud) {
  std::vector<double> log_weights = to_host(cloud.log_weights());
  double sum = 0;
  for (double w : log_weights) sum += std::exp(w);
  for (double& w : log_weights) w -= std::log(sum);
  return vector_from_host<double, Memory>(std::span<const double>(log_weights));
}

template <class Real, class Exec, class Cost>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec&, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, const GibbsCost<Cost>& reference) {
  using Memory = typename Exec::memory_space;
  using Functor = FunctorCost<Cost, Real, Memory>;
  return std::make_shared<CostKernel<Exec, Functor>>(
      Functor{reference.cost, source.points(), target.points()}, double_log_weights(source),
      double_log_weights(target), reference.epsilon());
}

}  // namespace fortet::impl
