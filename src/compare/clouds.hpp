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

/// The atoms with weight in shuffled order, to be cut into `count` batches of `size`; what is left over is
/// dropped. No batches (count = 0) when that leaves fewer than two atoms in each.
struct Batches {
  std::size_t count = 0, size = 0;
  std::vector<std::size_t> order;
};
inline Batches shuffled_batches(const std::vector<double>& weights, int count, RandomKey key) {
  Batches batches;
  auto& order = batches.order;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] > 0) order.push_back(i);
  const auto wanted = static_cast<std::size_t>(count < 0 ? 0 : count);
  if (wanted < 2 || order.size() < 2 * wanted) return {};
  for (std::size_t i = order.size(); i-- > 1;)
    std::swap(order[i],
              order[static_cast<std::size_t>(random_uniform(key, i, 0) * static_cast<double>(i + 1))]);
  batches.count = wanted;
  batches.size = order.size() / wanted;
  return batches;
}

/// The standard error of `estimate` from the scores of its batches (none: left unknown).
inline void set_batch_error(Estimate& estimate, const std::vector<double>& scores) {
  if (scores.empty()) return;
  estimate.standard_error = mean_and_error(scores).standard_error;
  estimate.how = std::to_string(scores.size()) + " batches";
}

}  // namespace fortet::detail
