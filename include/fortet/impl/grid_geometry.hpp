#pragma once
#include <string>
#include <vector>

#include "fortet/concepts.hpp"
#include "fortet/measure/regular_grid.hpp"
#include "fortet/reference/diagonal_brownian.hpp"
#include "fortet/solver/grid_options.hpp"

namespace fortet::impl {

/// What a reference is on two grids: independent Gaussian transitions along the axes,
///   c(x, y) = 1/2 sum_k weight_k (factor_k x_k + shift_k - y_k)^2,
/// with images on reflecting and periodic axes (c is then -epsilon log of the sum of Gaussians). Trivially
/// copyable into kernels.
struct GridGeometry {
  RegularGrid source, target;
  double epsilon = 1;
  double factor[RegularGrid::max_dimension] = {1, 1, 1};
  double shift[RegularGrid::max_dimension] = {0, 0, 0};
  double weight[RegularGrid::max_dimension] = {1, 1, 1};
  Boundary boundary[RegularGrid::max_dimension] = {};

  KOKKOS_FUNCTION int dimension() const { return source.dimension(); }
  /// Variance of the transition along axis k.
  KOKKOS_FUNCTION double variance(int k) const { return epsilon / weight[k]; }
  /// E[X1_k | X0 = x] under the reference.
  KOKKOS_FUNCTION double pushed(int k, double x) const { return factor[k] * x + shift[k]; }

  /// -c_k(x, y) / epsilon along axis k, x already pushed. Images by a sum that stops where they no longer
  /// count.
  KOKKOS_FUNCTION double log_factor(int k, double x, double y) const {
    const double v = variance(k), length = target.axis(k).length(), direct = (x - y) * (x - y);
    if (boundary[k] == Boundary::free) return -direct / (2 * v);
    // the nearest image sets the scale
    const auto nearest = [&](double z) {
      const double d = z - length * Kokkos::round(z / length);
      return d * d;
    };
    const bool reflect = boundary[k] == Boundary::reflecting;
    const double period = reflect ? 2 * length : length;
    const double mirror = x + y - 2 * target.axis(k).lower;
    const double least =
        reflect ? Kokkos::min(direct, Kokkos::min(mirror * mirror, Kokkos::pow(2 * length - mirror, 2)))
                : nearest(x - y);
    const int last = 2 + static_cast<int>(Kokkos::sqrt(90 * v) / period);
    double sum = 0;
    for (int m = -last; m <= last; ++m) {
      const double a = x - y + m * period, b = mirror + m * period;
      sum += Kokkos::exp((least - a * a) / (2 * v));
      if (reflect) sum += Kokkos::exp((least - b * b) / (2 * v));
    }
    return Kokkos::log(sum) - least / (2 * v);
  }
};

/// One boundary for each axis from what was given: none (free), one for all, or one each.
std::vector<Boundary> boundaries(const std::vector<Boundary>& given, int dimension);

/// Checks the two grids against each other: same dimension; on axes that are not free, the same box. Throws
/// InvalidArgument otherwise.
GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target,
                           const std::vector<Boundary>& boundary, double epsilon);

/// The transition of a linear-Gaussian process from time t to time s. Only Brownian motion reflects or wraps.
template <ReferenceProcess Ref>
GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target, const Ref& reference,
                           const std::vector<Boundary>& boundary, double t, double s) {
  GridGeometry geometry = grid_geometry(source, target, boundary, reference.variance(t, s));
  for (int k = 0; k < geometry.dimension(); ++k) {
    geometry.factor[k] = reference.mean_factor(t, s);
    geometry.shift[k] = (1 - geometry.factor[k]) * reference.mean_of(k);
    detail::require(geometry.factor[k] == 1 || geometry.boundary[k] == Boundary::free, "fortet::GridIpf",
                    "boundary of axis " + std::to_string(k), "not free",
                    "only Brownian motion has reflecting and periodic axes");
  }
  return geometry;
}
template <ReferenceProcess Ref>
GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target, const Ref& reference,
                           const std::vector<Boundary>& boundary) {
  return grid_geometry(source, target, reference, boundary, 0.0, reference.horizon);
}
GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target,
                           const DiagonalBrownian& reference, const std::vector<Boundary>& boundary);

}  // namespace fortet::impl
