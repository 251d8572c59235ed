#pragma once
// Pairs whose Schroedinger bridge is known because they were made from it (Gushchin et al. 2023): a source, a
// potential that is a mixture of Gaussians, and the target that these two have.
#include <vector>

#include "fortet/compare/gaussian_fit.hpp"
#include "fortet/concepts.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/measure/grid_measure.hpp"
#include "fortet/reference/brownian.hpp"

namespace fortet::validation {

/// pi(dx, dy) = mu(dx) phi(y) exp(-|x - y|^2 / (2 epsilon)) dy / c(x) with mu = N(0, I / 2) and phi the sum
/// of five N(centre, I) whose centres lie on the sphere of radius 5. Given X_t = x, X1 is the mixture with
/// weights in proportion to N(x | centre, (1 + tau) I), tau = epsilon (1 - t), means (tau centre + x) / (1 +
/// tau) and covariances tau / (1 + tau) I; the drift is epsilon grad log sum_k N(x | centre_k, (1 + tau) I).
/// Models Bridge and BarycentricCoupling on [0, 1]. Parameters are this project's own, a function of the
/// dimension.
class MixturePair {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  using In = ConstPoints<double>;
  using Out = Points<double>;
  static constexpr int components = 5;

  MixturePair(int dimension, double epsilon);

  int source_dimension() const { return source_.dimension(); }
  int target_dimension() const { return source_.dimension(); }
  double epsilon() const { return reference_.epsilon(); }
  const Brownian& reference() const { return reference_; }
  const Gaussian& source() const { return source_; }

  void sample(const DefaultExec& exec, RandomKey key, Out x0, Out x1) const;
  void sample_conditional(const DefaultExec& exec, RandomKey key, In x0, Out x1) const;
  void conditional_mean(const DefaultExec& exec, In x0, Out mean) const;
  void forward_drift(const DefaultExec& exec, double t, In x, Out out) const;
  void sample_marginal(const DefaultExec& exec, RandomKey key, double t, Out out) const;

  /// Mean and covariance of X1 | X0 = x for every row.
  std::vector<Moments> conditional_moments(In x0) const;
  /// Density of the target at the nodes of a grid in the plane, by the sum over the nodes of the source's,
  /// which is exact to rounding where the grid resolves both.
  GridMeasure target_on(const GridMeasure& source) const;

 private:
  Gaussian source_;
  Brownian reference_;
  std::vector<double> centres_;  // row-major
  Points<double> device_centres_;
};

/// Draws of the target alone.
class MixtureTarget {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;

  explicit MixtureTarget(MixturePair pair) : pair_(std::move(pair)) {}
  int dimension() const { return pair_.target_dimension(); }
  void sample(const DefaultExec& exec, RandomKey key, Points<double> out) const;

 private:
  MixturePair pair_;
};

/// The exact drift integrated with N Euler steps: what a perfect drift scores when it is simulated like that.
class EulerChain {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;

  EulerChain(MixturePair pair, int steps) : pair_(std::move(pair)), steps_(steps) {}
  int source_dimension() const { return pair_.source_dimension(); }
  int target_dimension() const { return pair_.source_dimension(); }
  void sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const;
  void sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                          Points<double> x1) const;

 private:
  MixturePair pair_;
  int steps_;
};

}  // namespace fortet::validation
