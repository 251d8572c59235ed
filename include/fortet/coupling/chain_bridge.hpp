#pragma once
#include <memory>
#include <vector>

#include "fortet/coupling/grid_coupling.hpp"
#include "fortet/reference/drift_diffusion.hpp"

namespace fortet {

namespace grid {
class Chain;
}

/// The Schroedinger bridge of a DriftDiffusion on a grid: coupling and process in one, exact for the Markov
/// chain that stands for the reference,
///   pi_ij = exp((f_i + g_j) / epsilon) K_ij mu_i nu_j,   p_t = phi_t phihat_t,
/// second order in the spacing (and of the stepper's order in time) for the diffusion itself. log phi and
/// log phihat are kept at up to 65 times, O(65 nodes) memory; between the chain's steps they are linear in
/// time. Drifts are gradients of quintic interpolants. Models Bridge. What GridIpf returns for such a
/// reference.
///
/// Where source and target have different grids, grid() is axis by axis the finer one, and a coarse end is
/// known through its cells: their masses are the given ones, where in a cell a path is the chain decides.
/// i and j then count cells of source() and target(), and K_ij is the mean of the chain's over the pair of
/// cells. phi_T (phihat_0) is constant on them: within H^2 / sigma^2 of the time of such an end, H the width
/// of a cell, drifts lead into cells.
class ChainBridge {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  using In = ConstPoints<double>;
  using Out = Points<double>;

  /// From potentials in cost units at the nodes of source and target, whose cells are unions of the chain's.
  /// Blocking; d + 3 passes over the chain.
  ChainBridge(const DefaultExec& exec, GridMeasure source, GridMeasure target,
              std::shared_ptr<const grid::Chain> chain, const std::vector<Boundary>& boundary,
              ConstVector<double> source_potential, ConstVector<double> target_potential);

  int source_dimension() const { return geometry_.dimension(); }
  int target_dimension() const { return geometry_.dimension(); }
  double epsilon() const { return geometry_.epsilon; }
  const GridMeasure& source() const { return source_; }
  const GridMeasure& target() const { return target_; }
  const DriftDiffusion& reference() const;
  /// The chain's states.
  const RegularGrid& grid() const { return geometry_.source; }
  /// Time steps of the chain; states at k horizon / steps() are the chain's own.
  int steps() const;
  ConstVector<double> source_potential() const { return f_; }
  ConstVector<double> target_potential() const { return g_; }
  /// How often the bridge touches the walls of free axes, on average a path: they stand in for free space,
  /// and the answer is that of free space up to a change of this order.
  double wall_contact() const { return wall_contact_; }

  /// f and g at any point, cost units; quintic interpolation.
  void source_potential(const DefaultExec& exec, In x, Vector<double> out) const;
  void target_potential(const DefaultExec& exec, In y, Vector<double> out) const;
  /// E[X_T | X0 = x]: exact at the nodes of grid(), quintic between them. Asynchronous; O(6^d) a row.
  void conditional_mean(const DefaultExec& exec, In x0, Out mean) const;
  /// log d pi / d(source x target). Blocking; one pass over the chain for every distinct node next to a row
  /// of x0; linear between nodes.
  void log_density_ratio(const DefaultExec& exec, In x0, In x1, Vector<double> out) const;

  /// Rows (X_0, X_T) of the chain: nodes of grid(), exact. Blocking; O(steps sum of nodes per axis) a row.
  void sample(const DefaultExec& exec, RandomKey key, Out x0, Out x1) const;
  /// X_T | X_0 = x. Off the nodes the path starts from a corner of x's cell, by its multilinear weight times
  /// phi_0: O(h^2). Blocking, as sample().
  void sample_conditional(const DefaultExec& exec, RandomKey key, In x0, Out x1) const;
  /// Whole paths of the chain at k horizon / (times - 1): paths(i, :, k). Blocking. Throws InvalidArgument
  /// unless steps() is a multiple of times - 1.
  void sample_paths(const DefaultExec& exec, RandomKey key, Paths<double> paths) const;
  /// Rows ~ X_t, moved within their cells as GridMeasure draws. Blocking.
  void sample_marginal(const DefaultExec& exec, RandomKey key, double t, Out out) const;

  /// log phi_t and log phihat_t at the nodes, 0 <= t <= horizon. Blocking.
  Vector<double> log_phi(const DefaultExec& exec, double t) const;
  Vector<double> log_phi_hat(const DefaultExec& exec, double t) const;
  /// p_t; at the chain's own times its mass is one to rounding. Blocking.
  GridMeasure marginal(const DefaultExec& exec, double t) const;
  /// b + sigma^2 grad log phi_t. Blocking.
  void forward_drift(const DefaultExec& exec, double t, In x, Out out) const;
  /// -b + sigma^2 grad log phihat_t. Blocking.
  void backward_drift(const DefaultExec& exec, double t, In x, Out out) const;
  /// Velocity of the flow with the same marginals: half of forward minus backward. Blocking.
  void probability_flow_drift(const DefaultExec& exec, double t, In x, Out out) const;
  /// p_t times that velocity. Blocking.
  void current(const DefaultExec& exec, double t, In x, Out out) const;
  /// KL of the bridge from the reference started in the source (evenly within its cells), in nats (from a
  /// killed reference: of the weighted measure).
  double kl_to_reference(const DefaultExec& exec) const;

  // Kernels below are public because nvcc asks for it.

  /// Moves rows of nodes (flat indices) from step `first` to step `last` of the chain.
  void walk(const DefaultExec& exec, RandomKey key, int first, int last, Vector<int> nodes) const;
  void start_nodes(const DefaultExec& exec, RandomKey key, In x0, Vector<int> nodes) const;
  void find_means(const DefaultExec& exec);
  double measure_wall_contact(const DefaultExec& exec) const;

 private:
  void require_time(const char* function, double t) const;
  /// The law of the node a path starts from.
  GridMeasure start(const DefaultExec& exec) const;
  /// log phi (log phihat) after step n of the chain.
  Vector<double> at_step(const DefaultExec& exec, bool hat, int n) const;
  Vector<double> at_time(const DefaultExec& exec, bool hat, double t) const;
  void add_reference_drift(const DefaultExec& exec, double t, double sign, In x, Out out) const;

  GridMeasure source_, target_;
  std::shared_ptr<const grid::Chain> chain_;
  impl::GridGeometry geometry_;
  ConstVector<double> f_, g_;
  ConstVector<double> means_[RegularGrid::max_dimension];
  int stride_ = 1;                                 // steps between snapshots
  std::vector<ConstVector<double>> snapshots_[2];  // of log phi and log phihat
  double wall_contact_ = 0;
};

}  // namespace fortet
