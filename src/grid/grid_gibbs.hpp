#pragma once
// The Gibbs kernel of a reference between two grid measures, for the solver that Sinkhorn uses.
#include <memory>

#include "fortet/impl/gibbs_kernel.hpp"
#include "fortet/impl/grid_geometry.hpp"
#include "fortet/measure/grid_measure.hpp"
#include "grid/heat_kernel.hpp"

namespace fortet::impl {

/// Axes of the heat kernel that sums over the target (rows: the pushed source), or over the source.
std::vector<fortet::detail::HeatAxis> heat_axes(const GridGeometry& geometry, Side rows);

/// Throws InvalidArgument, with the estimate, when a solve takes more memory than the machine has.
void require_memory(const GridGeometry& geometry);

/// A grid cell's log mass at each node.
Vector<double> log_masses(const DefaultExec& exec, const GridMeasure& measure);

/// Operations cost O(nodes sum_k nodes_k) at most, in O(nodes) memory.
template <class Real>
class GridGibbs final : public HalfBridgeKernel<DefaultExec> {
 public:
  GridGibbs(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
            const GridGeometry& geometry, GridKernel method);

  std::size_t size(Side side) const override { return log_weights(side).extent(0); }
  double epsilon() const override { return geometry_.epsilon; }
  In log_weights(Side side) const override { return log_weights_[side == Side::target]; }
  std::string description() const override;
  bool single_precision() const override { return std::is_same_v<Real, float>; }
  double noise() const override;
  std::shared_ptr<const HalfBridgeKernel<DefaultExec>> with_epsilon(const DefaultExec& exec,
                                                                    double epsilon) const override;
  /// The accurate kernel in double: what is found by float tiles or by transforms is judged by it.
  std::shared_ptr<const HalfBridgeKernel<DefaultExec>> in_double(const DefaultExec& exec) const override;
  void soft_min(const DefaultExec& exec, Side rows, In potential, Out out) const override;
  void ratios(const DefaultExec& exec, Side rows, In own, In across, Out out) const override;
  void plan_costs(const DefaultExec& exec, In f, In g, In alpha, In beta, Out transport,
                  Out kl) const override;
  double mean_cost(const DefaultExec& exec) const override;
  double largest_cost(const DefaultExec& exec) const override;

  // Kernels below are public because nvcc asks for it.

  void split_costs(const DefaultExec& exec, const Out& terms, const Out& base, const Out& mass,
                   const Out& sum, const Out& transport, const Out& kl) const;
  void add_product(const DefaultExec& exec, In alpha, In beta, const Out& mass, const Out& transport,
                   const Out& kl) const;
  ConstVector<double> row_cost(const DefaultExec& exec, int k, In beta) const;
  /// out = log sum over the other side of exp(in) K.
  void log_sums(const DefaultExec& exec, Side rows, In in, Out out) const;

 private:
  GridMeasure source_, target_;
  GridGeometry geometry_;
  GridKernel method_;
  In log_weights_[2];
  // the kernels hold workspaces; a GridGibbs is used by one solve at a time
  std::shared_ptr<fortet::detail::HeatKernel> heat_[2];
};

}  // namespace fortet::impl
