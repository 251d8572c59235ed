#pragma once
// One report for every solver.
#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fortet {

/// How a solve ended. Everything but `converged` still comes with the best answer found.
enum class Status { converged, iteration_limit, stalled, diverged, cancelled, precision_limit };

std::string_view to_string(Status status);

/// One line of a solver's history. `method` says what the step was ("plain", "over-relaxed", ...).
struct HistoryEntry {
  int iteration = 0;
  double epsilon = 0;
  double marginal_error = 0;
  double seconds = 0;
  std::string method;
};

/// What a solver says about its answer. Quantities are in cost units, per unit of mass; an optional that is
/// empty was not asked for or does not exist for that solver.
struct Report {
  std::string solver;  ///< "sinkhorn", "gaussian", ...
  Status status = Status::iteration_limit;
  int iterations = 0;        ///< full iterations, annealing included
  double seconds = 0;        ///< wall clock of solve()
  double epsilon = 0;        ///< sigma^2 T, or the static epsilon
  std::size_t n = 0, m = 0;  ///< atoms of source and target (0: not atomic)
  int dimension = 0;
  std::string precision;  ///< "double", "float", "float, corrected in double", "float, finished in double"
  std::string kernel;     ///< which kernel did the work, and why; notes after "; "
  double marginal_error = 0;             ///< max over both sides of the L1 distance of the marginals
  std::optional<double> transport_cost;  ///< <c, pi>
  std::optional<double> entropic_cost;   ///< transport_cost + epsilon KL(pi | mu x nu)
  std::optional<double> dual_value;      ///< int f dmu + int g dnu - epsilon (mass(pi) - 1)
  std::optional<double> duality_gap;     ///< entropic cost of the rounded feasible plan - dual_value
  std::vector<HistoryEntry> history;

  [[nodiscard]] bool converged() const noexcept { return status == Status::converged; }
};

/// An aligned table for people.
std::ostream& operator<<(std::ostream& out, const Report& report);

/// What every solver returns.
template <class C>
struct Solution {
  C coupling;
  Report report;
};

}  // namespace fortet
