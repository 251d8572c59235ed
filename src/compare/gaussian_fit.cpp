#include "fortet/compare/gaussian_fit.hpp"

#include "gaussian/symmetric.hpp"

namespace fortet {

double bures_wasserstein(const Moments& first, const Moments& second) {
  const std::size_t d = first.mean.size();
  const auto check = [d](const Moments& moments, const char* argument) {
    detail::require(
        d > 0 && moments.mean.size() == d && moments.covariance.rows() == d && moments.covariance.cols() == d,
        "fortet::bures_wasserstein", argument, moments.mean.size(),
        "a mean and a covariance of one dimension on both sides");
  };
  check(first, "first.mean.size()");
  check(second, "second.mean.size()");
  return gaussian::bures_wasserstein(first.mean, first.covariance, second.mean, second.covariance);
}

}  // namespace fortet
