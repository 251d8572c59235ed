// Energy distance and maximum mean discrepancy. Both are s (E_x h_x + E_y h_y) with, for a kernel k,
//   U_x(z) = sum_i a_i k(z, x_i),   h_x = U_y(x) - U_x(x),   h_y = U_x(y) - U_y(y),
// s = 1 and k = |x - y| for the energy distance, s = -1 and k = exp(-|x - y|^2 / (2 h^2)) for MMD^2. The
// derivative of this quadratic form in the weights is 2 s h, whence the standard error.
#include <algorithm>

#include "compare/clouds.hpp"
#include "fortet/compare/metrics.hpp"
#include "instantiate.hpp"

namespace fortet {
namespace {

struct Distance {
  KOKKOS_FUNCTION double operator()(double squared) const { return Kokkos::sqrt(squared); }
};
struct GaussianWeight {
  double scale;  // -1 / (2 bandwidth^2)
  KOKKOS_FUNCTION double operator()(double squared) const { return Kokkos::exp(scale * squared); }
};

/// U(z) = sum_i weights_i k(z, points_i) at every z, each row summed whole by one thread.
template <class Memory, class Kernel>
std::vector<double> kernel_sums(const typename Memory::execution_space& exec,
                                const PointCloud<double, Memory>& cloud, const PointCloud<double, Memory>& at,
                                Kernel kernel) {
  const auto points = cloud.points(), z = at.points();
  const auto log_weights = cloud.log_weights();
  const std::size_t n = points.extent(0), d = points.extent(1);
  Vector<double, Memory> sums(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::sums"),
                              z.extent(0));
  Vector<double, Memory> weights(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::weights"), n);
  Kokkos::parallel_for(
      "fortet::compare::weights", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t j) { weights(j) = Kokkos::exp(log_weights(j)); });
  Kokkos::parallel_for(
      "fortet::compare::kernel_sums",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, z.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        constexpr std::size_t width = 8;  // independent sums, for the vector units
        double sum[width] = {};
        for (std::size_t first = 0; first < n; first += width) {
          const std::size_t lanes = n - first < width ? n - first : width;
          double squared[width] = {};
          for (std::size_t k = 0; k < d; ++k)
            for (std::size_t lane = 0; lane < lanes; ++lane) {
              const double difference = z(i, k) - points(first + lane, k);
              squared[lane] += difference * difference;
            }
          for (std::size_t lane = 0; lane < lanes; ++lane)
            sum[lane] += weights(first + lane) * kernel(squared[lane]);
        }
        double total = 0;
        for (std::size_t lane = 0; lane < width; ++lane) total += sum[lane];
        sums(i) = total;
      });
  exec.fence("fortet::compare::kernel_sums");
  return to_host(sums);
}

/// sign * (E h_x + E h_y) and its standard error.
template <class Memory, class Kernel>
Estimate discrepancy(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                     const PointCloud<double, Memory>& y, double sign, Kernel kernel) {
  const auto difference = [&](const auto& at, const auto& other) {
    std::vector<double> h = kernel_sums(exec, other, at, kernel);
    const std::vector<double> own = kernel_sums(exec, at, at, kernel);
    for (std::size_t i = 0; i < h.size(); ++i) h[i] = sign * (h[i] - own[i]);
    return h;
  };
  const auto h_x = difference(x, y), h_y = difference(y, x);
  const auto a = detail::host_weights(x), b = detail::host_weights(y);
  Estimate estimate{.how = "analytic", .n = x.size(), .m = y.size()};
  for (std::size_t i = 0; i < h_x.size(); ++i) estimate.value += a[i] * h_x[i];
  for (std::size_t j = 0; j < h_y.size(); ++j) estimate.value += b[j] * h_y[j];
  estimate.value = std::max(estimate.value, 0.0);  // rounding
  estimate.standard_error =
      2 * std::sqrt(detail::variance_of_mean(a, h_x) + detail::variance_of_mean(b, h_y));
  return estimate;
}

}  // namespace

template <class Memory>
Estimate energy_distance(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                         const PointCloud<double, Memory>& y) {
  detail::require_same_dimension("fortet::energy_distance", x, y);
  return discrepancy(exec, x, y, 1.0, Distance{});
}

template <class Memory>
Estimate mmd(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
             const PointCloud<double, Memory>& y, double bandwidth) {
  detail::require_same_dimension("fortet::mmd", x, y);
  detail::require(std::isfinite(bandwidth) && bandwidth > 0, "fortet::mmd", "bandwidth", bandwidth,
                  "expected a finite number > 0");
  Estimate estimate = discrepancy(exec, x, y, -1.0, GaussianWeight{-0.5 / (bandwidth * bandwidth)});
  estimate.value = std::sqrt(estimate.value);
  estimate.standard_error = detail::error_of_root(estimate.value, estimate.standard_error);
  return estimate;
}

template <class Memory>
double median_distance(const PointCloud<double, Memory>& cloud) {
  const std::size_t n = std::min<std::size_t>(cloud.size(), 500), d = cloud.points().extent(1);
  const auto values = to_host(ConstPoints<double, Memory>(
      Kokkos::subview(cloud.points(), std::make_pair(std::size_t{0}, n), Kokkos::ALL)));
  std::vector<double> distances;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double squared = 0;
      for (std::size_t k = 0; k < d; ++k) {
        const double difference = values[i * d + k] - values[j * d + k];
        squared += difference * difference;
      }
      distances.push_back(std::sqrt(squared));
    }
  if (distances.empty()) return 1.0;
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle > 0 ? *middle : 1.0;
}

#define FORTET_INSTANTIATE(Memory)                                                                         \
  template Estimate energy_distance(const typename Memory::execution_space&,                               \
                                    const PointCloud<double, Memory>&, const PointCloud<double, Memory>&); \
  template Estimate mmd(const typename Memory::execution_space&, const PointCloud<double, Memory>&,        \
                        const PointCloud<double, Memory>&, double);                                        \
  template double median_distance(const PointCloud<double, Memory>&);
FORTET_FOR_EACH_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
