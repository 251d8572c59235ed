#pragma once
// What a comparison says: plain values, no Kokkos.
#include <cstddef>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fortet {

/// A figure computed from samples, with what is needed to judge it.
struct Estimate {
  double value = 0;
  /// One standard deviation of `value` over repetitions with fresh samples; NaN when not estimated.
  double standard_error = std::numeric_limits<double>::quiet_NaN();
  std::string how = {};      ///< how the standard error was obtained: "analytic", "16 batches", ...
  std::size_t n = 0, m = 0;  ///< samples of the first and of the second side
  /// The sampling floor: what two fresh draws of the truth, of n and m samples, score; mean over floor_draws.
  std::optional<double> floor = {};
  double floor_standard_error = std::numeric_limits<double>::quiet_NaN();
  int floor_draws = 0;
};

/// The mean of repeated scores between fresh draws of the truth becomes the floor of `estimate`.
void set_floor(Estimate& estimate, const std::vector<double>& scores);

/// One line of a comparison: which metric, of which law (source, target, pairs, paths, ...), in which unit.
struct ComparisonRow {
  std::string metric, law, unit;
  Estimate estimate;
};

/// Distance between the two time marginals at `time`.
struct MarginalError {
  double time = 0;
  Estimate sliced_w2, bw2_uvp;
};

/// The answer of compare(): first side A (the model) against second side B (the truth).
struct Comparison {
  std::string first = "A", second = "B";  ///< names printed in the heading
  std::vector<ComparisonRow> rows;
  std::vector<MarginalError> marginals;    ///< empty unless both sides are bridges
  std::vector<std::string> not_available;  ///< one line a metric that could not be had, and why
  std::size_t pairs = 0;
  unsigned long long seed = 0;
  double seconds = 0;

  /// The row of that metric and law, or nullptr.
  const ComparisonRow* find(std::string_view metric, std::string_view law) const;
};

/// An aligned table for people.
std::ostream& operator<<(std::ostream& out, const Comparison& comparison);

/// The same as a JSON document (numbers that are not finite become null).
std::string to_json(const Comparison& comparison);

}  // namespace fortet
