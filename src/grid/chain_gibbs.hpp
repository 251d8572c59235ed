#pragma once
// A chain as the kernel between two densities on its grid, K_ij = P_ij (2 pi epsilon)^{d/2} / cell volume, or
// on coarser ones: then K is the mean of that over pairs of coarse cells.
#include <algorithm>
#include <memory>

#include "fortet/impl/gibbs_kernel.hpp"
#include "fortet/measure/grid_measure.hpp"
#include "grid/cells.hpp"
#include "grid/chain.hpp"

namespace fortet::impl {

/// One pass over the whole chain an operation, O(steps nodes d), in O(nodes) memory beyond the chain.
class ChainGibbs final : public HalfBridgeKernel<DefaultExec> {
 public:
  ChainGibbs(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
             std::shared_ptr<const grid::Chain> chain, const std::vector<Boundary>& boundary);

  std::size_t size(Side side) const override { return log_weights(side).extent(0); }
  double epsilon() const override { return chain_->process().epsilon(); }
  In log_weights(Side side) const override { return log_weights_[side == Side::target]; }
  std::string description() const override { return chain_->description(); }
  double noise() const override;
  /// Another sigma, the same drift and steps (implicit Euler: levels on the way need no accuracy).
  std::shared_ptr<const HalfBridgeKernel<DefaultExec>> with_epsilon(const DefaultExec& exec,
                                                                    double epsilon) const override;
  /// Itself: a chain is always double.
  std::shared_ptr<const HalfBridgeKernel<DefaultExec>> in_double(const DefaultExec& exec) const override;
  void soft_min(const DefaultExec& exec, Side rows, In potential, Out out) const override;
  void ratios(const DefaultExec& exec, Side rows, In own, In across, Out out) const override;
  /// The cost has no moments to be summed from: transport is zero and kl the whole of (f + g) / epsilon.
  void plan_costs(const DefaultExec& exec, In f, In g, In alpha, In beta, Out transport,
                  Out kl) const override;
  /// Of |x - y|^2 / 2, to set scales by.
  double mean_cost(const DefaultExec& exec) const override;
  double largest_cost(const DefaultExec& exec) const override;

  const std::shared_ptr<const grid::Chain>& chain() const { return chain_; }
  /// Mass of the nodes whose sum in the latest soft minimum of a side left the range of double.
  double mass_out_of_range() const { return std::max(out_of_range_[0], out_of_range_[1]); }

 private:
  GridMeasure source_, target_;
  grid::Cells cells_[2];                              // of the two sides, made of the chain's
  std::shared_ptr<const grid::Chain> given_, chain_;  // of the problem, and at this epsilon
  std::vector<Boundary> boundary_;
  In log_weights_[2];
  mutable double out_of_range_[2] = {0, 0};  // a kernel is used by one solve at a time
};

}  // namespace fortet::impl
