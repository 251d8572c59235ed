#pragma once
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet {

/// X_s | X_t = x  ~  N(factor x + offset, covariance).
struct LinearTransition {
  Matrix factor;
  std::vector<double> offset;
  Matrix covariance;
};

/// dX = (drift X + offset) dt + noise dW on [0, horizon] with full matrices; an empty offset is 0, and noise
/// may have fewer columns than rows as long as it reaches every direction by the horizon (a Langevin process,
/// say). With X_T | X_0 = x ~ N(Phi x + c, Q) the static problem is the Brownian one of epsilon = 1 between
/// the whitened
///   x' = Q^{-1/2} (Phi x + c),  y' = Q^{-1/2} y.
/// Models Reference; not ReferenceProcess, whose noise is isotropic.
struct LinearSde {
  Matrix drift;
  std::vector<double> offset = {};
  Matrix noise;
  double horizon = 1.0;

  double epsilon() const { return 1.0; }
  int dimension() const { return static_cast<int>(drift.rows()); }

  /// The law of X_s given X_t, s >= t. Taylor series over a step short against |drift|, then doubling
  /// (Phi -> Phi^2, Q -> Q + Phi Q Phi^T): sums of covariances only, hence no cancellation where the drift is
  /// stiff, unlike the block exponential of Van Loan (1978). O(d^3 log |drift| (s - t)) on the host.
  LinearTransition transition(double t, double s) const;

  /// Throws InvalidArgument unless the matrices are finite and of equal dimension, the horizon is finite and
  /// > 0, and the covariance of X_T given X_0 is positive definite.
  void validate(const char* function) const;
};

}  // namespace fortet
