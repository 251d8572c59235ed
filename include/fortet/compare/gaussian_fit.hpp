#pragma once
// Moments and the distance of the Gaussians that have them. Host only; no Kokkos here.
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet {

/// Mean and covariance.
struct Moments {
  std::vector<double> mean;
  Matrix covariance;
};

/// BW = |m - m'|^2 / 2 + tr S / 2 + tr S' / 2 - tr (S^{1/2} S' S^{1/2})^{1/2}: half the squared W2 distance
/// of the two Gaussians. Singular covariances are allowed. O(d^3). Throws InvalidArgument when shapes differ.
double bures_wasserstein(const Moments& first, const Moments& second);

}  // namespace fortet
