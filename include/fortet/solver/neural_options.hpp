#pragma once
#include "fortet/nn/adam.hpp"

namespace fortet {

/// How a drift is regressed, once for every half-bridge or matching round.
struct TrainingOptions {
  int steps = 5000;          ///< gradient steps
  int batch = 512;           ///< rows of a step; may exceed `particles` (rows are drawn with replacement)
  int particles = 10000;     ///< simulated trajectories (or pairs) kept to draw batches from
  int refresh = 1000;        ///< gradient steps after which they are simulated anew
  bool fresh_start = false;  ///< begin from initial weights, not from the previous round's average
  AdamOptions adam = {};

  /// Throws InvalidArgument on values outside their range.
  void validate(const char* function) const;
};

}  // namespace fortet
