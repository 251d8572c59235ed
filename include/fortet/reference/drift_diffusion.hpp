#pragma once
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "fortet/measure/regular_grid.hpp"

namespace fortet {

/// The drift b(t, x) of a DriftDiffusion. Callables run on the host, one point at a time.
class Drift {
 public:
  using Potential = std::function<double(std::span<const double> x)>;
  using SteadyField = std::function<void(std::span<const double> x, std::span<double> b)>;
  using Field = std::function<void(double t, std::span<const double> x, std::span<double> b)>;

  /// No drift.
  Drift() = default;
  /// b = -grad U. On a grid only differences of U between neighbouring nodes are used, so exp(-2 U / sigma^2)
  /// is stationary to rounding.
  static Drift gradient(Potential potential);
  /// b(x), written to its second argument.
  static Drift field(SteadyField field);
  /// b(t, x), written to its third argument.
  static Drift field(Field field);
  /// Values at the nodes of a grid, `values[node * d + k]`, row-major; multilinear between them and constant
  /// outside. Throws InvalidArgument on a wrong length or a value that is not finite, naming it.
  static Drift array(const RegularGrid& grid, std::vector<double> values);

  bool is_zero() const { return !potential_ && !field_; }
  /// Does not depend on t.
  bool steady() const { return steady_; }
  /// U where the drift is -grad U, else empty.
  const Potential& potential() const { return potential_; }
  /// b(t, x); of a potential by central differences of sixth order (about 1e-12 relative to U).
  void operator()(double t, std::span<const double> x, std::span<double> b) const;

 private:
  Potential potential_;
  Field field_;
  bool steady_ = true;
};

/// The rate v(t, x) at which paths are killed (v < 0: branch); empty is none.
class KillingRate {
 public:
  using Steady = std::function<double(std::span<const double> x)>;
  using Rate = std::function<double(double t, std::span<const double> x)>;

  KillingRate() = default;
  KillingRate(Steady rate)
      : rate_([rate = std::move(rate)](double, std::span<const double> x) { return rate(x); }) {}
  KillingRate(Rate rate) : rate_(std::move(rate)), steady_(false) {}
  /// Values at the nodes of a grid, row-major; multilinear between them and constant outside. Throws as
  /// Drift::array().
  static KillingRate array(const RegularGrid& grid, std::vector<double> values);

  bool is_zero() const { return !rate_; }
  bool steady() const { return steady_; }
  double operator()(double t, std::span<const double> x) const { return rate_(t, x); }

 private:
  Rate rate_;
  bool steady_ = true;
};

/// dX = b(t, X) dt + sigma dW on [0, horizon], killed at a rate v(t, X): the reference measure is weighted by
/// exp(-int v(t, X_t) dt), so its bridges are path-integral control problems. Known to solvers through its
/// generator on a grid (GridIpf). The static cost is c(x, y) = -epsilon log((2 pi epsilon)^{d/2} p(x, y)),
/// p the transition density and epsilon = sigma^2 horizon: without drift that of Brownian motion.
struct DriftDiffusion {
  Drift drift = {};
  double sigma = 1.0;
  double horizon = 1.0;
  KillingRate killing = {};

  double epsilon() const { return sigma * sigma * horizon; }
  /// The same coefficients at all times.
  bool steady() const { return drift.steady() && (killing.is_zero() || killing.steady()); }
  /// Throws InvalidArgument unless sigma and horizon are finite and > 0.
  void validate(const char* function) const;
};

}  // namespace fortet
