#include "fortet/solver/step_schedule.hpp"

#include <cmath>
#include <cstddef>
#include <numeric>

#include "fortet/error.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::StepSchedule";

std::vector<double> checked(const std::vector<double>& times, double horizon) {
  detail::require(times.size() >= 2, where, "times.size()", times.size(), "expected at least 2");
  detail::require(times.front() == 0, where, "times[0]", times.front(), "expected 0");
  detail::require(times.back() == horizon, where, "last of times", times.back(), "expected the horizon");
  for (std::size_t k = 1; k < times.size(); ++k)
    detail::require(times[k] > times[k - 1], where, "times[" + std::to_string(k) + "]", times[k],
                    "expected times that increase strictly");
  return times;
}

}  // namespace

std::vector<double> StepSchedule::grid(double horizon) const {
  if (!times.empty()) return checked(times, horizon);
  detail::require(steps >= 1, where, "steps", steps, "expected at least 1");
  detail::require(std::isfinite(ratio) && ratio >= 1, where, "ratio", ratio, "expected a finite number >= 1");
  const auto n = static_cast<std::size_t>(steps);
  std::vector<double> lengths(n, 1.0);
  const std::size_t half = (n - 1) / 2;  // steps from an end to the middle
  if (kind == Kind::triangular && half > 0)
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t from_end = k < n - 1 - k ? k : n - 1 - k;
      lengths[k] = 1 + (ratio - 1) * static_cast<double>(from_end) / static_cast<double>(half);
    }
  const double total = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  std::vector<double> out(n + 1, 0.0);
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) out[k + 1] = horizon * ((sum += lengths[k]) / total);
  out.back() = horizon;
  return out;
}

}  // namespace fortet
