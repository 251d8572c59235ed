#pragma once
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "fortet/concepts.hpp"
#include "fortet/matrix.hpp"
#include "fortet/measure/point_cloud.hpp"
#include "fortet/measure/regular_grid.hpp"

namespace fortet {

/// A probability density on a regular grid, kept as its logarithm at the nodes, normalised so that
///   sum_i exp(log_density_i) * cell_volume = 1;
/// zero density is -inf. Between the nodes the density is the multilinear interpolant (constant in the half
/// cell next to a wall, zero outside the box), whose integral is that same sum, and `sample` draws exactly
/// from it. Models SamplableMeasure and DensityMeasure. Views are shared: cheap to copy, never to be written
/// to.
class GridMeasure {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  static constexpr bool normalised = true;

  /// From the log density at the nodes, up to a constant. Blocking, O(nodes). Throws InvalidArgument on a
  /// wrong length, a NaN or +inf (naming its index), or when every value is -inf.
  GridMeasure(RegularGrid grid, ConstVector<double> log_density);

  int dimension() const { return grid_.dimension(); }
  std::size_t size() const { return grid_.size(); }
  const RegularGrid& grid() const { return grid_; }
  /// Normalised log density at the nodes, row-major.
  ConstVector<double> log_density() const { return log_density_; }
  /// Integral of the density as given.
  double mass() const { return mass_; }

  /// Rows of `out` drawn from the interpolated density: a cell by its mass, then a triangular offset (sum of
  /// two uniforms) per axis, mirrored at the walls. Asynchronous; O(log nodes) a row.
  void sample(const execution_space& exec, RandomKey key, Points<double> out) const;
  /// Rows of `out` are nodes, drawn by the mass of their cells. Asynchronous; O(log nodes) a row.
  void sample_nodes(const execution_space& exec, RandomKey key, Points<double> out) const;
  /// Log of the interpolated density; -inf outside the box. Asynchronous; O(2^d) a row.
  void log_density(const execution_space& exec, ConstPoints<double> x, Vector<double> out) const;

  /// Mean of the node masses. Blocking, O(nodes).
  std::vector<double> mean(const execution_space& exec) const;
  /// Covariance of the node masses (draws have spacing^2 / 6 more on each axis). Blocking, O(nodes).
  Matrix covariance(const execution_space& exec) const;
  /// Differential entropy -sum p log p * cell_volume, in nats. Blocking, O(nodes).
  double entropy(const execution_space& exec) const;
  /// The density of the given axes, in the given order, the others summed out in the log domain. Blocking,
  /// O(nodes). Throws InvalidArgument on an axis that does not exist or is named twice.
  GridMeasure marginal(const execution_space& exec, const std::vector<int>& axes) const;
  /// The same density on another grid: new cells receive the integral of the interpolant over them, so mass
  /// is conserved where the new box covers the old one (mass() says how much was kept; the result is
  /// normalised). Blocking, O(d (new nodes + old nodes)). Throws InvalidArgument when the dimensions differ
  /// or no mass is left.
  GridMeasure resample(const execution_space& exec, const RegularGrid& grid) const;

 private:
  RegularGrid grid_;
  ConstVector<double> log_density_;
  ConstVector<double> cumulative_;  // of the cell masses, last entry 1
  double mass_ = 1.0;
};

/// From a callback that returns the log density (up to a constant) at a point of `grid.dimension()`
/// coordinates. Called on the host, once a node, in order. Blocking.
GridMeasure grid_measure(const RegularGrid& grid,
                         const std::function<double(std::span<const double>)>& log_density);

/// From a histogram: each atom's weight goes to the cell it lies in. Blocking, O(atoms + nodes). Atoms
/// outside the box are left out: the share kept is mass(). Throws InvalidArgument when no weight lies inside.
template <class Real>
GridMeasure histogram(const RegularGrid& grid, const PointCloud<Real>& cloud);

/// The nodes as a weighted cloud, those of zero mass left out; log-weights are the cells' log masses.
/// Materialises the points: O(nodes * d) memory. Blocking.
template <class Real = double>
PointCloud<Real> atoms(const GridMeasure& measure);

namespace detail {
/// Moves nodes by the triangular offset of GridMeasure::sample, mirrored at the walls.
void offset_in_cells(const DefaultExec& exec, RandomKey key, const RegularGrid& grid, Points<double> x);
/// Nodes first ... first + out.extent(0) - 1 as points.
void grid_points(const DefaultExec& exec, const RegularGrid& grid, std::size_t first, Points<double> out);
/// Throws InvalidArgument, with the estimate, when so many numbers a node are more than the machine holds.
void require_grid_memory(const char* function, const RegularGrid& grid, double numbers_a_node);
}  // namespace detail

/// Any density on a grid: its log density at the nodes (the midpoint rule: spectrally accurate for densities
/// that are smooth and fall off inside the box). Blocking; evaluates in blocks of 65536 nodes. For a
/// normalised density the mass found must be within `max_loss` of one, otherwise InvalidArgument says how
/// much the grid misses: a box too small or a spacing too coarse.
template <DensityMeasure M>
GridMeasure discretise(const DefaultExec& exec, const M& measure, const RegularGrid& grid,
                       double max_loss = 1e-3) {
  using Real = typename M::scalar_type;
  static_assert(CanAccess<DefaultExec, typename M::memory_space>);
  detail::require_kokkos("fortet::discretise");
  detail::require(measure.dimension() == grid.dimension(), "fortet::discretise", "grid.dimension()",
                  grid.dimension(), "expected the measure's dimension");
  detail::require_grid_memory("fortet::discretise", grid, 4);
  const std::size_t n = grid.size(), block = std::min<std::size_t>(n, 65536);
  Vector<double> values(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::discretise::values"),
                        n);
  for (std::size_t first = 0; first < n; first += block) {
    const std::size_t count = std::min(block, n - first);
    Points<double> points("fortet::discretise::points", count, static_cast<std::size_t>(grid.dimension()));
    detail::grid_points(exec, grid, first, points);
    Points<Real> rounded("fortet::discretise::rounded", count, points.extent(1));
    Vector<Real> density("fortet::discretise::density", count);
    Kokkos::deep_copy(exec, rounded, points);
    measure.log_density(exec, rounded, density);
    Kokkos::deep_copy(exec, Kokkos::subview(values, std::make_pair(first, first + count)), density);
  }
  exec.fence("fortet::discretise");
  const GridMeasure result(grid, values);
  if constexpr (M::normalised)
    detail::require(std::abs(result.mass() - 1) <= max_loss, "fortet::discretise", "mass found on the grid",
                    result.mass(), "expected 1 within max_loss; enlarge the box or refine the grid");
  return result;
}

extern template GridMeasure histogram(const RegularGrid&, const PointCloud<float>&);
extern template GridMeasure histogram(const RegularGrid&, const PointCloud<double>&);
extern template PointCloud<float> atoms(const GridMeasure&);
extern template PointCloud<double> atoms(const GridMeasure&);

}  // namespace fortet
