#pragma once
// What a run of Sinkhorn holds, and the steps that all its phases are made of.
#include <memory>
#include <utility>

#include "fortet/impl/gibbs_kernel.hpp"

namespace fortet::impl {

/// Sums over one side after a pass: what the next decision needs.
struct SideStatistics {
  double error = 0;      ///< L1 distance of this marginal from the given one
  double smallest = 0;   ///< of the log-ratios of atoms with weight
  bool in_range = true;  ///< false: the max-free pass left its range
};

/// Potentials in cost units, the log-ratios of both marginals where they were last measured, and the weights.
template <class Exec>
struct SinkhornState {
  using memory_space = typename Exec::memory_space;
  using Vec = Vector<double, memory_space>;
  using In = ConstVector<double, memory_space>;
  using Kernel = std::shared_ptr<const HalfBridgeKernel<Exec>>;

  SinkhornState(const Exec& space, Kernel gibbs);

  Exec exec;     ///< for pairs
  Exec vectors;  ///< for what has a value an atom
  Kernel kernel;
  Vec f, g, source_log_ratio, target_log_ratio, source_masses, target_masses;
  int iteration = 0;  ///< full iterations, and other sweeps at their price

  Vec& potential(Side side) { return side == Side::source ? f : g; }
  const Vec& potential(Side side) const { return side == Side::source ? f : g; }
  const Vec& masses(Side side) const { return side == Side::source ? source_masses : target_masses; }
  const Vec& log_ratio(Side side) const { return side == Side::source ? source_log_ratio : target_log_ratio; }

  /// Log marginal ratios of `side` at the current potentials, by the max-free pass or, where that leaves its
  /// range, by the soft minimum.
  SideStatistics measure(Side side, bool robust);
  /// Both sides from one sweep of the kernel: the source at (f, g), the target at f after an over-relaxed
  /// step, which is not taken here.
  std::pair<SideStatistics, SideStatistics> measure_both(double omega);
  /// A sweep that makes the rows exact where both sides are in range, and counts as an iteration: whether
  /// they are, and the error of the columns.
  std::pair<bool, double> make_rows_exact();
  /// Mixed-precision refinement, as for linear systems (Carson, Higham 2018): the log-ratios of both sides
  /// were measured at the current potentials by a kernel that is more exact than this one. From now on what
  /// this one finds is corrected by what it is off by here, so that its fixed point is that of the other: to
  /// the second order, rounding times what the plan moves by until then.
  void calibrate();
  bool is_calibrated() const {
    return calibrated_ && calibrated_ == kernel && calibrated_->revision() == calibrated_revision_;
  }
  /// potential -= omega epsilon log_ratio.
  void update(Side side, double omega);

  /// int potential d(weights of the side).
  double integral(Side side) const;
  /// Mass of the plan, from the log-ratios of the source.
  double plan_mass() const;
  /// f += amount, g -= amount: the plan does not change.
  void shift(double amount);
  /// Potentials of atoms without weight: the soft minimum, which the iteration does not need.
  void extend_to_zero_weights(Side side);

  // Public because nvcc asks for it.

  Vec mass_of(Side side) const;
  /// What the ratios, or their logarithms, of a side come to; leaves the logarithms. Summed in fixed chunks,
  /// in order: bitwise the same for every thread count.
  SideStatistics summarise(Side side, bool are_logarithms = false);
  /// f for this kernel: shifted where it is calibrated.
  In corrected_f() const;
  /// Corrects ratios of the target where this kernel is calibrated.
  void correct_target();

 private:
  int calibrated_revision_ = 0;
  Kernel calibrated_;  // the kernel that corrections are for: f += f_correction_, target ratios *=
                       // target_correction_
  Vec f_correction_, target_correction_, corrected_f_;
  Kokkos::View<double* [3], Kokkos::LayoutRight, memory_space> chunk_statistics_;
};

}  // namespace fortet::impl
