#pragma once
#include <memory>
#include <utility>

#include "fortet/solver/neural_options.hpp"
#include "fortet/solver/neural_problem.hpp"

namespace fortet {

/// What a half-bridge is fitted with.
enum class Regression {
  network,  ///< the drift model, by stochastic gradients
  affine    ///< least squares on (x, 1) at every step: exact for Gaussian problems, up to sampling
};

/// Weight of a step of length h in the loss, with the mean length as unit.
enum class Matching {
  mean,  ///< |B(x) - target|^2 of the next state, as published: h^2
  drift  ///< |b(x) - target|^2 of the drift: 1
};

/// Options of Dsb.
struct DsbOptions : NeuralOptions {
  Regression regression = Regression::network;
  Matching matching = Matching::mean;
};

namespace impl {

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> dsb(const NeuralProblem<Real, Memory>& problem,
                                         const DsbOptions& options);

}  // namespace impl

/// Diffusion Schroedinger bridge (De Bortoli, Thornton, Heng, Doucet 2021): iterative proportional fitting on
/// the chain x_{k+1} = F_k(x_k) + noise, N steps on the schedule's grid, noise variance that of the reference
/// over the step. F starts as the reference's own transition; then, in turn,
///   backward half-bridge: x from the forward chain,  B(x_{k+1}) ~ x_{k+1} + F_k(x_k) - F_k(x_{k+1}),
///   forward half-bridge:  x from the backward chain, F(x_k) ~ x_k + B_{k+1}(x_{k+1}) - B_{k+1}(x_k),
/// each a regression of a drift b(t, x), B(x) = x + h b(t, x), on simulated trajectories; t is the time of
/// the state x. The first backward half-bridge alone is score-based generative modelling (Song et al. 2021)
/// and is called so in the history.
///
/// Stops with Status::converged when, run with the same random numbers, the ends of both chains differ from
/// those of the iteration before by at most tolerance in root mean square, relative to the standard deviation
/// of the marginal there (an upper bound on the relative W2 distance between the two laws). A loss that is
/// not finite ends the run as `diverged` with the bridge of the last good half-bridges; report.kernel ends
/// with the iteration, the half-bridge and the step. marginal_error is the larger square root of the energy
/// distance between a chain's end and its marginal, 1,000 samples each.
/// solve() blocks; seeds fix every draw, so results are the same for every thread count.
///
/// Cost of an iteration: 2 (6 steps batch + 4 (steps / refresh) particles N) flops a weight.
template <class Real, class Exec = DefaultExec>
class Dsb {
 public:
  using scalar_type = Real;
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;
  using options_type = DsbOptions;
  using Model = DriftModel<Real, memory_space>;

  /// A model of the user's own replaces options.network, in both directions.
  explicit Dsb(DsbOptions options = {}, std::shared_ptr<const Model> model = nullptr)
      : options_(std::move(options)), model_(std::move(model)) {
    options_.validate("fortet::DsbOptions");
  }
  const DsbOptions& options() const { return options_; }

  /// Throws InvalidArgument on unequal dimensions or an invalid reference.
  template <class P>
  auto solve(const Exec& exec, const P& problem) const {
    return impl::dsb<Real, memory_space>(
        impl::neural_problem<Real, memory_space>("fortet::Dsb::solve", exec, problem, model_), options_);
  }

 private:
  DsbOptions options_;
  std::shared_ptr<const Model> model_;
};

}  // namespace fortet
