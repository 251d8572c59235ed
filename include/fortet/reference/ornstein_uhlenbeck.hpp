#pragma once
#include <cmath>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

/// dX = -rate (X - mean) dt + sigma dW on [0, horizon]; an empty mean is the origin. The static problem is
/// the Brownian one between the pushed-forward source and the target,
///   x~ = alpha x + (1 - alpha) mean,  alpha = exp(-rate T),  epsilon = sigma^2 (1 - exp(-2 rate T)) / (2
///   rate).
struct OrnsteinUhlenbeck {
  double rate = 1.0;
  std::vector<double> mean = {};
  double sigma = 1.0;
  double horizon = 1.0;

  double epsilon() const { return variance(0.0, horizon); }
  double mean_factor(double t, double s) const { return std::exp(-rate * (s - t)); }
  double variance(double t, double s) const {
    return -sigma * sigma * std::expm1(-2 * rate * (s - t)) / (2 * rate);
  }
  double mean_of(int coordinate) const {
    return mean.empty() ? 0.0 : mean[static_cast<std::size_t>(coordinate)];
  }

  /// Throws InvalidArgument unless rate, sigma and horizon are finite and > 0 and the mean is finite.
  void validate(const char* function) const {
    detail::require(std::isfinite(rate) && rate > 0, function, "rate", rate, "expected a finite number > 0");
    detail::require(std::isfinite(sigma) && sigma > 0, function, "sigma", sigma,
                    "expected a finite number > 0");
    detail::require(std::isfinite(horizon) && horizon > 0, function, "horizon", horizon,
                    "expected a finite number > 0");
    for (double value : mean)
      detail::require(std::isfinite(value), function, "mean", value, "expected finite coordinates");
  }
};

}  // namespace fortet
