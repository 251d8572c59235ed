// Means, covariances, and the distances made of them.
#include "compare/clouds.hpp"
#include "fortet/compare/metrics.hpp"
#include "instantiate.hpp"

namespace fortet {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double trace(const Matrix& matrix) {
  double sum = 0;
  for (std::size_t k = 0; k < matrix.rows(); ++k) sum += matrix(k, k);
  return sum;
}

double frobenius(const Matrix& matrix) {
  double sum = 0;
  for (std::size_t k = 0; k < matrix.rows() * matrix.cols(); ++k) sum += matrix.data()[k] * matrix.data()[k];
  return std::sqrt(sum);
}

double uvp(double bures, double total_variance) {
  return total_variance > 0 ? 100 * bures / (total_variance / 2) : nan;
}

double covariance_score(const Moments& x, const Moments& y) {
  Matrix difference = x.covariance;
  for (std::size_t k = 0; k < difference.rows() * difference.cols(); ++k)
    difference.data()[k] -= y.covariance.data()[k];
  const double size = frobenius(y.covariance);
  return size > 0 ? 100 * frobenius(difference) / size : nan;
}

/// Means (groups x d) and covariances (groups x d^2) of consecutive groups of rows with weights (empty:
/// uniform), each entry summed whole by one thread.
template <class Memory>
std::vector<Moments> grouped(const typename Memory::execution_space& exec,
                             const ConstPoints<double, Memory>& points,
                             const ConstVector<double, Memory>& log_weights, std::size_t group) {
  using Exec = typename Memory::execution_space;
  const std::size_t d = points.extent(1), groups = points.extent(0) / group;
  const bool weighted = log_weights.extent(0) > 0;
  const double uniform = 1.0 / static_cast<double>(group);
  Points<double, Memory> means(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::means"), groups, d);
  Points<double, Memory> covariances(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::covariances"), groups, d * d);
  Kokkos::parallel_for(
      "fortet::compare::means", Kokkos::RangePolicy<Exec>(exec, 0, groups * d),
      KOKKOS_LAMBDA(const std::size_t task) {
        const std::size_t g = task / d, k = task % d;
        double sum = 0;
        for (std::size_t i = g * group; i < (g + 1) * group; ++i)
          sum += (weighted ? Kokkos::exp(log_weights(i)) : uniform) * points(i, k);
        means(g, k) = sum;
      });
  Kokkos::parallel_for(
      "fortet::compare::covariances", Kokkos::RangePolicy<Exec>(exec, 0, groups * d * d),
      KOKKOS_LAMBDA(const std::size_t task) {
        const std::size_t g = task / (d * d), k = task / d % d, l = task % d;
        if (l > k) return;
        double sum = 0;
        for (std::size_t i = g * group; i < (g + 1) * group; ++i)
          sum += (weighted ? Kokkos::exp(log_weights(i)) : uniform) * (points(i, k) - means(g, k)) *
                 (points(i, l) - means(g, l));
        covariances(g, k * d + l) = covariances(g, l * d + k) = sum;
      });
  exec.fence("fortet::compare::moments");
  const auto mean_values = to_host(means), covariance_values = to_host(covariances);
  std::vector<Moments> result(groups);
  for (std::size_t g = 0; g < groups; ++g) {
    const double* mean = mean_values.data() + g * d;
    result[g].mean.assign(mean, mean + d);
    result[g].covariance = Matrix(d, d);
    std::copy_n(covariance_values.data() + g * d * d, d * d, result[g].covariance.data());
  }
  return result;
}

/// Moments of each batch of the cloud.
template <class Memory>
std::vector<Moments> batch_moments(const typename Memory::execution_space& exec,
                                   const PointCloud<double, Memory>& cloud, int count, RandomKey key) {
  const auto weights = detail::host_weights(cloud);
  const auto batches = detail::shuffled_batches(weights, count, key);
  if (batches.count == 0) return {};
  const auto values = to_host(cloud.points());
  const std::size_t d = cloud.points().extent(1), rows = batches.count * batches.size;
  std::vector<double> points(rows * d), log_weights(rows);
  for (std::size_t first = 0; first < rows; first += batches.size) {
    double mass = 0;
    for (std::size_t i = first; i < first + batches.size; ++i) mass += weights[batches.order[i]];
    for (std::size_t i = first; i < first + batches.size; ++i) {
      log_weights[i] = std::log(weights[batches.order[i]] / mass);
      std::copy_n(values.data() + batches.order[i] * d, d, points.data() + i * d);
    }
  }
  return grouped<Memory>(exec, points_from_host<double, Memory>(std::span<const double>(points), rows, d),
                         vector_from_host<double, Memory>(std::span<const double>(log_weights)),
                         batches.size);
}

/// score(moments of x, moments of y) with a standard error by batches.
template <class Memory, class Score>
Estimate moment_estimate(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                         const PointCloud<double, Memory>& y, const BatchOptions& options, Score score) {
  Estimate estimate{.value = score(moments(exec, x), moments(exec, y)), .n = x.size(), .m = y.size()};
  const auto p = batch_moments(exec, x, options.batches, options.key.child(0));
  const auto q = batch_moments(exec, y, options.batches, options.key.child(1));
  std::vector<double> scores;
  for (std::size_t k = 0; k < std::min(p.size(), q.size()); ++k) scores.push_back(score(p[k], q[k]));
  detail::set_batch_error(estimate, scores);
  return estimate;
}

}  // namespace

template <class Memory>
Moments moments(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& cloud) {
  return grouped<Memory>(exec, cloud.points(), cloud.log_weights(), cloud.size()).front();
}

template <class Memory>
std::vector<Moments> group_moments(const typename Memory::execution_space& exec,
                                   const ConstPoints<double, Memory>& points, std::size_t group) {
  detail::require(group > 0 && points.extent(0) % group == 0, "fortet::group_moments", "group", group,
                  "expected a divisor of the number of points, " + std::to_string(points.extent(0)));
  return grouped<Memory>(exec, points, {}, group);
}

template <class Memory>
Estimate bures_wasserstein(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                           const PointCloud<double, Memory>& y, BatchOptions batches) {
  detail::require_same_dimension("fortet::bures_wasserstein", x, y);
  return moment_estimate(exec, x, y, batches,
                         [](const Moments& p, const Moments& q) { return bures_wasserstein(p, q); });
}

template <class Memory>
Estimate bw2_uvp(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& model,
                 const PointCloud<double, Memory>& target, BatchOptions batches) {
  detail::require_same_dimension("fortet::bw2_uvp", model, target);
  return moment_estimate(exec, model, target, batches, [](const Moments& p, const Moments& q) {
    return uvp(bures_wasserstein(p, q), trace(q.covariance));
  });
}

template <class Memory>
Estimate mean_error(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                    const PointCloud<double, Memory>& y) {
  detail::require_same_dimension("fortet::mean_error", x, y);
  const Moments p = moments(exec, x), q = moments(exec, y);
  const std::size_t d = p.mean.size();
  std::vector<double> difference(d);
  double squared = 0;
  for (std::size_t k = 0; k < d; ++k) {
    difference[k] = p.mean[k] - q.mean[k];
    squared += difference[k] * difference[k];
  }
  const auto effective = [](const auto& cloud) {  // sum w^2: 1 / n for uniform weights
    double sum = 0;
    for (double w : detail::host_weights(cloud)) sum += w * w;
    return sum;
  };
  const double x_share = effective(x), y_share = effective(y);
  double variance = 0;  // of the squared length: (2 difference)^T Cov (2 difference)
  for (std::size_t k = 0; k < d; ++k)
    for (std::size_t l = 0; l < d; ++l)
      variance +=
          4 * difference[k] * difference[l] * (x_share * p.covariance(k, l) + y_share * q.covariance(k, l));
  const double length = std::sqrt(squared);
  return {.value = length,
          .standard_error = detail::error_of_root(length, std::sqrt(std::max(variance, 0.0))),
          .how = "analytic",
          .n = x.size(),
          .m = y.size()};
}

template <class Memory>
Estimate covariance_error(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                          const PointCloud<double, Memory>& y, BatchOptions batches) {
  detail::require_same_dimension("fortet::covariance_error", x, y);
  return moment_estimate(exec, x, y, batches, covariance_score);
}

Estimate cbw2_uvp(const std::vector<Moments>& model, const std::vector<Moments>& exact,
                  double total_variance) {
  detail::require(!exact.empty() && model.size() == exact.size(), "fortet::cbw2_uvp", "model.size()",
                  model.size(), "as many points as the exact side has, and at least one");
  std::vector<double> scores;
  for (std::size_t i = 0; i < exact.size(); ++i)
    scores.push_back(uvp(bures_wasserstein(model[i], exact[i]), total_variance));
  const auto [mean, error] = detail::mean_and_error(scores);
  return {.value = mean,
          .standard_error = error,
          .how = "analytic, over x",
          .n = scores.size(),
          .m = scores.size()};
}

#define FORTET_INSTANTIATE(Memory)                                                                          \
  template Moments moments(const typename Memory::execution_space&, const PointCloud<double, Memory>&);     \
  template std::vector<Moments> group_moments(const typename Memory::execution_space&,                      \
                                              const ConstPoints<double, Memory>&, std::size_t);             \
  template Estimate bures_wasserstein(const typename Memory::execution_space&,                              \
                                      const PointCloud<double, Memory>&, const PointCloud<double, Memory>&, \
                                      BatchOptions);                                                        \
  template Estimate bw2_uvp(const typename Memory::execution_space&, const PointCloud<double, Memory>&,     \
                            const PointCloud<double, Memory>&, BatchOptions);                               \
  template Estimate mean_error(const typename Memory::execution_space&, const PointCloud<double, Memory>&,  \
                               const PointCloud<double, Memory>&);                                          \
  template Estimate covariance_error(const typename Memory::execution_space&,                               \
                                     const PointCloud<double, Memory>&, const PointCloud<double, Memory>&,  \
                                     BatchOptions);
FORTET_FOR_EACH_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
