#pragma once
#include <string>

#include "fortet/observer.hpp"

namespace fortet::program {

/// One line on the terminal's standard error, redrawn in place and wiped at the end: phase, iteration, error,
/// rate, time left. Silent when standard error is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet);
  ProgressBar(const ProgressBar&) = delete;
  ~ProgressBar();

  /// Draws, at most ten times a second.
  void show(const Progress& progress);
  /// Draws, and asks the solver to stop after Ctrl-C.
  Observer observer();
  /// Leaves the line empty for what is printed next.
  void wipe();

 private:
  bool enabled_;
  bool drawn_ = false;
  double last_drawn_ = 0;
  double level_ = 0, first_error_ = 0;  // epsilon of the current level and its first error
  int previous_iteration_ = 0;          // of the last call, to time an iteration
  double previous_seconds_ = 0, iteration_seconds_ = 0;
};

/// What ProgressBar draws, at most `width` characters. `fraction` of the way is done.
std::string progress_line(const Progress& progress, double fraction, double iteration_seconds, int width);

}  // namespace fortet::program
