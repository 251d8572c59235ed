#pragma once
#include <cmath>

#include "fortet/error.hpp"

namespace fortet {

/// Brownian motion dX = sigma dW on [0, horizon]. Its static cost is c(x, y) = |x - y|^2 / 2 with
/// epsilon = sigma^2 horizon.
struct Brownian {
  double sigma = 1.0;
  double horizon = 1.0;
  double exact_epsilon = 0;  ///< what brownian_with_epsilon() was given, whose root has lost the last digit

  double epsilon() const {
    const double product = sigma * sigma * horizon;
    // somebody may have set another sigma since; five roundings make up sigma and this product
    return std::abs(product - exact_epsilon) <= 6e-16 * product ? exact_epsilon : product;
  }
  double mean_factor(double /*t*/, double /*s*/) const { return 1.0; }
  double variance(double t, double s) const { return epsilon() * ((s - t) / horizon); }
  double mean_of(int /*coordinate*/) const { return 0.0; }

  /// Throws InvalidArgument unless sigma and horizon are finite and > 0.
  void validate(const char* function) const {
    detail::require(std::isfinite(sigma) && sigma > 0, function, "sigma", sigma,
                    "expected a finite number > 0");
    detail::require(std::isfinite(horizon) && horizon > 0, function, "horizon", horizon,
                    "expected a finite number > 0");
  }
};

/// The Brownian reference whose epsilon() is the given one to the last digit.
inline Brownian brownian_with_epsilon(double epsilon, double horizon = 1.0) {
  detail::require(std::isfinite(epsilon) && epsilon > 0, "fortet::brownian_with_epsilon", "epsilon", epsilon,
                  "expected a finite number > 0");
  return {.sigma = std::sqrt(epsilon / horizon), .horizon = horizon, .exact_epsilon = epsilon};
}

// ---- other libraries' parameters, converted to epsilon for the cost |x - y|^2 / 2 (conventions, section 1)

/// POT `reg` or OTT `epsilon`, used with the cost |x - y|^2.
inline double epsilon_from_squared_cost_regularisation(double reg) { return reg / 2; }
inline double squared_cost_regularisation_from_epsilon(double epsilon) { return 2 * epsilon; }
/// GeomLoss `blur` with p = 2 (cost |x - y|^2 / 2).
inline double epsilon_from_blur(double blur) { return blur * blur; }
inline double blur_from_epsilon(double epsilon) { return std::sqrt(epsilon); }

}  // namespace fortet
