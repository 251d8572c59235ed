#pragma once
// Small random problems for tests: points, weights and their host copies.
#include <random>
#include <vector>

#include "fortet/measure/point_cloud.hpp"

namespace support {

struct HostCloud {
  std::size_t n = 0, d = 0;
  std::vector<double> points;   // row-major
  std::vector<double> weights;  // sum to one
};

/// Normal points around `centre` with the given spread and random weights; every `zero_every`-th weight is
/// zero.
inline HostCloud random_cloud(std::size_t n, std::size_t d, unsigned seed, double centre = 0,
                              double spread = 1, std::size_t zero_every = 0) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.2, 1.0);
  HostCloud cloud{n, d, std::vector<double>(n * d), std::vector<double>(n)};
  // rounded to float, so that float and double clouds are the same points
  for (double& value : cloud.points) value = static_cast<float>(centre + spread * normal(generator));
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    cloud.weights[i] = zero_every && i % zero_every == zero_every - 1 ? 0.0 : uniform(generator);
    sum += cloud.weights[i];
  }
  for (double& w : cloud.weights) w /= sum;
  return cloud;
}

template <class Real>
fortet::PointCloud<Real> to_cloud(const HostCloud& cloud) {
  return {fortet::points_from_host<Real>(cloud.points.data(), cloud.n, cloud.d,
                                         static_cast<std::ptrdiff_t>(cloud.d), 1),
          fortet::vector_from_host<Real>(std::span<const double>(cloud.weights))};
}

/// |x_i - y_j|^2 / 2 in long double.
inline std::vector<long double> squared_costs(const HostCloud& x, const HostCloud& y) {
  std::vector<long double> cost(x.n * y.n);
  for (std::size_t i = 0; i < x.n; ++i)
    for (std::size_t j = 0; j < y.n; ++j) {
      long double sum = 0;
      for (std::size_t k = 0; k < x.d; ++k) {
        const long double difference =
            static_cast<long double>(x.points[i * x.d + k]) - y.points[j * x.d + k];
        sum += difference * difference;
      }
      cost[i * y.n + j] = sum / 2;
    }
  return cost;
}

inline std::vector<long double> widen(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

}  // namespace support
