#pragma once
// The closed forms of the bridge between two Gaussians under a linear reference, on the host. No Eigen and no
// Kokkos here: this is what the device side sees.
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "fortet/coupling/gaussian_forms.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/reference/linear_sde.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "gaussian/centred_map.hpp"

namespace fortet::gaussian {

using LinearReference = std::variant<Brownian, OrnsteinUhlenbeck, LinearSde>;

/// N(mean, covariance) seen from the host.
struct Moments {
  std::span<const double> mean;
  const Matrix& covariance;
};

/// A conditional law to draw from: map(x) + root z.
struct NoisyMap {
  CentredMap map;
  Matrix root;
};

/// start x + end y + offset + root z: the reference at s, given x at t and y at the horizon.
struct PinnedMap {
  Matrix start, end;
  std::vector<double> offset;
  Matrix root;
};

class LinearBridge {
 public:
  LinearBridge(Moments source, Moments target, const LinearReference& reference, const char* function);
  ~LinearBridge();

  GaussianPlan plan() const;

  NoisyMap forward() const;   // X1 | X0
  NoisyMap backward() const;  // X0 | X1
  Quadratic source_potential() const;
  Quadratic target_potential() const;

  /// In the basis where the two ends are pairs of correlation rho, with eta = target(y),
  /// b = predicted(x) and e = innovation (y - E[Y|x]),
  ///   log d pi / d(mu x nu)(x, y) = constant + sum_i [eta_i^2 - e_i^2 / (1 - rho_i^2)] / 2
  ///                               = constant + sum_i [b_i (2 eta_i - b_i) - rho_i^2 eta_i^2] / (1 - rho_i^2)
  ///                               / 2;
  /// the first form keeps its digits at strong correlation, the second at weak.
  struct DensityRatio {
    double constant;
    CentredMap target, predicted;
    Matrix innovation;
    std::vector<double> squared_correlation, remainder;  // rho^2 and 1 - rho^2
  };
  DensityRatio density_ratio() const;

  std::vector<double> mean(double t) const;
  Matrix covariance(double s, double t) const;  // Cov(X_s, X_t)
  CentredMap forward_drift(double t) const;
  CentredMap backward_drift(double t) const;
  CentredMap probability_flow(double t) const;
  bool has_forward_drift(double t) const;
  bool has_backward_drift(double t) const;
  NoisyMap transition(double t, double s) const;  // X_s | X_t
  Matrix transition_covariance(double t, double s) const;
  PinnedMap pinned(double t, double s) const;

  /// KL between the path measures of two bridges of one reference: that of their couplings, because both are
  /// mixtures of the same pinned processes.
  double path_entropy(const LinearBridge& other) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace fortet::gaussian
