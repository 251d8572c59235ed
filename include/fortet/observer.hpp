#pragma once
// How a long run tells its caller where it is, and how the caller stops it. The library never prints.
#include <functional>
#include <string_view>

namespace fortet {

/// Where a running solver is.
struct Progress {
  std::string_view phase;  ///< "annealing", "iterating", "certifying", ...
  int iteration = 0;
  int max_iterations = 0;
  double epsilon = 0;  ///< of the current annealing level
  double error = 0;    ///< marginal error, or the solver's own stopping quantity
  double tolerance = 0;
  double rate = 1;  ///< measured error reduction per iteration (1: not known yet)
  double seconds = 0;
  double done = 0;                ///< part of the whole work, in [0, 1]; 0: not known
  double part = 0;                ///< of the current phase, in [0, 1]; 0: not known
  double loss = 0;                ///< of a solver that trains: mean over the last steps
  double marginal_error = 0;      ///< of a solver that trains: of the last round, as in its Report
  double samples_per_second = 0;  ///< of a solver that trains: rows of batches a second so far
};

enum class Continue { yes, no };

/// Called on the host every `check_every` iterations; returning Continue::no ends the run with
/// Status::cancelled and the best answer so far.
using Observer = std::function<Continue(const Progress&)>;

}  // namespace fortet
