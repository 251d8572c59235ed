#pragma once
#include <limits>
#include <utility>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/observer.hpp"
#include "fortet/problem.hpp"

namespace fortet {

/// Epsilon annealing: solve at larger epsilons first, each to a loose tolerance.
struct AnnealingOptions {
  bool enabled = true;
  double factor = 0.25;     ///< epsilon of a level over that of the one before, in (0, 1)
  double tolerance = 0.01;  ///< marginal error at which a level is left
  double threshold = 0.1;   ///< no annealing from epsilon >= threshold * mean cost on
  bool merge = true;        ///< begin on runs of eight merged atoms: from a million pairs on, d <= 3
};

/// What is done with the entries of the kernel exp(-c / epsilon) between iterations.
enum class KernelEntries {
  automatic,   ///< stored where that is expected to be faster and half of the free memory suffices
  recomputed,  ///< from the points: O((n + m) d) memory
  stored,      ///< kept: n m x 2 bytes at first, 4 or 8 where convergence is slow or the tolerance asks for
               ///< more; in up to three dimensions only the tiles that can matter for a marginal
};

/// Options of Sinkhorn. The defaults converge without tuning.
struct SinkhornOptions {
  double tolerance = 1e-6;           ///< on the L1 marginal error, max over both sides
  int max_iterations = 100000;       ///< full iterations, all levels together
  double largest_relaxation = 1.98;  ///< over-relaxation is learnt up to this factor; 1 switches it off
  bool anderson = true;  ///< Anderson's steps where more than a thousand iterations are to go, and
                         ///< a line search where they cease to help
  bool newton = true;    ///< truncated Newton steps where that, too, is slow
  AnnealingOptions annealing = {};
  KernelEntries entries = KernelEntries::automatic;
  bool finish_in_double =
      true;              ///< a float run that reaches its noise goes on in double, else precision_limit
  bool certify = false;  ///< round the plan to feasibility: entropic_cost, duality_gap are then bounds
  int check_every = 10;  ///< iterations between observer calls and history entries
  Observer observer = {};

  /// Throws InvalidArgument on a value outside its range.
  void validate() const;
};

namespace impl {

template <class Exec>
struct SinkhornResult {
  Vector<double, typename Exec::memory_space> f, g;
  Report report;
};

/// The solver itself, for any kernel. `start` is a first target potential or empty.
template <class Exec>
SinkhornResult<Exec> sinkhorn(const Exec& exec, std::shared_ptr<const HalfBridgeKernel<Exec>> kernel,
                              const SinkhornOptions& options,
                              ConstVector<double, typename Exec::memory_space> start);

/// Throws InvalidArgument unless the masses agree to 1e-6 relative.
void require_equal_mass(double source, double target);

}  // namespace impl

/// Discrete Sinkhorn (Cuturi 2013) in the log domain:
///   f_i = -epsilon log sum_j b_j exp((g_j - c_ij) / epsilon), then g likewise,
/// until the L1 marginal error of the plan, confirmed by a separate pass in double, is at most the tolerance.
/// O(n m d) time an iteration, O((n + m) d) memory (plus the matrix for a CostMatrix). Any weights including
/// exact zeros, n != m, any dimension. Masses are taken relative to the total, which must agree between the
/// sides; the report's costs are per unit of mass. solve() blocks. Results are bitwise equal for every thread
/// count.
template <class Real, class Exec = DefaultExec>
class Sinkhorn {
 public:
  using scalar_type = Real;
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;
  using options_type = SinkhornOptions;
  using Cloud = PointCloud<Real, memory_space>;

  explicit Sinkhorn(SinkhornOptions options = {}) : options_(std::move(options)) { options_.validate(); }
  const SinkhornOptions& options() const { return options_; }

  /// Solves for the coupling. `start` is a target potential to begin from (a warm start), on the target's
  /// atoms. Throws InvalidArgument on unequal masses or dimensions, or a bad epsilon; not converging is a
  /// status.
  template <class P>
  auto solve(const Exec& exec, const P& problem, ConstVector<double, memory_space> start = {}) const {
    static_assert(SchroedingerProblem<P>, "fortet::Sinkhorn: solve() takes a fortet::Problem");
    static_assert(
        DiscreteProblem<P>,
        "fortet::Sinkhorn needs atoms: source and target must be a PointCloud; draw() makes one from a "
        "measure that can be sampled");
    if constexpr (DiscreteProblem<P>) {
      constexpr bool same_precision = std::is_same_v<typename source_t<P>::scalar_type, Real> &&
                                      std::is_same_v<typename target_t<P>::scalar_type, Real>;
      static_assert(
          same_precision,
          "fortet::Sinkhorn: the measures' precision differs from the solver's; use Sinkhorn<double> for "
          "double clouds or draw<float>() for float ones");
      if constexpr (same_precision) {
        using Ref = reference_t<P>;
        constexpr const char* where = "fortet::Sinkhorn::solve";
        detail::require_kokkos(where);
        problem.reference.validate(where);
        if constexpr (ReferenceProcess<Ref>)
          detail::require(problem.source.dimension() == problem.target.dimension(), where, "target dimension",
                          problem.target.dimension(),
                          "expected the source's dimension " + std::to_string(problem.source.dimension()));
        impl::require_equal_mass(problem.source.mass(), problem.target.mass());
        auto result = impl::sinkhorn<Exec>(
            exec, impl::make_kernel(exec, problem.source, problem.target, problem.reference), options_,
            start);
        result.report.dimension = problem.source.dimension();
        using C = DiscreteCoupling<Real, Exec, Ref>;
        return Solution<C>{C(exec, problem.source, problem.target, problem.reference, result.f, result.g),
                           std::move(result.report)};
      }
    }
  }

 private:
  SinkhornOptions options_;
};

}  // namespace fortet
