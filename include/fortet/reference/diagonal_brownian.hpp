#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

/// Brownian motion with its own volatility on each axis, dX_k = sigma_k dW_k on [0, horizon]. Its static cost
/// is c(x, y) = 1/2 sum_k ((x_k - y_k) / sigma_k)^2 with epsilon = horizon.
struct DiagonalBrownian {
  std::vector<double> sigma;
  double horizon = 1.0;

  double epsilon() const { return horizon; }

  /// Throws InvalidArgument unless the horizon and every sigma are finite and > 0.
  void validate(const char* function) const {
    detail::require(std::isfinite(horizon) && horizon > 0, function, "horizon", horizon,
                    "expected a finite number > 0");
    detail::require(!sigma.empty(), function, "sigma", "empty", "expected one volatility for each axis");
    for (std::size_t k = 0; k < sigma.size(); ++k)
      detail::require(std::isfinite(sigma[k]) && sigma[k] > 0, function, "sigma[" + std::to_string(k) + "]",
                      sigma[k], "expected a finite number > 0");
  }
};

}  // namespace fortet
