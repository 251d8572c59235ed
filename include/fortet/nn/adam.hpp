#pragma once
#include "fortet/concepts.hpp"

namespace fortet {

/// How the learning rate moves over a run of known length, after a linear warm-up.
enum class LearningRate { constant, cosine };

/// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019).
struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< parameters shrink by the factor 1 - rate * weight_decay a step
  double clip_norm = 0;     ///< scales gradients of larger Euclidean norm down to it; 0: never
  double average = 0.999;   ///< decay of the exponential moving average of the parameters; 0: no averaging
  LearningRate schedule = LearningRate::constant;
  int warmup = 0;  ///< steps

  /// Throws InvalidArgument on values outside their range.
  void validate(const char* function) const;
};

/// Parameters on their way: the current ones, Adam's moments and the moving average. All of it is public
/// state, so that a checkpoint is a copy of these vectors and the step count.
template <class Real, class Memory = DefaultMemory>
struct Adam {
  using execution_space = typename Memory::execution_space;

  Vector<Real, Memory> parameters, first, second, average;
  long step_count = 0;

  Adam() = default;
  /// Takes the parameters as they are; moments zero, average equal to the parameters.
  explicit Adam(Vector<Real, Memory> initial);

  /// One step along -gradient. `total_steps` is the length of the run for the cosine schedule. The average is
  /// a_t = d_t a_{t-1} + (1 - d_t) p_t with d_t = min(average, (1 + t)/(4 + t)): it looks back over a third
  /// of the steps so far at most, so that the start weighs nothing and all of a short run's noise is averaged
  /// (polynomial-decay averaging, Shamir and Zhang 2013). One fused kernel; blocking only when clipping.
  void step(const execution_space& exec, const AdamOptions& options, long total_steps,
            ConstVector<Real, Memory> gradient);
  /// Forgets moments and step count, keeps parameters: the start of a half-bridge from a warm network.
  void restart(const execution_space& exec);
};

/// Learning rate of step `step` (counted from 0) of a run of `total_steps`.
double learning_rate(const AdamOptions& options, long step, long total_steps);

extern template struct Adam<float, Kokkos::HostSpace>;
extern template struct Adam<double, Kokkos::HostSpace>;

}  // namespace fortet
