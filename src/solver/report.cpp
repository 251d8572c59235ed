#include "fortet/report.hpp"

#include <iomanip>
#include <ostream>
#include <sstream>

namespace fortet {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::converged:
      return "converged";
    case Status::iteration_limit:
      return "iteration_limit";
    case Status::stalled:
      return "stalled";
    case Status::diverged:
      return "diverged";
    case Status::cancelled:
      return "cancelled";
    case Status::precision_limit:
      return "precision_limit";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, const Report& report) {
  const auto line = [&out](std::string_view name, const auto& value, std::string_view unit = "") {
    std::ostringstream text;
    text << std::setprecision(10) << value;
    const int width = 20;
    const bool fits = text.str().size() <= width;  // what does not stands in the column of remarks
    out << "  " << std::left << std::setw(16) << name << std::right << std::setw(width)
        << (fits ? text.str() : "") << "  " << (fits ? std::string(unit) : text.str()) << '\n';
  };
  const auto optional_line = [&line](std::string_view name, const std::optional<double>& value) {
    if (value) line(name, *value, "cost units");
  };
  line("solver", report.solver);
  line("status", to_string(report.status));
  line("iterations", report.iterations);
  line("seconds", report.seconds, "s");
  line("epsilon", report.epsilon, "cost units");
  if (report.n) line("atoms", std::to_string(report.n) + " x " + std::to_string(report.m));
  line("dimension", report.dimension);
  line("precision", report.precision);
  if (!report.kernel.empty()) line("kernel", report.kernel);
  line("marginal error", report.marginal_error, "L1");
  optional_line("transport cost", report.transport_cost);
  optional_line("entropic cost", report.entropic_cost);
  optional_line("dual value", report.dual_value);
  optional_line("duality gap", report.duality_gap);
  return out;
}

}  // namespace fortet
