#pragma once
#include <utility>
#include <vector>

#include "fortet/coupling/chain_bridge.hpp"
#include "fortet/coupling/grid_coupling.hpp"
#include "fortet/observer.hpp"
#include "fortet/problem.hpp"
#include "fortet/solver/grid_options.hpp"
#include "fortet/solver/sinkhorn.hpp"

namespace fortet {

/// Options of GridIpf. The defaults converge without tuning.
struct GridIpfOptions {
  double tolerance = 1e-9;           ///< on the L1 marginal error, max over both sides
  int max_iterations = 100000;       ///< full iterations, all annealing levels together
  double largest_relaxation = 1.98;  ///< over-relaxation is learnt up to this factor; 1 switches it off
  AnnealingOptions annealing = {};
  /// Where annealing would be used, begin on coarser grids instead, down to about this many nodes an axis (0:
  /// not). Not with a DriftDiffusion, nor where the grid does not resolve the kernel.
  int multigrid = 16;
  GridKernel kernel = GridKernel::automatic;
  std::vector<Boundary> boundary = {};  ///< none (free space), one for all axes, or one for each axis
  /// Round the plan to feasibility: entropic_cost and duality_gap are then bounds. Not with a DriftDiffusion,
  /// whose cost is known only by sums.
  bool certify = false;
  ChainOptions chain = {};  ///< time stepping of a DriftDiffusion
  int check_every = 10;     ///< iterations between observer calls and history entries
  Observer observer = {};

  /// Throws InvalidArgument on a value outside its range.
  void validate() const;
};

namespace impl {

struct GridSolution {
  Vector<double> f, g;
  Report report;
};

/// The solver itself, whatever the reference. `start` is a first target potential or empty.
template <class Real>
GridSolution grid_ipf(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                      const GridGeometry& geometry, const GridIpfOptions& options, ConstVector<double> start);

/// The same where the reference is a DriftDiffusion.
Solution<ChainBridge> chain_ipf(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                                const DriftDiffusion& reference, const GridIpfOptions& options,
                                ConstVector<double> start);

}  // namespace impl

/// Iterative proportional fitting (Fortet 1940, Kullback 1968) between two densities on regular grids:
///   f_i = -epsilon log sum_j nu_j exp((g_j - c_ij) / epsilon), then g likewise,
/// with the sums done axis by axis, O(nodes sum_k nodes_k) at most an iteration and O(nodes) memory. For
/// smooth densities that fall off inside the box the discrete iterates are those of the continuous problem to
/// rounding. `Real` is the precision of the arithmetic within tiles; potentials, marginal errors and costs
/// are double either way, and the marginal error is confirmed by a pass in double. References: Brownian,
/// OrnsteinUhlenbeck, DiagonalBrownian by closed-form kernels, a GridCoupling returned; DriftDiffusion as a
/// Markov chain on the finer grid of source and target, O(steps nodes d) an iteration in double, a
/// ChainBridge returned; they share a box, and on every axis one number of nodes is a multiple of the other:
/// the coarse end constrains the masses of its cells. Over-relaxation, annealing and stopping are Sinkhorn's.
/// solve() blocks; results are bitwise equal for every thread count.
template <class Real = double>
class GridIpf {
 public:
  using scalar_type = Real;
  using execution_space = DefaultExec;
  using memory_space = DefaultMemory;
  using options_type = GridIpfOptions;

  explicit GridIpf(GridIpfOptions options = {}) : options_(std::move(options)) { options_.validate(); }
  const GridIpfOptions& options() const { return options_; }

  /// Solves for the coupling. `start` is a target potential at the target's nodes to begin from (a warm
  /// start, which also switches annealing off); prolong() makes one from a coarser grid. Throws
  /// InvalidArgument on grids that do not fit together or a kernel that cannot serve them; not converging is
  /// a status.
  template <class P>
  auto solve(const DefaultExec& exec, const P& problem, ConstVector<double> start = {}) const {
    static_assert(SchroedingerProblem<P>, "fortet::GridIpf: solve() takes a fortet::Problem");
    constexpr bool on_grids =
        std::is_same_v<source_t<P>, GridMeasure> && std::is_same_v<target_t<P>, GridMeasure>;
    static_assert(on_grids,
                  "fortet::GridIpf needs densities on grids: source and target must be a GridMeasure; "
                  "discretise() makes one from any density, histogram() from samples");
    if constexpr (on_grids) {
      detail::require_kokkos("fortet::GridIpf::solve");
      problem.reference.validate("fortet::GridIpf::solve");
      if constexpr (std::is_same_v<reference_t<P>, DriftDiffusion>)
        return impl::chain_ipf(exec, problem.source, problem.target, problem.reference, options_, start);
      else
        return solve_separable(exec, problem, start);
    }
  }

 private:
  template <class P>
  auto solve_separable(const DefaultExec& exec, const P& problem, ConstVector<double> start) const {
    const auto geometry = impl::grid_geometry(problem.source.grid(), problem.target.grid(), problem.reference,
                                              options_.boundary);
    auto result = impl::grid_ipf<Real>(exec, problem.source, problem.target, geometry, options_, start);
    using C = GridCoupling<reference_t<P>>;
    return Solution<C>{
        C(exec, problem.source, problem.target, problem.reference, options_.boundary, result.f, result.g),
        std::move(result.report)};
  }

  GridIpfOptions options_;
};

/// The target potential of a coupling at the nodes of another grid: a warm start there (multigrid). Blocking.
Vector<double> prolong(const DefaultExec& exec, const GridPlan& coarse, const RegularGrid& target);

}  // namespace fortet
