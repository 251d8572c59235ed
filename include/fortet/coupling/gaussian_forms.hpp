#pragma once
// The closed forms of a Gaussian Schroedinger bridge as plain data.
#include <optional>
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet {

/// x -> value + gradient . (x - centre) + (x - centre)^T hessian (x - centre) / 2.
struct Quadratic {
  std::vector<double> centre;
  Matrix hessian;
  std::vector<double> gradient;
  double value = 0;
};

/// Everything static about the bridge between mu = N(m0, S0) and nu = N(m1, S1). Costs are those of the
/// whitened problem c(x, y) = |x' - y'|^2 / 2, which is |x - y|^2 / 2 for a Brownian reference.
struct GaussianPlan {
  int dimension = 0;
  double epsilon = 0, horizon = 0;

  AffineMap forward_map;                       ///< E[X1 | X0 = x]; its slope is K
  Matrix forward_covariance;                   ///< Cov(X1 | X0), epsilon K for a Brownian reference
  AffineMap backward_map;                      ///< E[X0 | X1 = y]; its slope is K'
  Matrix backward_covariance;                  ///< Cov(X0 | X1)
  Matrix cross_covariance;                     ///< C = Cov(X0, X1)
  std::vector<double> canonical_correlations;  ///< of X0 and X1, descending
  Matrix discriminant;  ///< D = (4 S0'^{1/2} S1' S0'^{1/2} + epsilon^2 I)^{1/2}, whitened covariances
  Matrix coupling;  ///< G: the (0,1) block of the inverse joint covariance is -G / epsilon (Brownian: G = I)

  double transport_cost = 0;       ///< <c, pi>
  double relative_entropy = 0;     ///< KL(pi | mu x nu)
  double entropic_cost = 0;        ///< OT_eps = transport_cost + epsilon relative_entropy
  double sinkhorn_divergence = 0;  ///< OT_eps(mu, nu) - OT_eps(mu, mu) / 2 - OT_eps(nu, nu) / 2, whitened
  double path_entropy = 0;         ///< KL(P | R started from mu); +inf when nu is singular
  Quadratic source_potential, target_potential;  ///< f and g, with int f dmu = int g dnu
};

/// Everything about the bridge at one time. Forward: dX = b dt + noise; backward: the same in reversed time;
/// probability flow: dX = v dt has the same marginals. A drift is absent at the one time where a singular
/// marginal makes it infinite.
struct GaussianSlice {
  double time = 0;
  std::vector<double> mean;
  Matrix covariance;
  std::optional<AffineMap> forward_drift, backward_drift, probability_flow;
};

/// X_s | X_t = x  ~  N(mean(x), covariance).
struct GaussianKernel {
  AffineMap mean;
  Matrix covariance;
};

/// Moments of the end of a coupling that a half-step leaves free, and C = Cov(X0, X1).
struct GaussianEnd {
  std::vector<double> mean;
  Matrix covariance;
  Matrix cross_covariance;
};

/// A half-step of iterative proportional fitting: the free end given the fitted one ~ N(map, covariance).
struct GaussianHalfStep {
  AffineMap map;
  Matrix covariance;
  GaussianEnd end;
};

/// Backward: X1 ~ nu fitted, X0 free. Forward: X0 ~ mu fitted, X1 free.
struct GaussianIterate {
  GaussianHalfStep backward, forward;
};

/// A chain's iterates: moments of the free end after each half-step, and the fitted chains of the last
/// iteration. forward[k] takes x_k to the mean of x_{k+1}; backward[k] takes x_{k+1} to the mean of x_k.
struct GaussianDsb {
  struct Iterate {
    GaussianEnd backward, forward;
  };
  std::vector<Iterate> iterates;
  std::vector<AffineMap> forward, backward;
};

}  // namespace fortet
