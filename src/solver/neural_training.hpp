#pragma once
// The frame of the neural solvers: chains, rounds of training, checkpoints, and how a chain's end is judged.
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fortet/coupling/neural_bridge.hpp"
#include "fortet/report.hpp"
#include "fortet/solver/neural_options.hpp"
#include "fortet/solver/neural_problem.hpp"

namespace fortet {
struct StateFile;
}

namespace fortet::impl {

inline Direction opposite(Direction direction) {
  return direction == Direction::forward ? Direction::backward : Direction::forward;
}

/// The steps of a chain along the grid in a direction.
std::vector<ChainStep> chain_steps(const std::vector<double>& grid, const IsotropicReference& reference,
                                   Direction direction);

/// The reference's exact transitions along the grid, like DriftModel::walk.
template <class Real, class Memory>
void reference_walk(const typename Memory::execution_space& exec, const IsotropicReference& reference,
                    const std::vector<double>& grid, RandomKey key, Points<Real, Memory> x,
                    Paths<Real, Memory> path, Paths<Real, Memory> reversals);

/// Rows of the cache in random order without replacement, epoch after epoch.
struct EpochRows {
  RandomKey key;
  std::uint64_t first;  ///< rows drawn before this batch
  std::uint64_t rows;   ///< of the cache

  KOKKOS_FUNCTION std::size_t row(std::size_t b) const {
    const std::uint64_t i = first + b;
    return static_cast<std::size_t>(random_permutation(key.child(i / rows), i % rows, rows));
  }
};

inline EpochRows epochs_of_rows(const TrainingOptions& training, RandomKey key, long step) {
  return {key, static_cast<std::uint64_t>(step) * static_cast<std::uint64_t>(training.batch),
          static_cast<std::uint64_t>(training.particles)};
}

/// The user's model, or the network of the options.
template <class Real, class Memory>
std::shared_ptr<const DriftModel<Real, Memory>> network(const NeuralProblem<Real, Memory>& problem,
                                                        const NeuralOptions& options);

enum class TrainingEnd { finished, cancelled, diverged };

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

  /// Where the end was when last looked at, row-major; empty before.
  std::vector<double> last;

 private:
  static constexpr std::size_t samples = 1000;
  Sampler<Real, Memory> start_, marginal_;
  std::vector<ChainStep> steps_;
  RandomKey key_;
};

/// The frame of solvers that fit the backward and the forward drift in rounds: batches, gradient steps,
/// stopping, report, progress, checkpoints. What a drift is fitted to is the solver's own business. Cached
/// particles are a function of a round's key and of drifts that do not change between two refreshes, so a
/// checkpoint written at a refresh need not hold them.
template <class Real, class Memory>
class Alternation {
 public:
  using Exec = typename Memory::execution_space;
  using Model = DriftModel<Real, Memory>;
  using Drift = NeuralDrift<Real, Memory>;
  using Bridge = NeuralBridge<Real, Memory>;

  Alternation(const char* solver, const NeuralProblem<Real, Memory>& problem, const NeuralOptions& options,
              std::shared_ptr<const Model> forward, std::shared_ptr<const Model> backward);
  virtual ~Alternation() = default;

  Solution<Bridge> solve();

 protected:
  /// What one direction has learnt so far.
  struct Side {
    std::shared_ptr<const Model> model;
    Adam<Real, Memory> adam;
    Drift trained;  // of the last round that ended well; while both train jointly, the current average
  };
  /// One fit of one direction.
  struct Round {
    int iteration;
    Direction direction;
    RandomKey key;
  };

  /// Simulates anew what the round's batches are drawn from.
  virtual void refresh(const Round& round, RandomKey key) = 0;
  /// Writes the batch of gradient step `step`.
  virtual void draw(const Round& round, long step, RandomKey key, const Batch<Real, Memory>& batch) = 0;
  /// Called for the history.
  virtual std::string name(const Round& round) const = 0;
  /// Both directions train at once, on drifts that are still changing.
  virtual bool joint() const { return false; }
  /// Fits the directions of `rounds` and leaves the results in side().trained.
  virtual TrainingEnd fit(std::span<const Round> rounds) { return train(rounds); }
  /// What else of the solver's options a checkpoint must agree in.
  virtual std::string settings() const = 0;

  Continue report_progress(const Round& round, long step, double loss);

  Side& side(Direction direction) { return sides_[direction == Direction::backward]; }
  const Sampler<Real, Memory>& start(Direction direction) const {
    return direction == Direction::forward ? problem_.source : problem_.target;
  }
  std::size_t dimension() const { return static_cast<std::size_t>(problem_.source.dimension()); }
  /// Runs the direction's trained chain from draws of its start, left at its end in x.
  void simulate(Direction direction, RandomKey key, Points<Real, Memory> x, Paths<Real, Memory> path,
                Paths<Real, Memory> reversals);

  NeuralProblem<Real, Memory> problem_;
  std::vector<double> grid_;
  const NeuralOptions& options_;

 private:
  /// Where the run is: the next gradient step to take.
  struct Position {
    int iteration = 1;
    std::size_t part = 0;  // of the iteration: which round, when they are taken in turn
    long step = 0;
  };

  Side make_side(std::shared_ptr<const Model> model, RandomKey key) const;
  Status iterate();
  std::vector<std::vector<Round>> parts(int iteration) const;
  TrainingEnd train(std::span<const Round> rounds);
  void begin(const Round& round);
  bool judge(const Round& round);
  /// Says in the report where the run ended and on what.
  void note_divergence(const Round& round, const std::string& what);
  double seconds() const;

  void save_checkpoint();
  void load_checkpoint();
  /// The run as it is now; without arrays, what another run must agree in to continue it.
  StateFile state(bool with_arrays) const;

  const char* solver_;
  RandomKey key_;
  std::chrono::steady_clock::time_point started_;
  double seconds_before_ = 0, last_saved_ = 0;
  Side sides_[2];
  ChainEnd<Real, Memory> ends_[2];
  Position at_;
  double moving_ = 0, energy_ = 0;  // of this iteration so far
  double moved_ = 0;                // by the last iteration; 0 before there were two
  bool finished_ = false;           // converged
  Report report_;
};

}  // namespace fortet::impl
