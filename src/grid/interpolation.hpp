#pragma once
// Smooth interpolation of node values: Lagrange polynomials through the six nearest nodes of each axis, value
// O(h^6), gradient O(h^5). At a free wall the six outermost nodes serve; elsewhere indices wrap or reflect.
#include "fortet/impl/grid_geometry.hpp"

namespace fortet::grid {

inline constexpr int stencil = 6;

/// Nodes and weights of one axis for the value and its derivative at a point.
struct AxisStencil {
  int index[stencil];
  double weight[stencil];
  double slope[stencil];
  int count;
};

KOKKOS_INLINE_FUNCTION int wrapped(int i, int nodes, Boundary boundary) {
  if (boundary == Boundary::free) return i;
  const int period = boundary == Boundary::reflecting ? 2 * nodes : nodes;
  const int q = (i % period + period) % period;
  return q < nodes ? q : period - 1 - q;
}

KOKKOS_INLINE_FUNCTION AxisStencil axis_stencil(const GridAxis& axis, Boundary boundary, double x) {
  AxisStencil result{};
  result.count = axis.nodes < stencil && boundary == Boundary::free ? axis.nodes : stencil;
  const double s = axis.position(Kokkos::clamp(x, axis.lower, axis.upper));
  int first = static_cast<int>(Kokkos::floor(s)) - (result.count - 1) / 2;
  if (boundary == Boundary::free) first = Kokkos::clamp(first, 0, axis.nodes - result.count);
  for (int a = 0; a < result.count; ++a) {
    result.index[a] = wrapped(first + a, axis.nodes, boundary);
    double weight = 1, slope = 0;
    for (int b = 0; b < result.count; ++b) {
      if (b == a) continue;
      const double factor = (s - (first + b)) / (a - b);
      slope = slope * factor + weight / (a - b);
      weight *= factor;
    }
    result.weight[a] = weight;
    result.slope[a] = slope / axis.spacing();
  }
  return result;
}

/// Stencils of all axes at point x(i, :).
struct PointStencil {
  AxisStencil axis[RegularGrid::max_dimension];
};

template <class Row>
KOKKOS_INLINE_FUNCTION PointStencil point_stencil(const RegularGrid& grid, const Boundary* boundary,
                                                  const Row& x) {
  PointStencil result{};
  for (int k = 0; k < grid.dimension(); ++k) result.axis[k] = axis_stencil(grid.axis(k), boundary[k], x(k));
  return result;
}

/// Sum over the stencil's nodes of the values at `base` + their offsets along axes 0 ... axes-1; -1 for
/// `differentiated` gives the value, k the derivative along axis k. -inf stays -inf.
template <class Values>
KOKKOS_INLINE_FUNCTION double interpolate(const Values& values, const RegularGrid& grid,
                                          const PointStencil& at, int axes, std::size_t base,
                                          int differentiated) {
  int total = 1;
  for (int k = 0; k < axes; ++k) total *= at.axis[k].count;
  double sum = 0;
  for (int term = 0; term < total; ++term) {
    int rest = term;
    double weight = 1;
    std::size_t flat = base;
    for (int k = 0; k < axes && k < RegularGrid::max_dimension; ++k) {
      const int a = rest % at.axis[k].count;
      rest /= at.axis[k].count;
      weight *= k == differentiated ? at.axis[k].slope[a] : at.axis[k].weight[a];
      flat += static_cast<std::size_t>(at.axis[k].index[a]) * grid.inner(k);
    }
    const double value = values(flat);
    if (value == -Kokkos::Experimental::infinity_v<double>) return value;
    sum += weight * value;
  }
  return sum;
}

}  // namespace fortet::grid
