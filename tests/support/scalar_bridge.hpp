#pragma once
// The one-dimensional Gaussian bridge under Brownian motion (docs/conventions.md), with everything scalar.
#include <cmath>

namespace fortet::test {

struct ScalarBridge {
  double m0, s0, m1, s1, eps;
  double D = std::sqrt(4 * s0 * s1 + eps * eps);
  double K = (D - eps) / (2 * s0), K1 = K * s0 / s1;

  double transport() const { return 0.5 * (m0 - m1) * (m0 - m1) + 0.5 * (s0 + s1 - D + eps); }
  double cost() const { return transport() + 0.5 * eps * std::log((D + eps) / (2 * eps)); }
  // gauge: both integrals are half of the cost
  double f(double x) const {
    return 0.5 * ((x - m0) * (x - m0) - s0) * (1 - K) + (m0 - m1) * (x - m0) + 0.5 * cost();
  }
  double g(double y) const {
    return 0.5 * ((y - m1) * (y - m1) - s1) * (1 - K1) - (m0 - m1) * (y - m1) + 0.5 * cost();
  }
  /// Of X_t, t in [0, 1].
  double mean(double t) const { return (1 - t) * m0 + t * m1; }
  double variance(double t) const {
    return (1 - t) * (1 - t) * s0 + t * t * s1 + t * (1 - t) * (2 * s0 * K + eps);
  }
  double forward_slope(double t) const { return (K - 1) / (1 - t + t * K); }
};

/// Iterates of IPF from the reference started in the source: after n full iterations (columns exact) X0 | X1
/// has slope B and variance eps B, and the next rows give X1 | X0 slope A; e_b and e_f are what E[X0 | X1 =
/// m1] and E[X1 | X0 = m0] are off m0 and m1.
struct ScalarIterate {
  ScalarBridge limit;
  double A = 1, B = 0, e_f = limit.m0 - limit.m1, e_b = 0;

  void advance() {
    B = 1 / (A + limit.eps / limit.s0);
    e_b = -B * e_f;
    A = 1 / (B + limit.eps / limit.s1);
    e_f = -A * e_b;
  }
  double source_mean() const { return limit.m0 + e_b; }
  double source_variance() const { return B * limit.s1 * B + limit.eps * B; }
  double covariance() const { return B * limit.s1; }
};

}  // namespace fortet::test
