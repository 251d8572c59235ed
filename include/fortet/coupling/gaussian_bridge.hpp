#pragma once
// The Schroedinger bridge between two Gaussians under a linear reference, in closed form. The mathematics is
// in docs/mathematics/gaussian.md.
#include <concepts>
#include <memory>
#include <span>

#include "fortet/coupling/gaussian_forms.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/problem.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/reference/linear_sde.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"

namespace fortet {

namespace gaussian {
class LinearBridge;
}

/// The references under which the bridge between Gaussians is Gaussian.
template <class R>
concept LinearGaussianReference =
    std::same_as<R, Brownian> || std::same_as<R, OrnsteinUhlenbeck> || std::same_as<R, LinearSde>;

/// P = argmin KL(P | R) over P_0 = N(m0, S0), P_T = N(m1, S1), exactly. Singular covariances and point masses
/// are allowed, and every epsilon. Cheap to copy. Models BarycentricCoupling and PotentialCoupling, and
/// Bridge for Brownian and OrnsteinUhlenbeck references.
///
/// Functions of a time cost O(d^3) on the host for their matrices and O(d^2) a row; they throw
/// InvalidArgument for a time outside [0, horizon] and for arrays of another shape, and do not wait for the
/// rows. Sources: Bunne, Hsieh, Cuturi, Krause 2023, Theorem 3; Janati, Muzellec, Peyre, Cuturi 2020,
/// Theorem 1; Mallasto, Gerolin, Minh 2022.
template <LinearGaussianReference Ref = Brownian>
class GaussianBridge {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;

  /// O(d^3) on the host. Throws InvalidArgument for an invalid reference or unequal dimensions.
  GaussianBridge(Gaussian source, Gaussian target, Ref reference);

  const Gaussian& source() const { return source_; }
  const Gaussian& target() const { return target_; }
  const Ref& reference() const { return reference_; }
  int source_dimension() const { return source_.dimension(); }
  int target_dimension() const { return source_.dimension(); }
  double epsilon() const { return reference_.epsilon(); }

  // ---- closed forms on the host

  /// Maps, covariances, costs, entropies, potentials. O(d^3).
  GaussianPlan plan() const;
  /// Mean, covariance and drifts at time t. O(d^3).
  GaussianSlice at(double t) const;
  /// The law of X_t. O(d^3).
  Gaussian marginal(double t) const;
  /// Cov(X_s, X_t). O(d^3).
  Matrix covariance(double s, double t) const;
  /// X_s | X_t = x for t < s, s up to the horizon. O(d^3).
  GaussianKernel transition(double t, double s) const;

  // ---- coupling

  /// Independent pairs.
  void sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const;
  /// X1 | X0 = x0.
  void sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                          Points<double> x1) const;
  /// X0 | X1 = x1.
  void sample_backward(const DefaultExec& exec, RandomKey key, ConstPoints<double> x1,
                       Points<double> x0) const;
  /// E[X1 | X0 = x0] = m1 + K (x0 - m0).
  void conditional_mean(const DefaultExec& exec, ConstPoints<double> x0, Points<double> mean) const;
  /// log d pi / d(mu x nu) = (f(x0) + g(x1) - c(x0, x1)) / epsilon, evaluated direction by direction so that
  /// it keeps its digits at every epsilon. Where nu is singular, x1 counts as its projection on nu's support.
  void log_density_ratio(const DefaultExec& exec, ConstPoints<double> x0, ConstPoints<double> x1,
                         Vector<double> out) const;
  /// log of the density of pi. Throws InvalidArgument when mu or nu is singular.
  void log_density(const DefaultExec& exec, ConstPoints<double> x0, ConstPoints<double> x1,
                   Vector<double> out) const;
  /// f and g in cost units, with int f dmu = int g dnu.
  void source_potential(const DefaultExec& exec, ConstPoints<double> x, Vector<double> out) const;
  void target_potential(const DefaultExec& exec, ConstPoints<double> y, Vector<double> out) const;

  // ---- bridge

  /// b(t, x) of dX = b dt + noise. Throws at t = horizon when nu is singular: b is infinite there.
  void forward_drift(const DefaultExec& exec, double t, ConstPoints<double> x, Points<double> out) const;
  /// The drift of the time-reversed bridge at time t of the forward clock; with the forward drift it sums to
  /// noise grad log p_t. Throws at t = 0 when mu is singular.
  void backward_drift(const DefaultExec& exec, double t, ConstPoints<double> x, Points<double> out) const;
  /// The velocity whose flow has the bridge's marginals. Throws where either drift does.
  void probability_flow_drift(const DefaultExec& exec, double t, ConstPoints<double> x,
                              Points<double> out) const;
  void sample_marginal(const DefaultExec& exec, RandomKey key, double t, Points<double> out) const;
  /// X_s | X_t = x, t < s: one step of any length, without discretisation error.
  void sample_transition(const DefaultExec& exec, RandomKey key, double t, double s, ConstPoints<double> x,
                         Points<double> out) const;
  /// Paths at increasing times in [0, horizon], exact in law for any number of times: a pair from the
  /// coupling, then the pinned reference from each time to the next. paths is (n, d, times.size()).
  void sample_paths(const DefaultExec& exec, RandomKey key, std::span<const double> times,
                    Paths<double> paths) const;

  /// For functions of two bridges.
  const gaussian::LinearBridge& closed_forms() const { return *closed_forms_; }

 private:
  Gaussian source_, target_;
  Ref reference_;
  std::shared_ptr<const gaussian::LinearBridge> closed_forms_;
};

extern template class GaussianBridge<Brownian>;
extern template class GaussianBridge<OrnsteinUhlenbeck>;
extern template class GaussianBridge<LinearSde>;

/// The bridge of a Gaussian problem. O(d^3) on the host; throws InvalidArgument as its constructor does.
template <LinearGaussianReference Ref>
GaussianBridge<Ref> gaussian_bridge(const Problem<Gaussian, Gaussian, Ref>& problem) {
  return {problem.source, problem.target, problem.reference};
}

/// KL(a | b) between the laws of the paths of two bridges of one reference, in closed form: that of their
/// couplings, since both are mixtures of the same pinned processes. +inf without absolute continuity. O(d^3)
/// on the host. Throws InvalidArgument when the references differ.
template <LinearGaussianReference Ref>
double path_relative_entropy(const GaussianBridge<Ref>& a, const GaussianBridge<Ref>& b);

}  // namespace fortet
