#include "fortet/compare/validation.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "fortet/error.hpp"

namespace fortet {

void ValidateOptions::validate() const {
  constexpr const char* where = "fortet::validate";
  detail::require(pairs >= 200, where, "pairs", pairs, "expected at least 200");
  detail::require(tolerance >= 0, where, "tolerance", tolerance, "expected a number >= 0, in percent");
  detail::require(floor_draws >= 8, where, "floor_draws", floor_draws, "expected at least 8");
}

bool Validation::passed() const {
  return std::all_of(scores.begin(), scores.end(), [](const ValidationScore& s) { return s.passed; });
}

const ValidationScore* Validation::find(std::string_view metric) const& {
  for (const ValidationScore& s : scores)
    if (s.metric == metric) return &s;
  return nullptr;
}

std::ostream& operator<<(std::ostream& out, const Validation& validation) {
  const auto precision = out.precision(3);
  const auto flags = out.flags();
  out << std::left << std::setw(28) << "score, %" << std::right << std::setw(10) << "value" << std::setw(11)
      << "std. error" << std::setw(10) << "floor" << std::setw(10) << "limit" << '\n';
  for (const ValidationScore& s : validation.scores) {
    out << std::left << std::setw(28) << s.metric << std::right << std::setw(10) << s.estimate.value
        << std::setw(11) << s.estimate.standard_error << std::setw(10) << s.estimate.floor.value_or(0)
        << std::setw(10) << s.limit << (s.passed ? "" : "  failed") << '\n';
  }
  out.precision(precision);
  out.flags(flags);
  return out;
}

}  // namespace fortet
