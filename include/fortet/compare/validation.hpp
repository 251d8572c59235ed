#pragma once
// What validate() says: plain values, no Kokkos.
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "fortet/compare/comparison.hpp"

namespace fortet {

/// How validate() draws and judges. Every score is a function of the model, the truth and these numbers.
struct ValidateOptions {
  std::size_t pairs = 20000;  ///< drawn from the model
  std::uint64_t seed = 0;
  /// Added to every limit, in percent like the scores: what a method with an error of its own may have.
  double tolerance = 0;
  int floor_draws = 16;  ///< samples of the truth, as large as the model's, that give floors and limits

  /// Throws InvalidArgument unless pairs >= 200, tolerance >= 0 and floor_draws >= 8.
  void validate() const;
};

/// A score in percent, zero for the truth, and what exact samples of the same size have.
struct ValidationScore {
  std::string metric;
  Estimate estimate;
  double limit = 0;  ///< floor + six standard deviations of the floor's draws + tolerance
  bool passed = false;
};

/// The answer of validate().
struct Validation {
  std::vector<ValidationScore> scores;
  std::size_t pairs = 0;

  bool passed() const;
  /// The score of that name, or nullptr; it lives as long as this.
  const ValidationScore* find(std::string_view metric) const&;
  const ValidationScore* find(std::string_view metric) const&& = delete;
};

/// An aligned table for people.
std::ostream& operator<<(std::ostream& out, const Validation& validation);

}  // namespace fortet
