#include "fortet/measure/kernel_density.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "grid/heat_kernel.hpp"
#include "measure/allocate.hpp"

namespace fortet {
namespace {

/// Linear binning: every sample's weight goes to the nodes around it, multilinearly; in the half cell beside
/// a wall to the outermost node. Returns the weight inside the box.
template <class Real>
double bin(const RegularGrid& grid, const PointCloud<Real>& cloud, std::vector<double>& weights) {
  const auto points = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.points());
  const auto log_weights = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.log_weights());
  const int d = grid.dimension();
  double kept = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    double position[RegularGrid::max_dimension];
    bool inside = true;
    for (int k = 0; k < d; ++k) {
      const GridAxis& axis = grid.axis(k);
      const double x = static_cast<double>(points(i, static_cast<std::size_t>(k)));
      inside = inside && x >= axis.lower && x <= axis.upper;
      position[k] = std::clamp(axis.position(x), 0.0, axis.nodes - 1.0);
    }
    if (!inside) continue;
    const double weight = std::exp(static_cast<double>(log_weights(i)));
    kept += weight;
    for (int corner = 0; corner < 1 << d; ++corner) {
      std::size_t flat = 0;
      double share = weight;
      for (int k = 0; k < d; ++k) {
        const double low = std::min(std::floor(position[k]), grid.axis(k).nodes - 2.0);
        const bool up = (corner >> k) & 1;
        flat += static_cast<std::size_t>(low + (up ? 1 : 0)) * grid.inner(k);
        share *= up ? position[k] - low : 1 - position[k] + low;
      }
      weights[flat] += share;
    }
  }
  return kept;
}

}  // namespace

template <class Real>
std::vector<double> bandwidths(const PointCloud<Real>& cloud, BandwidthRule rule) {
  constexpr const char* where = "fortet::bandwidths";
  const auto points = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.points());
  const auto log_weights = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cloud.log_weights());
  std::vector<double> weights(cloud.size());
  double total = 0, square = 0;
  for (std::size_t i = 0; i < weights.size(); ++i)
    total += weights[i] = std::exp(static_cast<double>(log_weights(i)));
  for (double& w : weights) {
    w /= total;
    square += w * w;
  }
  detail::require(square < 1, where, "samples with weight", 1, "expected at least two");
  const double d = cloud.dimension(), n = 1 / square;
  const double factor = std::pow(rule == BandwidthRule::scott ? n : n * (d + 2) / 4, -1 / (d + 4));
  std::vector<double> result;
  for (std::size_t k = 0; k < points.extent(1); ++k) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) mean += weights[i] * static_cast<double>(points(i, k));
    for (std::size_t i = 0; i < weights.size(); ++i)
      variance += weights[i] * std::pow(static_cast<double>(points(i, k)) - mean, 2);
    detail::require(variance > 0, where, "spread on axis " + std::to_string(k), variance,
                    "expected samples that differ");
    result.push_back(factor * std::sqrt(variance / (1 - square)));
  }
  return result;
}

template <class Real>
GridMeasure kernel_density(const DefaultExec& exec, const RegularGrid& grid, const PointCloud<Real>& cloud,
                           const std::vector<double>& bandwidth) {
  constexpr const char* where = "fortet::kernel_density";
  detail::require_kokkos(where);
  const auto d = static_cast<std::size_t>(grid.dimension());
  detail::require(cloud.dimension() == grid.dimension(), where, "cloud.dimension()", cloud.dimension(),
                  "expected the grid's dimension");
  detail::require(bandwidth.size() == d, where, "bandwidth.size()", bandwidth.size(),
                  "expected one for each axis");
  std::vector<detail::HeatAxis> axes;
  double constant = 0;
  for (std::size_t k = 0; k < d; ++k) {
    const GridAxis& axis = grid.axis(static_cast<int>(k));
    detail::require(std::isfinite(bandwidth[k]) && bandwidth[k] >= axis.spacing(), where,
                    "bandwidth[" + std::to_string(k) + "]", bandwidth[k],
                    "expected at least the spacing " + std::to_string(axis.spacing()) + "; refine the grid");
    // linear sharing has variance spacing^2 / 6 on average
    const double variance = bandwidth[k] * bandwidth[k] - axis.spacing() * axis.spacing() / 6;
    const grid::Nodes nodes{axis.node(0), axis.spacing(), axis.nodes};
    axes.push_back({nodes, nodes, variance, Boundary::free});
    constant -= 0.5 * std::log(2 * std::numbers::pi * variance);
  }
  detail::require_grid_memory(where, grid, 8);
  std::vector<double> weights(grid.size(), 0.0);
  const double kept = bin(grid, cloud, weights);
  detail::require(kept > 0, where, "weight inside the box", kept, "expected samples inside the box");
  for (double& w : weights) w = std::log(w) + constant;
  const Vector<double> out = detail::allocate(exec, "fortet::measure::kernel_density", grid.size());
  detail::make_heat_kernel<double>(axes, GridKernel::automatic)
      ->apply(exec, vector_from_host<double>(std::span<const double>(weights)), out);
  exec.fence(where);
  return GridMeasure(grid, out);
}

template std::vector<double> bandwidths(const PointCloud<float>&, BandwidthRule);
template std::vector<double> bandwidths(const PointCloud<double>&, BandwidthRule);
template GridMeasure kernel_density(const DefaultExec&, const RegularGrid&, const PointCloud<float>&,
                                    const std::vector<double>&);
template GridMeasure kernel_density(const DefaultExec&, const RegularGrid&, const PointCloud<double>&,
                                    const std::vector<double>&);

}  // namespace fortet
