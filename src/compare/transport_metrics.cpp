// Exact and sliced Wasserstein distances between clouds.
#include <algorithm>
#include <utility>

#include "compare/clouds.hpp"
#include "fortet/compare/metrics.hpp"
#include "instantiate.hpp"

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

/// A cloud on the host, and its batches.
struct HostCloud {
  std::vector<double> points, weights;
  bool uniform;
  detail::Batches batches;
};

template <class Memory>
HostCloud host_cloud(const PointCloud<double, Memory>& cloud, int batches, RandomKey key) {
  HostCloud host{to_host(cloud.points()), detail::host_weights(cloud), false, {}};
  host.uniform = std::ranges::all_of(host.weights, [&](double w) { return w == host.weights.front(); });
  host.batches = detail::shuffled_batches(host.weights, batches, key);
  return host;
}

std::vector<double> project(const HostCloud& cloud, const std::vector<double>& direction) {
  const std::size_t d = direction.size();
  std::vector<double> positions(cloud.weights.size());
  for (std::size_t i = 0; i < positions.size(); ++i)
    for (std::size_t k = 0; k < d; ++k) positions[i] += cloud.points[i * d + k] * direction[k];
  return positions;
}

/// Atoms on a line in increasing order, with weights that sum to one.
struct Line {
  std::vector<double> positions, weights;  // no weights: all equal
  double weight(std::size_t i) const {
    return weights.empty() ? 1.0 / static_cast<double>(positions.size()) : weights[i];
  }
};

/// The atoms order[begin] ... order[begin + size - 1] of a cloud (an empty order: as they come).
Line line_of(const HostCloud& cloud, const std::vector<double>& positions,
             const std::vector<std::size_t>& order, std::size_t begin, std::size_t size) {
  const auto atom = [&](std::size_t k) { return order.empty() ? begin + k : order[begin + k]; };
  Line line;
  line.positions.resize(size);
  if (cloud.uniform) {
    for (std::size_t k = 0; k < size; ++k) line.positions[k] = positions[atom(k)];
    std::sort(line.positions.begin(), line.positions.end());
    return line;
  }
  std::vector<std::pair<double, double>> pairs(size);
  double mass = 0;
  for (std::size_t k = 0; k < size; ++k) {
    pairs[k] = {positions[atom(k)], cloud.weights[atom(k)]};
    mass += pairs[k].second;
  }
  std::sort(pairs.begin(), pairs.end());
  line.weights.resize(size);
  for (std::size_t k = 0; k < size; ++k) {
    line.positions[k] = pairs[k].first;
    line.weights[k] = pairs[k].second / mass;
  }
  return line;
}

Line whole_line(const HostCloud& cloud, const std::vector<double>& positions) {
  return line_of(cloud, positions, {}, 0, positions.size());
}

Line batch_line(const HostCloud& cloud, const std::vector<double>& positions, std::size_t batch) {
  const auto& [count, size, order] = cloud.batches;
  return line_of(cloud, positions, order, batch * size, size);
}

/// W2^2 on a line: the two quantile functions side by side.
double squared_w2(const Line& x, const Line& y) {
  double sum = 0, x_left = x.weight(0), y_left = y.weight(0);
  for (std::size_t i = 0, j = 0;;) {
    const double mass = std::min(x_left, y_left), difference = x.positions[i] - y.positions[j];
    sum += mass * difference * difference;
    x_left -= mass;
    y_left -= mass;
    if (x_left <= 0) {
      if (++i == x.positions.size()) return sum;
      x_left = x.weight(i);
    } else {
      if (++j == y.positions.size()) return sum;
      y_left = y.weight(j);
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

/// Mean over directions of W2^2 on the line: of the whole clouds, then of each pair of batches.
std::vector<double> mean_squares(const HostCloud& x, const HostCloud& y, std::size_t d, int directions,
                                 RandomKey key) {
  const std::size_t scores = 1 + std::min(x.batches.count, y.batches.count);
  std::vector<std::vector<double>> squares(scores, std::vector<double>(static_cast<std::size_t>(directions)));
  Kokkos::parallel_for("fortet::compare::slices",
                       Kokkos::RangePolicy<HostExec>(0, static_cast<std::size_t>(directions)),
                       [&](const std::size_t k) {
                         const auto u = unit_vector(d, key, k);
                         const auto p = project(x, u), q = project(y, u);
                         squares[0][k] = squared_w2(whole_line(x, p), whole_line(y, q));
                         for (std::size_t s = 1; s < scores; ++s)
                           squares[s][k] = squared_w2(batch_line(x, p, s - 1), batch_line(y, q, s - 1));
                       });
  std::vector<double> means;
  for (const auto& of_score : squares) means.push_back(detail::mean_and_error(of_score).mean);
  return means;
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
  const HostCloud p = host_cloud(x, batches.batches, batches.key.child(0));
  const HostCloud q = host_cloud(y, batches.batches, batches.key.child(1));
  std::vector<double> scores = mean_squares(p, q, x.points().extent(1), directions, key);
  for (double& score : scores) score = std::sqrt(score);
  Estimate estimate{.value = scores.front(), .n = x.size(), .m = y.size()};
  detail::set_batch_error(estimate, {scores.begin() + 1, scores.end()});
  return estimate;
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
