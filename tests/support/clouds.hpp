#pragma once
// Small host-side clouds for tests, and the message of an exception.
#include <span>
#include <string>
#include <vector>

#include "fortet/measure/point_cloud.hpp"
#include "support/views.hpp"

namespace fortet::test {

/// Points in row-major order with their weights.
struct Rows {
  std::vector<double> values;
  std::size_t d;
  std::vector<double> weights;

  std::size_t n() const { return weights.size(); }
  double& operator()(std::size_t i, std::size_t k) { return values[i * d + k]; }
  double operator()(std::size_t i, std::size_t k) const { return values[i * d + k]; }
};

/// n standard normal points; uniform weights, or weights spread over a factor of ten.
inline Rows random_rows(std::size_t n, std::size_t d, std::uint64_t seed, bool weighted = false) {
  Rows rows{std::vector<double>(n * d), d, std::vector<double>(n, 1.0)};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k)
      rows(i, k) = random_normal({.seed = seed}, i, static_cast<std::uint32_t>(k));
  double mass = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (weighted) rows.weights[i] = 0.1 + random_uniform({.seed = seed, .stream = 1}, i, 0);
    mass += rows.weights[i];
  }
  for (double& w : rows.weights) w /= mass;
  return rows;
}

inline PointCloud<double, Kokkos::HostSpace> cloud(const Rows& rows) {
  return {points_from_host<double, Kokkos::HostSpace>(std::span<const double>(rows.values), rows.n(), rows.d),
          vector_from_host<double, Kokkos::HostSpace>(std::span<const double>(rows.weights))};
}

}  // namespace fortet::test
