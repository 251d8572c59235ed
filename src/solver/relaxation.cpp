#include "solver/relaxation.hpp"

#include <algorithm>
#include <cmath>

namespace fortet::solver {

std::vector<double> annealing_levels(double epsilon, double mean_cost, double largest_cost, double factor,
                                     double threshold) {
  std::vector<double> levels{epsilon};
  if (epsilon < threshold * mean_cost)
    for (double level = epsilon / factor; level < largest_cost; level /= factor) levels.push_back(level);
  std::reverse(levels.begin(), levels.end());
  return levels;
}

double dual_gain(double log_ratio, double omega) {
  return std::expm1(log_ratio) - std::expm1((1 - omega) * log_ratio) - omega * log_ratio;
}

double safe_log_ratio(double omega) {
  // the gain is omega (2 - omega) r^2 / 2 + (1 - (1 - omega)^3) r^3 / 6 + ...; half of where the cubic term
  // wins
  if (omega <= 1) return -INFINITY;
  const double cubic = 1 - std::pow(1 - omega, 3);
  return -1.5 * omega * (2 - omega) / cubic;
}

void Relaxation::observe(double error) {
  if (!(error > 0) || !std::isfinite(error)) return;
  log_errors_.push_back(std::log(error));
  // the transient of a factor w dies like (w - 1)^k: wait for it, then fit a line to the last part
  const std::size_t window = static_cast<std::size_t>(std::clamp(2 / (2 - factor_), 6.0, 40.0));
  if (log_errors_.size() < 2 * window) return;
  const auto last = log_errors_.end() - static_cast<std::ptrdiff_t>(window);
  double mean = 0, slope = 0, norm = 0;
  for (std::size_t i = 0; i < window; ++i)
    mean += last[static_cast<std::ptrdiff_t>(i)] / static_cast<double>(window);
  for (std::size_t i = 0; i < window; ++i) {
    const double x = static_cast<double>(i) - (static_cast<double>(window) - 1) / 2;
    slope += x * (last[static_cast<std::ptrdiff_t>(i)] - mean);
    norm += x * x;
  }
  rate_ = std::exp(slope / norm);
  if (rate_ >= 1 || largest_ <= 1) return;
  double theta = rate_;
  if (factor_ > 1) {
    if (rate_ <= factor_ - 1) {
      // faster than any real mode of this factor: it may be larger than the best one
      factor_ = 1 + (factor_ - 1) * 0.97;
      log_errors_.erase(log_errors_.begin(), last);
      return;
    }
    theta = std::pow(rate_ + factor_ - 1, 2) / (rate_ * factor_ * factor_);
  }
  theta = std::min(theta, 1.0 - 1e-9);
  const double best = std::min(2 / (1 + std::sqrt(1 - theta)), largest_ - 0.05 * refusals_);
  // only changes that pay for the transient they cause
  if (best > factor_ + 0.1 * (2 - factor_)) {
    factor_ = best;
    log_errors_.clear();
  }
}

void Relaxation::refuse() {
  factor_ = 1 + (factor_ - 1) / 2;
  refusals_ = std::min(refusals_ + 1, 10);
  log_errors_.clear();
}

void Relaxation::restart() {
  log_errors_.clear();
  rate_ = 1.0;
}

}  // namespace fortet::solver
