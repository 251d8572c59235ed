#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include "fortet/reference/brownian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"

namespace fortet {

/// Brownian motion (rate 0) or an Ornstein-Uhlenbeck process as one value type: what solvers that take either
/// keep. Models ReferenceProcess.
struct IsotropicReference {
  double rate = 0;
  std::vector<double> mean = {};
  double sigma = 1;
  double horizon = 1;

  IsotropicReference() = default;
  IsotropicReference(const Brownian& brownian) : sigma(brownian.sigma), horizon(brownian.horizon) {}
  IsotropicReference(const OrnsteinUhlenbeck& process)
      : rate(process.rate), mean(process.mean), sigma(process.sigma), horizon(process.horizon) {}

  double epsilon() const { return variance(0.0, horizon); }
  double mean_factor(double t, double s) const { return std::exp(-rate * (s - t)); }
  double variance(double t, double s) const {
    if (rate == 0) return sigma * sigma * (s - t);
    return -sigma * sigma * std::expm1(-2 * rate * (s - t)) / (2 * rate);
  }
  double mean_of(int coordinate) const {
    return mean.empty() ? 0.0 : mean[static_cast<std::size_t>(coordinate)];
  }
};

}  // namespace fortet
