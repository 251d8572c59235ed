#pragma once
// A dense Sinkhorn in long double that shares nothing with the library: the oracle of the solver's tests.
#include <cmath>
#include <vector>

namespace naive {

struct Result {
  std::vector<long double> f, g;  // gauge int f dmu = int g dnu
  std::vector<long double> plan;  // n x m, row-major
  long double transport_cost = 0, entropic_cost = 0, dual_value = 0;
  int iterations = 0;
};

/// Plain log-domain iteration; stops when the L1 marginal error is below
/// `tolerance`.
inline Result sinkhorn(const std::vector<long double>& cost, std::vector<long double> a,
                       std::vector<long double> b, long double epsilon, long double tolerance,
                       int max_iterations = 2000000) {
  const std::size_t n = a.size(), m = b.size();
  for (auto* weights : {&a, &b}) {  // to rounding of long double: unequal masses would keep the error up
    long double sum = 0;
    for (long double w : *weights) sum += w;
    for (long double& w : *weights) w /= sum;
  }
  Result r;
  r.f.assign(n, 0);
  r.g.assign(m, 0);
  const auto soft_min = [&](std::size_t count, const std::vector<long double>& w,
                            const std::vector<long double>& h, const auto& c) {
    long double high = -INFINITY, sum = 0;
    for (std::size_t j = 0; j < count; ++j)
      if (w[j] > 0) high = std::max(high, (h[j] - c(j)) / epsilon);
    for (std::size_t j = 0; j < count; ++j)
      if (w[j] > 0) sum += w[j] * std::exp((h[j] - c(j)) / epsilon - high);
    return -epsilon * (high + std::log(sum));
  };
  for (; r.iterations < max_iterations; ++r.iterations) {
    long double error = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const long double next = soft_min(m, b, r.g, [&](std::size_t j) { return cost[i * m + j]; });
      if (a[i] > 0) error += a[i] * std::abs(std::expm1((r.f[i] - next) / epsilon));
      r.f[i] = next;
    }
    if (r.iterations > 0 && error <= tolerance) break;
    for (std::size_t j = 0; j < m; ++j)
      r.g[j] = soft_min(n, a, r.f, [&](std::size_t i) { return cost[i * m + j]; });
  }
  long double mean_f = 0, mean_g = 0, mass = 0, kl = 0;
  for (std::size_t i = 0; i < n; ++i) mean_f += a[i] * r.f[i];
  for (std::size_t j = 0; j < m; ++j) mean_g += b[j] * r.g[j];
  const long double shift = (mean_g - mean_f) / 2;
  for (auto& v : r.f) v += shift;
  for (auto& v : r.g) v -= shift;
  r.plan.resize(n * m);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      const long double log_ratio = (r.f[i] + r.g[j] - cost[i * m + j]) / epsilon,
                        p = a[i] * b[j] * std::exp(log_ratio);
      r.plan[i * m + j] = p;
      r.transport_cost += p * cost[i * m + j];
      if (p > 0) kl += p * log_ratio;
      mass += p;
    }
  r.entropic_cost = r.transport_cost + epsilon * (kl - mass + 1);
  r.dual_value = mean_f + mean_g - epsilon * (mass - 1);
  return r;
}

}  // namespace naive
