#pragma once
#include <cstdint>
#include <filesystem>

#include "fortet/nn/adam.hpp"
#include "fortet/nn/architecture.hpp"
#include "fortet/observer.hpp"
#include "fortet/solver/step_schedule.hpp"

namespace fortet {

/// How a drift is regressed, once for every half-bridge or matching round.
struct TrainingOptions {
  int steps = 5000;          ///< gradient steps
  double growth = 1;         ///< of `steps` from one iteration to the next: early ones need not be exact
  int batch = 512;           ///< rows of a step; may exceed `particles` (rows are drawn with replacement)
  int particles = 10000;     ///< simulated trajectories (or pairs) kept to draw batches from
  int refresh = 1000;        ///< gradient steps after which they are simulated anew
  bool fresh_start = false;  ///< begin from initial weights, not from the previous round's average
  AdamOptions adam = {};

  /// Gradient steps of a round of iteration i = 1, 2, ...: steps growth^(i - 1), rounded, at most 1e9.
  long steps_of(int iteration) const;
  /// Throws InvalidArgument on values outside their range.
  void validate(const char* function) const;
};

/// What the neural solvers have in common. DsbOptions and DsbmOptions are aggregates that begin with it:
/// DsbOptions{{.iterations = 5, .seed = 1}, Regression::network}.
struct NeuralOptions {
  int iterations = 20;      ///< full iterations: a backward and a forward round each
  double tolerance = 0.01;  ///< stop when an iteration moves no chain end by more, see Dsb; 0: never
  Architecture network = {};
  StepSchedule schedule = {};  ///< of the chains
  TrainingOptions training = {};
  std::uint64_t seed = 0;
  int check_every = 100;  ///< gradient steps between observer calls
  Observer observer = {};
  /// File that is replaced after every round, and at a refresh when checkpoint_seconds have passed since;
  /// empty: none. It holds networks, optimiser, counters and history, and is whole or not there.
  std::filesystem::path checkpoint = {};
  double checkpoint_seconds = 30;
  /// Continue from the checkpoint if it exists; the result is bitwise that of a run that was never stopped.
  /// Only iterations, tolerance and how the run is observed and saved may differ.
  bool resume = false;

  /// Throws InvalidArgument on values outside their range.
  void validate(const char* function) const;
};

}  // namespace fortet
