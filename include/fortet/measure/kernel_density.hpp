#pragma once
#include <vector>

#include "fortet/measure/grid_measure.hpp"

namespace fortet {

/// How wide the kernels of a density estimate are, per axis in units of the standard deviation there, with
/// n = 1 / sum w_i^2 the effective number of samples.
enum class BandwidthRule {
  scott,     ///< n^(-1 / (d + 4))
  silverman  ///< (n (d + 2) / 4)^(-1 / (d + 4))
};

/// The bandwidth of a rule on every axis; deviations with the correction 1 / (1 - sum w_i^2). Blocking,
/// O(n d). Throws InvalidArgument when an axis has no spread or there is but one sample.
template <class Real>
std::vector<double> bandwidths(const PointCloud<Real>& cloud, BandwidthRule rule);

/// Gaussian kernel density estimate: the samples' mean density sum_i w_i prod_k N(x_k; x_ik, bandwidth_k^2)
/// at the nodes. Samples are first shared linearly between the nodes around them (beside a wall: with the
/// outermost node), whose mean variance is taken off the kernel: what is left is at most
/// (spacing / bandwidth)^2 / 6 of a kernel's height, of either sign. mass() is what falls into the box;
/// samples outside it are left out. Blocking, O(n 2^d + nodes sum nodes_k). Throws InvalidArgument on a
/// bandwidth below the spacing (nothing would be smoothed), or when no weight lies inside.
template <class Real>
GridMeasure kernel_density(const DefaultExec& exec, const RegularGrid& grid, const PointCloud<Real>& cloud,
                           const std::vector<double>& bandwidth);

/// The same by a named rule.
template <class Real>
GridMeasure kernel_density(const DefaultExec& exec, const RegularGrid& grid, const PointCloud<Real>& cloud,
                           BandwidthRule rule = BandwidthRule::scott) {
  return kernel_density(exec, grid, cloud, bandwidths(cloud, rule));
}

extern template std::vector<double> bandwidths(const PointCloud<float>&, BandwidthRule);
extern template std::vector<double> bandwidths(const PointCloud<double>&, BandwidthRule);
extern template GridMeasure kernel_density(const DefaultExec&, const RegularGrid&, const PointCloud<float>&,
                                           const std::vector<double>&);
extern template GridMeasure kernel_density(const DefaultExec&, const RegularGrid&, const PointCloud<double>&,
                                           const std::vector<double>&);

}  // namespace fortet
