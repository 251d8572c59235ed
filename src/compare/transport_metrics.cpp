// Exact and sliced Wasserstein distances between clouds.
#include <algorithm>
#include <utility>

#include "compare/clouds.hpp"
#include "compare/instantiate.hpp"
#include "fortet/compare/metrics.hpp"

namespace fortet {
namespace {

/// transform(|x_i - y_j|^2), row-major n x m on the host.
template <class Memory, class Transform>
std::vector<double> cost_matrix(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y,
                                Transform transform) {
  const auto a = to_host(x.points()), b = to_host(y.points());
  const std::size_t n = x.size(), m = y.size(), d = x.points().extent(1);
  std::vector<double> cost(n * m);
  Kokkos::parallel_for("fortet::compare::cost_matrix", Kokkos::RangePolicy<HostExec>(0, n),
                       [&](const std::size_t i) {
                         for (std::size_t j = 0; j < m; ++j) {
                           double squared = 0;
                           for (std::size_t k = 0; k < d; ++k) {
                             const double difference = a[i * d + k] - b[j * d + k];
                             squared += difference * difference;
                           }
                           cost[i * m + j] = transform(squared);
                         }
                       });
  return cost;
}

/// Minimal cost and its standard error from the potentials, which are the derivative of the minimum in the
/// weights.
template <class Memory, class Transform>
Estimate transport_estimate(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y,
                            Transform transform) {
  const auto a = detail::host_weights(x), b = detail::host_weights(y);
  const ExactTransport transport = exact_transport(cost_matrix(x, y, transform), a, b);
  return {.value = std::max(transport.cost, 0.0),
          .standard_error = std::sqrt(detail::variance_of_mean(a, transport.source_potential) +
                                      detail::variance_of_mean(b, transport.target_potential)),
          .how = "analytic",
          .n = x.size(),
          .m = y.size()};
}

/// Atoms of a cloud projected on a line, sorted.
using Line = std::vector<std::pair<double, double>>;  // (position, weight)

Line project(const std::vector<double>& points, const std::vector<double>& weights,
             const std::vector<double>& direction) {
  const std::size_t d = direction.size();
  Line line(weights.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    double position = 0;
    for (std::size_t k = 0; k < d; ++k) position += points[i * d + k] * direction[k];
    line[i] = {position, weights[i]};
  }
  std::sort(line.begin(), line.end());
  return line;
}

/// W2^2 on a line: the two quantile functions side by side.
double squared_w2(const Line& x, const Line& y) {
  double sum = 0, x_left = x.front().second, y_left = y.front().second;
  for (std::size_t i = 0, j = 0;;) {
    const double mass = std::min(x_left, y_left), difference = x[i].first - y[j].first;
    sum += mass * difference * difference;
    x_left -= mass;
    y_left -= mass;
    if (x_left <= 0) {
      if (++i == x.size()) return sum;
      x_left = x[i].second;
    } else {
      if (++j == y.size()) return sum;
      y_left = y[j].second;
    }
  }
}

std::vector<double> unit_vector(std::size_t d, RandomKey key, std::size_t index) {
  std::vector<double> u(d);
  double squared = 0;
  for (std::size_t k = 0; k < d; ++k) {
    u[k] = random_normal(key, index, static_cast<std::uint32_t>(k));
    squared += u[k] * u[k];
  }
  for (double& value : u) value /= std::sqrt(squared);
  return u;
}

template <class Memory>
double sliced_score(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y, int directions,
                    RandomKey key) {
  const auto x_points = to_host(x.points()), y_points = to_host(y.points());
  const auto a = detail::host_weights(x), b = detail::host_weights(y);
  const std::size_t d = x.points().extent(1);
  std::vector<double> squares(static_cast<std::size_t>(directions));
  Kokkos::parallel_for("fortet::compare::slices", Kokkos::RangePolicy<HostExec>(0, squares.size()),
                       [&](const std::size_t k) {
                         const auto u = unit_vector(d, key, k);
                         squares[k] = squared_w2(project(x_points, a, u), project(y_points, b, u));
                       });
  return std::sqrt(detail::mean_and_error(squares).mean);
}

}  // namespace

template <class Memory>
ExactTransport exact_transport(const PointCloud<double, Memory>& source,
                               const PointCloud<double, Memory>& target) {
  detail::require_same_dimension("fortet::exact_transport", source, target);
  return exact_transport(cost_matrix(source, target, [](double squared) { return squared / 2; }),
                         detail::host_weights(source), detail::host_weights(target));
}

template <class Memory>
Estimate w1(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y) {
  detail::require_same_dimension("fortet::w1", x, y);
  return transport_estimate(x, y, [](double squared) { return std::sqrt(squared); });
}

template <class Memory>
Estimate w2(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y) {
  detail::require_same_dimension("fortet::w2", x, y);
  Estimate estimate = transport_estimate(x, y, [](double squared) { return squared; });
  estimate.value = std::sqrt(estimate.value);
  estimate.standard_error = detail::error_of_root(estimate.value, estimate.standard_error);
  return estimate;
}

template <class Memory>
Estimate sliced_w2(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y, int directions,
                   RandomKey key, BatchOptions batches) {
  detail::require_same_dimension("fortet::sliced_w2", x, y);
  detail::require(directions >= 1, "fortet::sliced_w2", "directions", directions, "expected at least one");
  return detail::estimate_by_batches(
      x, y, batches, [&](const auto& p, const auto& q) { return sliced_score(p, q, directions, key); });
}

#define FORTET_INSTANTIATE(Memory)                                                                       \
  template ExactTransport exact_transport(const PointCloud<double, Memory>&,                             \
                                          const PointCloud<double, Memory>&);                            \
  template Estimate w1(const PointCloud<double, Memory>&, const PointCloud<double, Memory>&);            \
  template Estimate w2(const PointCloud<double, Memory>&, const PointCloud<double, Memory>&);            \
  template Estimate sliced_w2(const PointCloud<double, Memory>&, const PointCloud<double, Memory>&, int, \
                              RandomKey, BatchOptions);
FORTET_FOR_EACH_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
