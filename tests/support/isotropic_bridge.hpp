#pragma once
// The Schroedinger bridge between N(m0, s0^2 I) and N(m1, s1^2 I) under sigma W on [0, T], written out
// coordinate by coordinate (conventions.md section 2 with scalars): an oracle that shares no code with the
// library's Gaussian bridges, and a model of every coupling concept in any precision.
#include <cmath>

#include "fortet/concepts.hpp"
#include "fortet/reference/brownian.hpp"

namespace fortet::test {

template <class Real = double>
struct IsotropicBridge {
  using scalar_type = Real;
  using memory_space = Kokkos::HostSpace;
  using execution_space = HostExec;
  using Out = Points<Real, memory_space>;
  using In = ConstPoints<Real, memory_space>;

  int dimension = 1;
  double m0 = 0, s0 = 1, m1 = 0, s1 = 1;  // every coordinate has the same mean
  Brownian process = {};

  double K() const {
    const double eps = process.epsilon();
    return (std::sqrt(4 * s0 * s0 * s1 * s1 + eps * eps) - eps) / (2 * s0 * s0);
  }
  double covariance01() const { return s0 * s0 * K(); }
  double conditional_variance() const { return process.epsilon() * K(); }
  double marginal_mean(double t) const { return m0 + (m1 - m0) * t / process.horizon; }
  double marginal_variance(double t) const {
    const double u = t / process.horizon;
    return (1 - u) * (1 - u) * s0 * s0 + u * u * s1 * s1 +
           u * (1 - u) * (2 * covariance01() + process.epsilon());
  }

  int source_dimension() const { return dimension; }
  int target_dimension() const { return dimension; }
  const Brownian& reference() const { return process; }

  void normals(RandomKey key, double mean, double deviation, Out out) const {
    for (std::size_t i = 0; i < out.extent(0); ++i)
      for (std::size_t k = 0; k < out.extent(1); ++k)
        out(i, k) = static_cast<Real>(mean + deviation * random_normal(key, i, static_cast<unsigned>(k)));
  }
  void sample(const HostExec& exec, RandomKey key, Out x0, Out x1) const {
    normals(key.child(0), m0, s0, x0);
    sample_conditional(exec, key.child(1), x0, x1);
  }
  void sample_conditional(const HostExec&, RandomKey key, In x0, Out x1) const {
    const double deviation = std::sqrt(conditional_variance());
    for (std::size_t i = 0; i < x0.extent(0); ++i)
      for (std::size_t k = 0; k < x0.extent(1); ++k)
        x1(i, k) = static_cast<Real>(m1 + K() * (x0(i, k) - m0) +
                                     deviation * random_normal(key, i, static_cast<unsigned>(k)));
  }
  void conditional_mean(const HostExec&, In x0, Out mean) const {
    for (std::size_t i = 0; i < x0.extent(0); ++i)
      for (std::size_t k = 0; k < x0.extent(1); ++k)
        mean(i, k) = static_cast<Real>(m1 + K() * (x0(i, k) - m0));
  }
  /// log pi(y | x) / nu(y).
  double log_ratio(double x, double y) const {
    const double r = y - m1 - K() * (x - m0), v = conditional_variance();
    return -r * r / (2 * v) - std::log(v) / 2 + (y - m1) * (y - m1) / (2 * s1 * s1) + std::log(s1);
  }
  void log_density_ratio(const HostExec&, In x0, In x1, Vector<Real, memory_space> out) const {
    for (std::size_t i = 0; i < out.extent(0); ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < x0.extent(1); ++k) sum += log_ratio(x0(i, k), x1(i, k));
      out(i) = static_cast<Real>(sum);
    }
  }
  void forward_drift(const HostExec&, double t, In x, Out out) const {
    const double u = t / process.horizon, slope = (K() - 1) / (1 - u + u * K()) / process.horizon;
    for (std::size_t i = 0; i < x.extent(0); ++i)
      for (std::size_t k = 0; k < x.extent(1); ++k)
        out(i, k) = static_cast<Real>((m1 - m0) / process.horizon + slope * (x(i, k) - marginal_mean(t)));
  }
  void sample_marginal(const HostExec&, RandomKey key, double t, Out out) const {
    normals(key, marginal_mean(t), std::sqrt(marginal_variance(t)), out);
  }
};

}  // namespace fortet::test
