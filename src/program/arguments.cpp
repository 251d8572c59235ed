#include "program/arguments.hpp"

#include <cmath>
#include <string_view>

namespace fortet::program {
namespace {

double positive(std::string_view option, double value) {
  detail::require(std::isfinite(value) && value > 0, "fortet", option, value, "expected a finite number > 0");
  return value;
}

}  // namespace

Brownian EpsilonArguments::reference() const {
  if (epsilon && (sigma || horizon))
    throw InvalidArgument(
        "give either --epsilon or --sigma with --horizon (epsilon = sigma^2 horizon), not both");
  if (epsilon) return brownian_with_epsilon(positive("--epsilon", *epsilon));
  if (!sigma) throw InvalidArgument("give --epsilon, or --sigma with --horizon (epsilon = sigma^2 horizon)");
  return {.sigma = positive("--sigma", *sigma), .horizon = positive("--horizon", horizon.value_or(1.0))};
}

}  // namespace fortet::program
