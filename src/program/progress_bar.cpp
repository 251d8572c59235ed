#include "program/progress_bar.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "program/interrupt.hpp"

namespace fortet::program {
namespace {

int terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// Errors shrink geometrically: how far from the first error to the tolerance, on a logarithmic scale.
double fraction_done(double first, double now, double tolerance) {
  if (!(tolerance > 0) || !(first > tolerance) || !(now > 0)) return 0;
  return std::clamp(std::log(first / now) / std::log(first / tolerance), 0.0, 1.0);
}

std::string clock(double seconds) {
  const auto whole = static_cast<long>(std::ceil(seconds));
  char text[48];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

std::string time_left(const Progress& p, double iteration_seconds) {
  if (!(p.rate > 0 && p.rate < 1) || !(p.error > p.tolerance) || !(iteration_seconds > 0)) return "";
  const double seconds = std::log(p.tolerance / p.error) / std::log(p.rate) * iteration_seconds;
  if (!(seconds < 1e7)) return "";
  return "  " + clock(seconds) + " left";
}

std::string bar(double fraction, int width) {
  const int done = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * width);
  return "  [" + std::string(static_cast<std::size_t>(done), '=') +
         std::string(static_cast<std::size_t>(width - done), ' ') + ']';
}

// Of a solver that trains: which drift, how far its training and the whole run are.
std::string training_line(const Progress& p, int width) {
  char text[160];
  std::snprintf(text, sizeof text, "%d/%d %s %3.0f %%  loss %.3g", p.iteration, p.max_iterations,
                std::string(p.phase).c_str(), 100 * p.part, p.loss);
  std::string line = text;
  if (p.error > 0) {
    std::snprintf(text, sizeof text, "  moved %.1e > %.0e", p.error, p.tolerance);
    line += text;
  }
  if (p.done > 0 && p.seconds > 1) line += "  " + clock(p.seconds * (1 - p.done) / p.done) + " left";
  const int room = width - 1 - static_cast<int>(line.size()) - 4;
  return room >= 8 ? line + bar(p.done, std::min(room, 30)) : line;
}

}  // namespace

std::string progress_line(const Progress& p, double fraction, double iteration_seconds, int width) {
  const auto fitting = [width](const std::string& line) {
    return line.substr(0, static_cast<std::size_t>(std::max(width - 1, 0)));
  };
  if (p.done > 0) return fitting(training_line(p, width));
  char text[160];
  std::snprintf(text, sizeof text, "%.12s  eps %.2g  iteration %d  error %.1e > %.0e",
                std::string(p.phase).c_str(), p.epsilon, p.iteration, p.error, p.tolerance);
  std::string line = text;
  if (p.rate > 0 && p.rate < 1) {
    std::snprintf(text, sizeof text, "  rate %.4f", p.rate);
    line += text;
  }
  line += time_left(p, iteration_seconds);
  const int room = width - 1 - static_cast<int>(line.size()) - 4;
  if (room >= 8) line += bar(fraction, std::min(room, 30));
  return fitting(line);
}

ProgressBar::ProgressBar(bool quiet) : enabled_(!quiet && isatty(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() { wipe(); }

void ProgressBar::wipe() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void ProgressBar::show(const Progress& p) {
  if (!enabled_) return;
  if (p.epsilon != level_) {
    level_ = p.epsilon;
    first_error_ = 0;
  }
  first_error_ = std::max(first_error_, p.error);
  if (p.iteration > previous_iteration_)
    iteration_seconds_ = (p.seconds - previous_seconds_) / (p.iteration - previous_iteration_);
  previous_iteration_ = p.iteration;
  previous_seconds_ = p.seconds;
  if (drawn_ && p.seconds - last_drawn_ < 0.1) return;
  last_drawn_ = p.seconds;
  const std::string line = progress_line(p, fraction_done(first_error_, p.error, p.tolerance),
                                         iteration_seconds_, terminal_width());
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  drawn_ = true;
}

Observer ProgressBar::observer() {
  return [this](const Progress& progress) {
    show(progress);
    return interrupted() ? Continue::no : Continue::yes;
  };
}

}  // namespace fortet::program
