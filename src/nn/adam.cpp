#include "fortet/nn/adam.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "instantiate.hpp"

namespace fortet {
namespace {

/// Parameters of one work item: long enough to vectorise on a CPU, short enough to share out on a GPU.
template <class Memory>
inline constexpr int block = std::is_same_v<Memory, Kokkos::HostSpace> ? 1024 : 32;

/// Everything that is the same for all parameters in one step.
template <class Real>
struct Rates {
  Real clip;  // factor on the gradient
  Real beta1, beta2;
  Real rate;         // learning rate with the first moment's bias correction
  Real correction2;  // 1 / (1 - beta2^t)
  Real epsilon, shrink, average;
};

template <class Real, class Memory>
double norm(const typename Memory::execution_space& exec, ConstVector<Real, Memory> v) {
  const int size = static_cast<int>(v.extent(0)), step = block<Memory>, blocks = (size + step - 1) / step;
  Vector<double, Memory> partial(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::nn::norms"),
                                 static_cast<std::size_t>(blocks));
  Kokkos::parallel_for(
      "fortet::nn::gradient_norm", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, blocks),
      KOKKOS_LAMBDA(const int b) {
        double sum = 0;
        for (int i = b * step; i < size && i < (b + 1) * step; ++i)
          sum += static_cast<double>(v(i)) * static_cast<double>(v(i));
        partial(b) = sum;
      });
  double total = 0;
  for (double part : to_host(partial)) total += part;
  return std::sqrt(total);
}

/// Parameters, moments and average of `count` parameters from their gradient g. By value and restrict: what
/// is written is neither a rate nor another array, so the loop vectorises.
template <class Real>
KOKKOS_FUNCTION void update(const Rates<Real> rates, int count, const Real* KOKKOS_RESTRICT g,
                            Real* KOKKOS_RESTRICT p, Real* KOKKOS_RESTRICT m, Real* KOKKOS_RESTRICT v,
                            Real* KOKKOS_RESTRICT a) {
  for (int i = 0; i < count; ++i) {
    const Real slope = rates.clip * g[i];
    const Real first = m[i] + (1 - rates.beta1) * (slope - m[i]);
    const Real second = v[i] + (1 - rates.beta2) * (slope * slope - v[i]);
    const Real moved =
        rates.shrink * p[i] - rates.rate * first / (Kokkos::sqrt(second * rates.correction2) + rates.epsilon);
    m[i] = first;
    v[i] = second;
    p[i] = moved;
    a[i] += (1 - rates.average) * (moved - a[i]);
  }
}

template <class Real, class Memory>
void update_all(const typename Memory::execution_space& exec, const Rates<Real>& rates,
                ConstVector<Real, Memory> gradient, const Adam<Real, Memory>& state) {
  const int size = static_cast<int>(gradient.extent(0)), step = block<Memory>;
  const Real* g = gradient.data();
  Real *p = state.parameters.data(), *m = state.first.data(), *v = state.second.data(),
       *a = state.average.data();
  Kokkos::parallel_for(
      "fortet::nn::adam",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, (size + step - 1) / step),
      KOKKOS_LAMBDA(const int b) {
        const int begin = b * step, count = size - begin < step ? size - begin : step;
        update(rates, count, g + begin, p + begin, m + begin, v + begin, a + begin);
      });
}

}  // namespace

void AdamOptions::validate(const char* function) const {
  detail::require(std::isfinite(learning_rate) && learning_rate > 0, function, "learning_rate", learning_rate,
                  "expected a finite number > 0");
  detail::require(beta1 >= 0 && beta1 < 1, function, "beta1", beta1, "expected a number in [0, 1)");
  detail::require(beta2 >= 0 && beta2 < 1, function, "beta2", beta2, "expected a number in [0, 1)");
  detail::require(epsilon > 0, function, "epsilon", epsilon, "expected a number > 0");
  detail::require(weight_decay >= 0 && weight_decay * learning_rate < 1, function, "weight_decay",
                  weight_decay, "expected a number >= 0 with learning_rate * weight_decay < 1");
  detail::require(clip_norm >= 0, function, "clip_norm", clip_norm, "expected a number >= 0");
  detail::require(average >= 0 && average < 1, function, "average", average, "expected a number in [0, 1)");
  detail::require(warmup >= 0, function, "warmup", warmup, "expected a number >= 0");
}

double learning_rate(const AdamOptions& options, long step, long total_steps) {
  if (step < options.warmup)
    return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  if (options.schedule == LearningRate::constant) return options.learning_rate;
  const double length = static_cast<double>(std::max(1L, total_steps - options.warmup));
  const double done = std::min(1.0, static_cast<double>(step - options.warmup) / length);
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

template <class Real, class Memory>
Adam<Real, Memory>::Adam(Vector<Real, Memory> initial)
    : parameters(initial),
      first("fortet::nn::first_moment", initial.extent(0)),
      second("fortet::nn::second_moment", initial.extent(0)),
      average(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::nn::average"), initial.extent(0)) {
  Kokkos::deep_copy(average, initial);
}

template <class Real, class Memory>
void Adam<Real, Memory>::step(const execution_space& exec, const AdamOptions& options, long total_steps,
                              ConstVector<Real, Memory> gradient) {
  detail::require(gradient.extent(0) == parameters.extent(0), "fortet::Adam::step", "gradient.extent(0)",
                  gradient.extent(0), "expected one entry for each parameter");
  double clip = 1;
  if (options.clip_norm > 0) {
    const double length = norm<Real, Memory>(exec, gradient);
    if (length > options.clip_norm) clip = options.clip_norm / length;
  }
  const double rate = learning_rate(options, step_count, total_steps);
  const double warm = (1.0 + static_cast<double>(step_count)) / (4.0 + static_cast<double>(step_count));
  ++step_count;
  const double t = static_cast<double>(step_count);
  const Rates<Real> rates{static_cast<Real>(clip),
                          static_cast<Real>(options.beta1),
                          static_cast<Real>(options.beta2),
                          static_cast<Real>(rate / (1 - std::pow(options.beta1, t))),
                          static_cast<Real>(1 / (1 - std::pow(options.beta2, t))),
                          static_cast<Real>(options.epsilon),
                          static_cast<Real>(1 - rate * options.weight_decay),
                          static_cast<Real>(options.average > 0 ? std::min(options.average, warm) : 0)};
  update_all<Real, Memory>(exec, rates, gradient, *this);
}

template <class Real, class Memory>
void Adam<Real, Memory>::restart(const execution_space& exec) {
  Kokkos::deep_copy(exec, first, Real{0});
  Kokkos::deep_copy(exec, second, Real{0});
  step_count = 0;
}

#define FORTET_INSTANTIATE(Real, Memory) template struct Adam<Real, Memory>;
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
