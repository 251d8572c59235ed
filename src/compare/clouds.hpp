#pragma once
// Cutting clouds into parts, and standard errors from the parts.
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "fortet/compare/metrics.hpp"

namespace fortet::detail {

template <class Memory>
void require_same_dimension(const char* function, const PointCloud<double, Memory>& x,
                            const PointCloud<double, Memory>& y) {
  require(x.dimension() == y.dimension(), function, "y.dimension()", y.dimension(),
          "the dimension of x, " + std::to_string(x.dimension()));
}

/// Weights of a cloud on the host, summing to one.
template <class Memory>
std::vector<double> host_weights(const PointCloud<double, Memory>& cloud) {
  std::vector<double> weights = to_host(cloud.log_weights());
  for (double& w : weights) w = std::exp(w);
  return weights;
}

/// sum_i w_i^2 (v_i - sum_j w_j v_j)^2: the variance of the weighted mean of v.
inline double variance_of_mean(const std::vector<double>& weights, const std::vector<double>& values) {
  double mean = 0, variance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) mean += weights[i] * values[i];
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double term = weights[i] * (values[i] - mean);
    variance += term * term;
  }
  return variance;
}

/// Standard error of a root from that of the square: d sqrt(v) = dv / (2 sqrt(v)), and never more than the
/// root of the square's error, which takes over where the root is close to zero.
inline double error_of_root(double root, double error_of_square) {
  const double bound = std::sqrt(error_of_square);
  return error_of_square < 2 * root * bound ? error_of_square / (2 * root) : bound;
}

/// Mean and standard error of independent values.
struct MeanAndError {
  double mean, standard_error;
};
inline MeanAndError mean_and_error(const std::vector<double>& values) {
  const double count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (double v : values) squares += (v - mean) * (v - mean);
  return {mean,
          count > 1 ? std::sqrt(squares / (count - 1) / count) : std::numeric_limits<double>::quiet_NaN()};
}

/// The cloud's atoms with weight, shuffled by `key` and cut into `parts` clouds of equal size (what is left
/// over is dropped); empty when that leaves fewer than two atoms a part.
template <class Memory>
std::vector<PointCloud<double, Memory>> split(const PointCloud<double, Memory>& cloud, int parts,
                                              RandomKey key) {
  const auto weights = host_weights(cloud);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] > 0) order.push_back(i);
  const auto count = static_cast<std::size_t>(parts < 0 ? 0 : parts);
  if (count < 2 || order.size() < 2 * count) return {};
  for (std::size_t i = order.size(); i-- > 1;) {
    const auto j = static_cast<std::size_t>(random_uniform(key, i, 0) * static_cast<double>(i + 1));
    std::swap(order[i], order[j]);
  }
  const auto values = to_host(cloud.points());
  const std::size_t d = static_cast<std::size_t>(cloud.dimension()), size = order.size() / count;
  std::vector<PointCloud<double, Memory>> result;
  for (std::size_t part = 0; part < count; ++part) {
    std::vector<double> points, part_weights;
    for (std::size_t i = part * size; i < (part + 1) * size; ++i) {
      for (std::size_t k = 0; k < d; ++k) points.push_back(values[order[i] * d + k]);
      part_weights.push_back(weights[order[i]]);
    }
    result.emplace_back(points_from_host<double, Memory>(std::span<const double>(points), size, d),
                        vector_from_host<double, Memory>(std::span<const double>(part_weights)));
  }
  return result;
}

/// score(x, y) with a standard error by batches.
template <class Memory, class Score>
Estimate estimate_by_batches(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y,
                             const BatchOptions& options, Score score) {
  Estimate estimate{.value = score(x, y), .n = x.size(), .m = y.size()};
  const auto x_parts = split(x, options.batches, options.key.child(0));
  const auto y_parts = split(y, options.batches, options.key.child(1));
  if (x_parts.empty() || y_parts.empty()) return estimate;
  std::vector<double> scores;
  for (std::size_t k = 0; k < x_parts.size(); ++k) scores.push_back(score(x_parts[k], y_parts[k]));
  estimate.standard_error = mean_and_error(scores).standard_error;
  estimate.how = std::to_string(scores.size()) + " batches";
  return estimate;
}

}  // namespace fortet::detail
