// Which kernel serves which reference.
#include <cmath>

#include "fortet/coupling/discrete_coupling.hpp"
#include "instantiate.hpp"
#include "kernel/streaming.hpp"

namespace fortet::impl {
namespace {

template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> squared_euclidean(
    const Exec& exec, ConstPoints<Real, typename Exec::memory_space> x,
    const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, double epsilon) {
  return kernel::make_streaming<Exec, Real, Real>(exec, x, target.points(), double_log_weights(source),
                                                  double_log_weights(target), epsilon);
}

}  // namespace

template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec& exec, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, const Brownian& reference) {
  return squared_euclidean<Real>(exec, source.points(), source, target, reference.epsilon());
}

template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec& exec, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, const OrnsteinUhlenbeck& reference) {
  const auto d = static_cast<std::size_t>(source.dimension());
  detail::require(reference.mean.empty() || reference.mean.size() == d, "fortet::OrnsteinUhlenbeck",
                  "mean.size()", reference.mean.size(),
                  "expected no mean or one of dimension " + std::to_string(d));
  const auto x = push_forward<Real, Exec, Real>(
      exec, source.points(), reference.mean_factor(0.0, reference.horizon), reference.mean);
  return squared_euclidean<Real>(exec, x, source, target, reference.epsilon());
}

template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec&, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target,
    const GibbsCost<CostMatrix<Real, typename Exec::memory_space>>& reference) {
  using Cost = StoredCost<Real, typename Exec::memory_space>;
  const auto& values = reference.cost.values;
  detail::require(values.extent(0) == source.size() && values.extent(1) == target.size(),
                  "fortet::CostMatrix", "shape",
                  std::to_string(values.extent(0)) + " x " + std::to_string(values.extent(1)),
                  "expected " + std::to_string(source.size()) + " x " + std::to_string(target.size()));
  std::size_t first = values.size();
  Kokkos::parallel_reduce(
      "fortet::kernel::check_costs", Kokkos::RangePolicy<Exec>(0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i, std::size_t& smallest) {
        for (std::size_t j = 0; j < values.extent(1); ++j)
          if (!Kokkos::isfinite(values(i, j)) && i * values.extent(1) + j < smallest)
            smallest = i * values.extent(1) + j;
      },
      Kokkos::Min<std::size_t>(first));
  if (first < values.size())
    throw InvalidArgument("fortet::CostMatrix: values(" + std::to_string(first / values.extent(1)) + ", " +
                          std::to_string(first % values.extent(1)) +
                          ") is not finite; expected finite costs");
  return std::make_shared<CostKernel<Exec, Cost>>(Cost{values}, double_log_weights(source),
                                                  double_log_weights(target), reference.epsilon());
}

#define FORTET_INSTANTIATE_REAL(Real, Exec)                                                                  \
  template std::shared_ptr<const GibbsKernel<Exec>> make_kernel<Real, Exec>(                                 \
      const Exec&, const PointCloud<Real, Exec::memory_space>&, const PointCloud<Real, Exec::memory_space>&, \
      const Brownian&);                                                                                      \
  template std::shared_ptr<const GibbsKernel<Exec>> make_kernel<Real, Exec>(                                 \
      const Exec&, const PointCloud<Real, Exec::memory_space>&, const PointCloud<Real, Exec::memory_space>&, \
      const OrnsteinUhlenbeck&);                                                                             \
  template std::shared_ptr<const GibbsKernel<Exec>> make_kernel<Real, Exec>(                                 \
      const Exec&, const PointCloud<Real, Exec::memory_space>&, const PointCloud<Real, Exec::memory_space>&, \
      const GibbsCost<CostMatrix<Real, Exec::memory_space>>&);
#define FORTET_INSTANTIATE(Exec)       \
  FORTET_INSTANTIATE_REAL(float, Exec) \
  FORTET_INSTANTIATE_REAL(double, Exec)
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
