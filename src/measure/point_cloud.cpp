#include "fortet/measure/point_cloud.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "instantiate.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::PointCloud";

template <class Real, class Memory>
void require_finite(const ConstPoints<Real, Memory>& points) {
  using Exec = typename Memory::execution_space;
  const std::size_t n = points.extent(0), d = points.extent(1);
  detail::require(n > 0, where, "points", "empty", "expected at least one point");
  detail::require(d > 0, where, "points", "of dimension 0", "expected at least one coordinate");
  std::size_t first = n * d;  // smallest row-major position that is not finite
  Kokkos::parallel_reduce(
      "fortet::measure::check_finite", Kokkos::RangePolicy<Exec>(0, n),
      KOKKOS_LAMBDA(const std::size_t i, std::size_t& smallest) {
        for (std::size_t k = 0; k < d; ++k)
          if (!Kokkos::isfinite(points(i, k)) && i * d + k < smallest) smallest = i * d + k;
      },
      Kokkos::Min<std::size_t>(first));
  if (first < n * d)
    throw InvalidArgument(std::string(where) + ": points(" + std::to_string(first / d) + ", " +
                          std::to_string(first % d) + ") is not finite; expected finite coordinates");
}

}  // namespace

template <class Real, class Memory>
PointCloud<Real, Memory>::PointCloud(ConstPoints<Real, Memory> points) : points_(points) {
  detail::require_kokkos(where);
  require_finite<Real, Memory>(points);
  const std::size_t n = size();
  Vector<Real, Memory> log_weights(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::measure::log_weights"), n);
  Kokkos::deep_copy(log_weights, static_cast<Real>(-std::log(static_cast<double>(n))));
  log_weights_ = log_weights;
}

template <class Real, class Memory>
PointCloud<Real, Memory>::PointCloud(ConstPoints<Real, Memory> points, ConstVector<Real, Memory> weights)
    : points_(points) {
  detail::require_kokkos(where);
  require_finite<Real, Memory>(points);
  const std::size_t n = size();
  detail::require(weights.extent(0) == n, where, "weights.size()", weights.extent(0),
                  "expected one weight for each of the " + std::to_string(n) + " points");
  const std::vector<double> given = to_host(Vector<const Real, Memory>(weights));
  double mass = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (!(given[i] >= 0) || !std::isfinite(given[i]))
      detail::reject(where, "weights(" + std::to_string(i) + ")", given[i], "expected a finite number >= 0");
    mass += given[i];
  }
  detail::require(mass > 0 && std::isfinite(mass), where, "sum of weights", mass,
                  "expected a finite number > 0");
  std::vector<double> log_weights(n), cumulative(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    log_weights[i] = given[i] > 0 ? std::log(given[i] / mass) : -std::numeric_limits<double>::infinity();
    sum += given[i] / mass;
    cumulative[i] = sum;
  }
  // the last atom that has weight closes the distribution, whatever rounding did to the sum
  for (std::size_t i = n; i-- > 0;) {
    cumulative[i] = 1.0;
    if (given[i] > 0) break;
  }
  log_weights_ = vector_from_host<Real, Memory>(std::span<const double>(log_weights));
  cumulative_ = vector_from_host<double, Memory>(std::span<const double>(cumulative));
  mass_ = mass;
}

template <class Real, class Memory>
void PointCloud<Real, Memory>::sample_indices(const execution_space& exec, RandomKey key,
                                              Vector<int, Memory> out) const {
  const auto cumulative = cumulative_;
  const std::size_t n = size();
  Kokkos::parallel_for(
      "fortet::measure::sample_indices", Kokkos::RangePolicy<execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double u = random_uniform(key, i, 0);
        std::size_t low = 0, high = n - 1;
        if (cumulative.extent(0) == 0) {
          low = static_cast<std::size_t>(u * static_cast<double>(n));
          low = low < n ? low : n - 1;
        } else {
          while (low < high) {  // first index whose cumulative weight exceeds u
            const std::size_t middle = (low + high) / 2;
            if (cumulative(middle) > u)
              high = middle;
            else
              low = middle + 1;
          }
        }
        out(i) = static_cast<int>(low);
      });
}

template <class Real, class Memory>
void PointCloud<Real, Memory>::sample(const execution_space& exec, RandomKey key,
                                      Points<Real, Memory> out) const {
  detail::require(out.extent(1) == points_.extent(1), "fortet::PointCloud::sample", "out.extent(1)",
                  out.extent(1), "expected the cloud's dimension " + std::to_string(points_.extent(1)));
  Vector<int, Memory> indices(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::measure::indices"), out.extent(0));
  sample_indices(exec, key, indices);
  const auto points = points_;
  Kokkos::parallel_for(
      "fortet::measure::gather", Kokkos::RangePolicy<execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < points.extent(1); ++k) out(i, k) = points(indices(i), k);
      });
}

template <class Real, class Memory>
PointCloud<Real, Memory> index_cloud(std::type_identity_t<ConstVector<Real, Memory>> weights) {
  Points<Real, Memory> points(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::measure::indices"),
                              weights.extent(0), 1);
  Kokkos::parallel_for(
      "fortet::measure::index_points",
      Kokkos::RangePolicy<typename Memory::execution_space>(0, weights.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { points(i, 0) = static_cast<Real>(i); });
  return {points, weights};
}

#define FORTET_INSTANTIATE(Real, Memory)   \
  template class PointCloud<Real, Memory>; \
  template PointCloud<Real, Memory> index_cloud<Real, Memory>(ConstVector<Real, Memory>);
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
