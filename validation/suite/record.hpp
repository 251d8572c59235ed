#pragma once
// What a validation case finds. No Kokkos here: the report is written from this.
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fortet::validation {

/// One figure of a case: an error, which passes when it is at most the threshold (thresholds.cpp). An
/// infinite threshold: the figure is shown, not judged, and only a NaN fails.
struct Score {
  std::string metric = {};
  double value = 0;
  /// what there is to judge it by, where it exists
  std::optional<double> standard_error = {};
  std::optional<double> sampling_floor = {};        ///< what as many fresh draws of the truth score
  std::optional<double> discretisation_floor = {};  ///< what the exact answer scores on this time grid
  std::optional<double> oracle = {};                ///< the true value that an error was taken from
  double threshold = std::numeric_limits<double>::infinity();
  std::string reason = {};  ///< for the threshold
  bool passed = false;
};

/// A plot of a case.
struct Curve {
  enum class Style { measured, points, truth, path };  ///< how the plot shows a series; a path is one of many
  struct Series {
    std::string label;
    std::vector<double> x, y;
    Style style = Style::measured;
  };
  std::string title = {}, x_label = {}, y_label = {};
  std::string caption = {};  ///< says what a good one looks like
  std::vector<Series> series = {};
  bool log_x = true, log_y = true;
};

/// A figure of a table to which the cases of a family contribute, like the tables of papers.
struct Cell {
  std::string table, row, column;
  double value = 0;
  bool published = false;  ///< by others, from their own runs
};

/// Where a case writes what it finds.
class Record {
 public:
  explicit Record(std::string name) : name_(std::move(name)) {}

  /// Compares with the threshold of this case and metric. Throws std::logic_error where there is none.
  void score(const std::string& metric, double value, Score floors = {});
  /// With a threshold and a reason of its own.
  void judge(Score score);
  void curve(Curve curve) { curves_.push_back(std::move(curve)); }
  void cell(Cell cell) { cells_.push_back(std::move(cell)); }

  const std::vector<Score>& scores() const { return scores_; }
  const std::vector<Curve>& curves() const { return curves_; }
  const std::vector<Cell>& cells() const { return cells_; }

 private:
  std::string name_;
  std::vector<Score> scores_;
  std::vector<Curve> curves_;
  std::vector<Cell> cells_;
};

/// Thrown by a case that cannot run here.
struct Skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Threshold {
  const char* pattern;  ///< of "case: metric"; * stands for anything
  double value;
  const char* reason;
};
/// The first whose pattern fits, or nullptr.
const Threshold* find_threshold(const std::string& name, const std::string& metric);

}  // namespace fortet::validation
