#pragma once
#include <vector>

namespace fortet {

/// How [0, horizon] is cut into the steps of a chain. `triangular` is the schedule of De Bortoli et al.
/// (2021): the step lengths gamma_k (half the noise variance) rise linearly to the middle and fall again.
struct StepSchedule {
  enum class Kind { constant, triangular };
  int steps = 20;
  Kind kind = Kind::constant;
  double ratio = 100;              ///< triangular: longest step over shortest
  std::vector<double> times = {};  ///< explicit times 0 < ... < horizon; replaces all of the above

  /// The steps + 1 times from 0 to the horizon. Throws InvalidArgument on steps < 1, ratio < 1, or explicit
  /// times that do not increase strictly from 0 to the horizon.
  std::vector<double> grid(double horizon) const;
};

}  // namespace fortet
