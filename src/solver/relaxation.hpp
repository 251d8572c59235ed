#pragma once
// Annealing and over-relaxation, shared by every solver that iterates half-bridges. Host-only, no Kokkos.
#include <vector>

namespace fortet::solver {

/// Decreasing epsilons that end at `epsilon`: from `largest_cost` down by `factor`, or the target alone where
/// epsilon >= threshold * mean_cost, since plain iteration is fast there (performance: annealing hurts).
std::vector<double> annealing_levels(double epsilon, double mean_cost, double largest_cost, double factor,
                                     double threshold);

/// Gain of the dual objective, per unit of epsilon and of weight, when a half-step multiplies the scaling of
/// an atom whose marginal ratio is exp(log_ratio) by exp(-omega log_ratio):
///   exp(r) - exp((1 - omega) r) - omega r,
/// which is >= 0 for omega = 1. Summed over a side it is the exact gain, so a half-step can be refused before
/// it is taken (Thibault, Chizat, Dossal, Papadakis 2021, section 3).
double dual_gain(double log_ratio, double omega);

/// Smallest log-ratio for which dual_gain(., omega) is certainly >= 0: no need to sum the gain above it.
double safe_log_ratio(double omega);

/// The over-relaxation factor, learnt from the measured rate of the marginal error. With theta the rate of
/// the plain iteration, the rate z at a factor w < w* obeys (z + w - 1)^2 = z w^2 theta (Young 1954), so
/// every measurement gives theta and w* = 2 / (1 + sqrt(1 - theta)) (Lehmann, von Renesse, Sambale, Uschmajew
/// 2021).
class Relaxation {
 public:
  /// `largest` <= 1 switches over-relaxation off.
  explicit Relaxation(double largest) : largest_(largest) {}

  double factor() const { return factor_; }
  /// Measured reduction of the error per iteration; 1 while unknown.
  double rate() const { return rate_; }
  /// Once per full iteration with the marginal error of the current plan.
  void observe(double error);
  /// A half-step at this factor was refused: approach one.
  void refuse();
  /// A new problem with the same factor as starting point (next annealing level).
  void restart();

 private:
  double largest_;
  double factor_ = 1.0;
  double rate_ = 1.0;
  int refusals_ = 0;
  std::vector<double> log_errors_;  // since the factor last changed
};

}  // namespace fortet::solver
