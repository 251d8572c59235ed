#pragma once
#include <Kokkos_Core.hpp>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

/// [lower, upper] cut into `nodes` equal cells; the nodes are the centres of the cells.
struct GridAxis {
  double lower = 0.0;
  double upper = 1.0;
  int nodes = 2;

  KOKKOS_FUNCTION double length() const { return upper - lower; }
  KOKKOS_FUNCTION double spacing() const { return (upper - lower) / nodes; }
  KOKKOS_FUNCTION double node(double i) const { return lower + (i + 0.5) * spacing(); }
  /// Where x lies between the nodes: node(position(x)) = x.
  KOKKOS_FUNCTION double position(double x) const { return (x - lower) / spacing() - 0.5; }
  friend bool operator==(const GridAxis&, const GridAxis&) = default;
};

/// A point that left the axis by less than its length, mirrored back.
KOKKOS_INLINE_FUNCTION double mirrored(const GridAxis& axis, double x) {
  return x < axis.lower ? 2 * axis.lower - x : x > axis.upper ? 2 * axis.upper - x : x;
}

/// A box of one, two or three axes cut into equal cells. Arrays over a grid are flat and row-major
/// (LayoutRight: the last axis is contiguous); the nodes are never stored. Trivially copyable into kernels.
class RegularGrid {
 public:
  static constexpr int max_dimension = 3;

  /// Throws InvalidArgument unless there are one to three axes, each with finite lower < upper and at least
  /// two nodes.
  RegularGrid(const std::vector<GridAxis>& axes);
  RegularGrid(std::initializer_list<GridAxis> axes) : RegularGrid(std::vector<GridAxis>(axes)) {}

  KOKKOS_FUNCTION int dimension() const { return dimension_; }
  KOKKOS_FUNCTION const GridAxis& axis(int k) const { return axes_[k]; }
  KOKKOS_FUNCTION std::size_t size() const { return inner(-1); }
  /// Nodes of all axes after axis k: how far apart neighbours along axis k lie in memory.
  KOKKOS_FUNCTION std::size_t inner(int k) const {
    std::size_t product = 1;
    for (int a = k + 1; a < dimension_; ++a) product *= static_cast<std::size_t>(axes_[a].nodes);
    return product;
  }
  KOKKOS_FUNCTION int index(std::size_t flat, int k) const {
    return static_cast<int>((flat / inner(k)) % static_cast<std::size_t>(axes_[k].nodes));
  }
  /// Coordinate k of node `flat`.
  KOKKOS_FUNCTION double coordinate(std::size_t flat, int k) const { return axes_[k].node(index(flat, k)); }
  KOKKOS_FUNCTION double cell_volume() const {
    double volume = 1;
    for (int k = 0; k < dimension_; ++k) volume *= axes_[k].spacing();
    return volume;
  }
  /// The grid of the given axes alone, in the given order.
  RegularGrid subgrid(const std::vector<int>& axes) const;
  /// The same with axis k replaced.
  RegularGrid with_axis(int k, const GridAxis& axis) const;
  std::vector<GridAxis> axes() const { return {axes_, axes_ + dimension_}; }
  /// Same lower and upper on every axis (the numbers of nodes may differ).
  bool same_box(const RegularGrid& other) const;
  friend bool operator==(const RegularGrid&, const RegularGrid&) = default;

 private:
  GridAxis axes_[max_dimension];
  int dimension_ = 0;
};

}  // namespace fortet
