#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "fortet/solver/neural_options.hpp"
#include "fortet/solver/neural_problem.hpp"

namespace fortet {

/// The coupling whose bridges are matched first.
enum class FirstCoupling {
  reference,    ///< source and reference: DSBM-IPF, the iterates are those of proportional fitting
  independent,  ///< source x target: DSBM-IMF, iterative Markovian fitting
  entropic      ///< the entropic coupling of minibatches by Sinkhorn: IMF from close to the answer
};

/// In which order the two drifts are fitted.
enum class Directions {
  alternate,  ///< in rounds, each to pairs of the other's chain, which stands still meanwhile
  joint       ///< both at once; a refresh simulates pairs by the drifts' current averages. With refreshes
              ///< that are frequent this is the online alpha-IMF of De Bortoli et al. (2024)
};

/// Options of Dsbm. The schedule is that of the simulation; training times are continuous.
struct DsbmOptions : NeuralOptions {
  FirstCoupling first = FirstCoupling::independent;  ///< unless solve() is given a coupling
  Directions directions = Directions::alternate;
  int minibatch = 1000;  ///< rows a side of an entropic first coupling
};

namespace impl {

/// Fills rows with pairs (x0, x1).
template <class Real, class Memory>
using PairSampler = std::function<void(const typename Memory::execution_space&, RandomKey,
                                       Points<Real, Memory>, Points<Real, Memory>)>;

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> dsbm(const NeuralProblem<Real, Memory>& problem,
                                          const DsbmOptions& options, PairSampler<Real, Memory> first);

}  // namespace impl

/// Diffusion Schroedinger bridge matching (Shi, De Bortoli, Campbell, Doucet 2023; Peluchetti 2023). A round
/// draws pairs (x0, x1), a time t uniform on [.001 T, .999 T] and a point x_t of the reference pinned at the
/// pair, and regresses a drift on that of the pinned process,
///   forward   -lambda (x_t - theta) + sigma^2 grad log p(x1 | x_t)   [= (x1 - x_t)/(T - t) for lambda = 0],
///   backward   lambda (x_t - theta) + sigma^2 grad log p(x_t | x0)   [= (x0 - x_t)/t],
/// so that the learnt process is the Markovian projection of the mixture of bridges. The backward drift is
/// fitted first, to the first coupling; from then on pairs come from the opposite chain run from true
/// marginal samples. Every iterate has one marginal exactly right up to regression, hence no forgetting.
///
/// Stopping, statuses, marginal_error and determinism as for Dsb. Cost of an iteration: 2 (6 steps batch + 2
/// (steps / refresh) particles N) flops a weight.
template <class Real, class Exec = DefaultExec>
class Dsbm {
 public:
  using scalar_type = Real;
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;
  using options_type = DsbmOptions;
  using Model = DriftModel<Real, memory_space>;

  /// A model of the user's own replaces options.network, in both directions.
  explicit Dsbm(DsbmOptions options = {}, std::shared_ptr<const Model> model = nullptr)
      : options_(std::move(options)), model_(std::move(model)) {
    options_.validate("fortet::DsbmOptions");
    detail::require(options_.minibatch >= 1, "fortet::DsbmOptions", "minibatch", options_.minibatch,
                    "expected at least 1");
  }
  const DsbmOptions& options() const { return options_; }

  /// Throws InvalidArgument on unequal dimensions or an invalid reference.
  template <class P>
  auto solve(const Exec& exec, const P& problem) const {
    return solve_from(exec, problem, {});
  }

  /// Begins with a coupling that is known, for instance an entropic plan between samples.
  template <class P, Coupling C>
  auto solve(const Exec& exec, const P& problem, C first) const {
    using Own = typename C::scalar_type;
    return solve_from(exec, problem,
                      [first = std::move(first)](const Exec& e, RandomKey key, Points<Real, memory_space> x0,
                                                 Points<Real, memory_space> x1) {
                        const auto own = [&](const Points<Real, memory_space>& like) {
                          return Points<Own, memory_space>("fortet::dsbm::first_pairs", like.extent(0),
                                                           like.extent(1));
                        };
                        const auto a = own(x0), b = own(x1);
                        first.sample(e, key, a, b);
                        Kokkos::deep_copy(e, x0, a);
                        Kokkos::deep_copy(e, x1, b);
                      });
  }

 private:
  template <class P>
  auto solve_from(const Exec& exec, const P& problem, impl::PairSampler<Real, memory_space> first) const {
    return impl::dsbm<Real, memory_space>(
        impl::neural_problem<Real, memory_space>("fortet::Dsbm::solve", exec, problem, model_), options_,
        std::move(first));
  }

  DsbmOptions options_;
  std::shared_ptr<const Model> model_;
};

}  // namespace fortet
