#pragma once
// A DriftDiffusion on a grid as a Markov chain: S_1 ... S_N, one positive matrix a time step, applied to
// functions (backward in time) and, exactly transposed, to masses (forward). Known by what it does.
#include <memory>
#include <string>
#include <vector>

#include "fortet/reference/drift_diffusion.hpp"
#include "fortet/solver/grid_options.hpp"
#include "fortet/types.hpp"
#include "grid/chain_lines.hpp"

namespace fortet::grid {

#if defined(KOKKOS_ENABLE_CUDA)
inline constexpr int chain_lanes = 32;
#else
inline constexpr int chain_lanes = host_lanes;
#endif

StepFormula step_formula(Stepper stepper);

/// The lines of one axis in blocks of chain_lanes: element i of lane l of block b is at
/// (b nodes + i) chain_lanes + l of a packed array.
struct LineBlocks {
  std::size_t nodes = 0, inner = 1, lines = 0;
  KOKKOS_FUNCTION std::size_t blocks() const { return (lines + chain_lanes - 1) / chain_lanes; }
  KOKKOS_FUNCTION std::size_t packed_size() const { return blocks() * nodes * chain_lanes; }
  KOKKOS_FUNCTION std::size_t packed(std::size_t line, std::size_t i) const {
    return (line / chain_lanes * nodes + i) * chain_lanes + line % chain_lanes;
  }
  /// Where element i of a line is in the grid's array.
  KOKKOS_FUNCTION std::size_t natural(std::size_t line, std::size_t i) const {
    return (line / inner * nodes + i) * inner + line % inner;
  }
};

/// W of one axis, factored: 1 - pole dt A = L U with unit U. Periodic axes carry the rank-one correction of
/// Sherman and Morrison, its signs chosen so that every term is positive.
struct AxisFactor {
  ConstVector<double> inverse, lower, upper;  // packed: 1 / L_ii, -L_{i,i-1} / L_ii, -U_{i,i+1}
  ConstVector<double> right, left;            // packed: -T^-1 u and T^-T v of the correction, or empty
  // one a line: v_first, -u_first, -u_last, v_last, 1 / (1 + v.T^-1 u)
  ConstVector<double> one, first, last, down, gain;
};

/// One entry of a step's product: which axis, and the factors to use.
struct Stage {
  int axis;
  AxisFactor factor;
};

class Chain {
 public:
  /// Factors the steps, and doubles their number until all of them are positive. Blocking; O(nodes d) work
  /// and memory for a steady process, times the steps otherwise. Throws InvalidArgument on coefficients that
  /// are not finite and on a memory estimate beyond the machine.
  Chain(const DefaultExec& exec, const RegularGrid& grid, const DriftDiffusion& process,
        const std::vector<Boundary>& boundary, Stepper stepper, int steps);

  const RegularGrid& grid() const { return grid_; }
  int steps() const { return steps_; }
  double step() const { return process_.horizon / steps_; }
  Stepper stepper() const { return stepper_; }
  const DriftDiffusion& process() const { return process_; }
  bool reflects(int axis) const { return !periodic_[static_cast<std::size_t>(axis)]; }

  /// values = S_first+1 ... S_last values.
  void backward(const DefaultExec& exec, int first, int last, Vector<double> values) const;
  /// values = S_last^T ... S_first+1^T values.
  void forward(const DefaultExec& exec, int first, int last, Vector<double> values) const;
  /// out = log(S exp(in)), forward or backward, in the scaling domain with `in` scaled by its maximum.
  /// Returns the floor: entries that would be below it, 870 nats under that maximum, are set to it, because
  /// double does not hold them. Blocking.
  double apply_log(const DefaultExec& exec, bool to_forward, int first, int last, ConstVector<double> in,
                   Vector<double> out) const;

  /// The factors of step n in the order in which a path passes them.
  std::vector<Stage> stages(int n) const;
  /// One stage on a whole array, `times` over.
  void apply_stage(const DefaultExec& exec, const Stage& stage, bool transposed, Vector<double> values,
                   int times = 1) const;
  /// exp(-killing dt / 2) of step n at the nodes, or empty.
  ConstVector<double> survival(int n) const;
  LineBlocks blocks(int axis) const;
  StepFormula formula() const { return formula_; }
  /// "chain of 128 steps, second order, ..."
  std::string description() const;

  // Kernels below are public because nvcc asks for it.

  /// Whether every entry of the stepper along an axis is >= 0.
  bool positive(const DefaultExec& exec, int axis, double duration, ConstVector<double> up,
                ConstVector<double> down) const;
  AxisFactor factor(const DefaultExec& exec, int axis, double duration, ConstVector<double> up,
                    ConstVector<double> down) const;

 private:
  struct Slot {
    std::vector<AxisFactor> axes;
    ConstVector<double> survival;
  };
  void run(const DefaultExec& exec, bool transposed, int first, int last, Vector<double> values) const;
  /// False when some axis is not positive at this step.
  bool prepare(const DefaultExec& exec, double t, Slot& slot) const;
  const Slot& slot(int n) const { return slots_[slots_.size() == 1 ? 0 : static_cast<std::size_t>(n)]; }
  /// How long a stage of an axis lasts: halves around the last one.
  double duration(int axis) const { return axis + 1 == grid_.dimension() ? step() : 0.5 * step(); }

  RegularGrid grid_;
  DriftDiffusion process_;
  std::vector<bool> periodic_;
  Stepper stepper_;
  StepFormula formula_;
  int asked_, steps_;
  std::vector<Slot> slots_;
};

/// The chain that `options` ask for: steps and stepper by tolerance where they are left open. `masses` is
/// pushed to estimate the error. Blocking.
struct ChosenChain {
  std::shared_ptr<const Chain> chain;
  double error = 0;  ///< estimated; NaN where the steps were given
};
ChosenChain choose_chain(const DefaultExec& exec, const RegularGrid& grid, const DriftDiffusion& process,
                         const std::vector<Boundary>& boundary, const ChainOptions& options,
                         ConstVector<double> masses);

}  // namespace fortet::grid
