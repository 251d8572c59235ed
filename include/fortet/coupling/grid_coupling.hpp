#pragma once
#include <utility>
#include <vector>

#include "fortet/impl/grid_geometry.hpp"
#include "fortet/measure/grid_measure.hpp"

namespace fortet {

/// Where draws of a grid coupling lie.
enum class CellDraw {
  nodes,  ///< on the nodes: the discrete plan itself, without error
  offset  ///< moved within the cells by the triangular offset GridMeasure draws with
};

/// pi = exp((f(x) + g(y) - c(x, y)) / epsilon) source(dx) target(dy) on two grids, kept as two potentials;
/// what GridIpf returns, whatever its reference. Between the nodes potentials and conditional means are
/// interpolated with quintic polynomials (error O(h^6)); points outside the boxes are moved to their walls.
/// Memory O(nodes d).
class GridPlan {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;

  /// From potentials in cost units at the nodes. Blocking; d + 1 applications of the heat kernel. Throws
  /// InvalidArgument on a wrong number of values.
  GridPlan(const DefaultExec& exec, GridMeasure source, GridMeasure target,
           const impl::GridGeometry& geometry, ConstVector<double> source_potential,
           ConstVector<double> target_potential);

  int source_dimension() const { return geometry_.dimension(); }
  int target_dimension() const { return geometry_.dimension(); }
  double epsilon() const { return geometry_.epsilon; }
  const GridMeasure& source() const { return source_; }
  const GridMeasure& target() const { return target_; }
  const impl::GridGeometry& geometry() const { return geometry_; }
  /// f and g at the nodes, cost units; finite also where there is no mass.
  ConstVector<double> source_potential() const { return f_; }
  ConstVector<double> target_potential() const { return g_; }

  /// Rows (x0, x1) ~ pi: a node of the source by its mass, then a node of the target from its row of the
  /// plan, one axis after the other. Exact on the grids. Asynchronous; O(sum of nodes per axis) a row.
  void sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const;
  /// X1 | X0 = x at any x, by the same draw with the partial sums interpolated in x. Asynchronous; O(6^(d-1)
  /// sum of nodes per axis) a row.
  void sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                          Points<double> x1) const;
  /// E[X1 | X0 = x]: exact at the nodes. Asynchronous; O(6^d) a row.
  void conditional_mean(const DefaultExec& exec, ConstPoints<double> x0, Points<double> mean) const;
  /// log d pi / d(source x target) = (f(x) + g(y) - c(x, y)) / epsilon for every pair of rows.
  void log_density_ratio(const DefaultExec& exec, ConstPoints<double> x0, ConstPoints<double> x1,
                         Vector<double> out) const;
  /// f and g at any point, cost units.
  void source_potential(const DefaultExec& exec, ConstPoints<double> x, Vector<double> out) const;
  void target_potential(const DefaultExec& exec, ConstPoints<double> y, Vector<double> out) const;

  /// How draws are placed in their cells: on the nodes unless said otherwise.
  CellDraw cell_draw() const { return cell_draw_; }
  void set_cell_draw(CellDraw draw) { cell_draw_ = draw; }

  // Kernels below are public because nvcc asks for it.

  /// Partial sums and conditional means, in the constructor.
  void prepare(const DefaultExec& exec);
  /// x1(i, :) from the row of x0(i, :).
  void draw_targets(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0, Points<double> x1) const;

 private:
  GridMeasure source_, target_;
  impl::GridGeometry geometry_;
  ConstVector<double> f_, g_;
  ConstVector<double> terms_;       // g / epsilon + log mass on the target's nodes
  ConstVector<double> partial_[2];  // log sums of `terms_` over axis 0, and over axes 0 and 1
  ConstVector<double> means_[RegularGrid::max_dimension];  // E[X1_k | X0] on the source's nodes
  CellDraw cell_draw_ = CellDraw::nodes;
};

/// A GridPlan that knows its reference. Models Coupling, ConditionalCoupling, BarycentricCoupling and
/// PotentialCoupling.
template <Reference Ref>
class GridCoupling : public GridPlan {
 public:
  GridCoupling(const DefaultExec& exec, GridMeasure source, GridMeasure target, Ref reference,
               const std::vector<Boundary>& boundary, ConstVector<double> source_potential,
               ConstVector<double> target_potential)
      : GridPlan(exec, source, target, impl::grid_geometry(source.grid(), target.grid(), reference, boundary),
                 source_potential, target_potential),
        reference_(std::move(reference)) {}

  const Ref& reference() const { return reference_; }

 private:
  Ref reference_;
};

}  // namespace fortet
