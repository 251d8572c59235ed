#pragma once
// What the neural solvers share: chains, the training loop, and how a chain's end is judged.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fortet/coupling/neural_bridge.hpp"
#include "fortet/observer.hpp"
#include "fortet/report.hpp"
#include "fortet/solver/neural_options.hpp"

namespace fortet::impl {

/// The steps of a chain along the grid in a direction.
std::vector<ChainStep> chain_steps(const std::vector<double>& grid, const IsotropicReference& reference,
                                   Direction direction);

/// The reference's exact transitions along the grid, like DriftModel::walk.
template <class Real, class Memory>
void reference_walk(const typename Memory::execution_space& exec, const IsotropicReference& reference,
                    const std::vector<double>& grid, RandomKey key, Points<Real, Memory> x,
                    Paths<Real, Memory> path, Paths<Real, Memory> reversals);

enum class TrainingEnd { finished, cancelled, diverged };

/// Runs options.steps gradient steps on batches that `fill(step, batch)` writes. `observe(step, loss)` is
/// called every `check_every` steps with the mean loss since the last call.
template <class Real, class Memory>
TrainingEnd train(const typename Memory::execution_space& exec, const DriftModel<Real, Memory>& model,
                  const TrainingOptions& options, int check_every, Adam<Real, Memory>& adam,
                  const std::function<void(long, const Batch<Real, Memory>&)>& fill,
                  const std::function<Continue(long, double)>& observe);

/// A copy that later training cannot reach.
template <class Real, class Memory>
Vector<Real, Memory> snapshot(ConstVector<Real, Memory> parameters);

/// Judges one chain's end from round to round: how far it moved since it was last looked at, run with the
/// same random numbers, and how far its law is from the marginal it should have.
template <class Real, class Memory>
class ChainEnd {
 public:
  ChainEnd(Sampler<Real, Memory> start, Sampler<Real, Memory> marginal, std::vector<ChainStep> steps,
           RandomKey key);

  struct Judgement {
    double moved;   ///< root mean square, relative to the marginal's standard deviation; infinite at first
    double energy;  ///< square root of the energy distance to the marginal
  };
  Judgement judge(const typename Memory::execution_space& exec, const NeuralDrift<Real, Memory>& drift);

 private:
  static constexpr std::size_t samples = 1000;
  Sampler<Real, Memory> start_, marginal_;
  std::vector<ChainStep> steps_;
  RandomKey key_;
  std::vector<double> last_;
};

/// What all alternating solvers have as options.
struct AlternationOptions {
  const char* solver;
  int iterations;
  double tolerance;
  const TrainingOptions& training;
  std::uint64_t seed;
  int check_every;
  const Observer& observer;
};

/// The frame of solvers that fit the backward and the forward drift in turn: rounds, stopping, report,
/// progress. What a round fits its drift to is the solver's own business.
template <class Real, class Memory>
class Alternation {
 public:
  using Exec = typename Memory::execution_space;
  using Model = DriftModel<Real, Memory>;
  using Drift = NeuralDrift<Real, Memory>;
  using Bridge = NeuralBridge<Real, Memory>;

  Alternation(const Exec& exec, const Sampler<Real, Memory>& source, const Sampler<Real, Memory>& target,
              const IsotropicReference& reference, std::vector<double> grid, AlternationOptions options,
              std::shared_ptr<const Model> forward, std::shared_ptr<const Model> backward);
  virtual ~Alternation() = default;

  Solution<Bridge> solve();

 protected:
  /// What one direction has learnt so far.
  struct Side {
    std::shared_ptr<const Model> model;
    Adam<Real, Memory> adam;
    Drift trained;  // of the last round that ended well
  };

  /// Fits `direction` and leaves the result in side(direction).trained.
  virtual TrainingEnd round(int iteration, Direction direction, RandomKey key) = 0;
  /// Called for the history.
  virtual std::string name(int iteration, Direction direction) const = 0;

  /// A round of gradient steps on the batches that `fill` writes.
  TrainingEnd train_round(int iteration, Direction direction, RandomKey key,
                          const std::function<void(long, const Batch<Real, Memory>&)>& fill);
  Continue report_progress(int iteration, Direction direction, long step, double loss);

  Side& side(Direction direction) { return sides_[direction == Direction::backward]; }
  const Sampler<Real, Memory>& start(Direction direction) const {
    return direction == Direction::forward ? source_ : target_;
  }

  Exec exec_;
  Sampler<Real, Memory> source_, target_;
  IsotropicReference reference_;
  std::vector<double> grid_;
  AlternationOptions options_;

 private:
  Side make_side(std::shared_ptr<const Model> model, RandomKey key) const;
  Status iterate();
  double seconds() const;

  RandomKey key_;
  std::chrono::steady_clock::time_point started_;
  Side sides_[2];
  ChainEnd<Real, Memory> forward_end_, backward_end_;
  double moved_ = 0;  // by the last iteration; 0 before there were two
  Report report_;
};

}  // namespace fortet::impl
