#include "yardstick.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "kernel/pack.hpp"

namespace bench {
namespace {

using fortet::kernel::lanes;
using fortet::kernel::Pack;

volatile double sink;  // keeps results alive

/// Operations per second of `work(repeats)` -> operations, on all threads at once: the best of five.
template <class Work>
double rate(int threads, Work work) {
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    std::vector<double> done(static_cast<std::size_t>(threads));
    const auto start = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> pool;
      for (auto& operations : done) pool.emplace_back([&operations, &work] { operations = work(); });
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, std::accumulate(done.begin(), done.end(), 0.0) / seconds);
  }
  return best;
}

template <class Real>
double fma_work() {
  constexpr int chains = 12, repeats = 4000000;
  Pack<Real> sum[chains];
  for (int c = 0; c < chains; ++c) sum[c] = fortet::kernel::broadcast(Real(c));
  const Pack<Real> factor = fortet::kernel::broadcast(Real(0.999)),
                   term = fortet::kernel::broadcast(Real(1e-3));
  for (int i = 0; i < repeats; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sum[c] = sum[c] * factor + term;
  double total = 0;
  for (const auto& s : sum) total += static_cast<double>(s[0]);
  sink = total;
  return static_cast<double>(repeats) * chains * lanes<Real>;
}

template <class Real>
double exp_work() {
  constexpr int chains = 8, repeats = 1000000;
  Pack<Real> argument[chains], sum[chains] = {};
  for (int c = 0; c < chains; ++c) argument[c] = fortet::kernel::broadcast(Real(-c));
  for (int i = 0; i < repeats; ++i)
#pragma GCC unroll 8
    for (int c = 0; c < chains; ++c) {
      sum[c] += fortet::kernel::exp2(argument[c]);
      argument[c] -= Real(1e-5);
    }
  double total = 0;
  for (const auto& s : sum) total += static_cast<double>(s[0]);
  sink = total;
  return static_cast<double>(repeats) * chains * lanes<Real>;
}

}  // namespace

Yardstick measure_yardstick(int threads) {
  return {rate(threads, fma_work<float>), rate(threads, fma_work<double>), rate(threads, exp_work<float>),
          rate(threads, exp_work<double>)};
}

double sum_of(const double* values, std::size_t count) {
  constexpr int chains = 8;
  Pack<double> sum[chains] = {};
  for (std::size_t i = 0; i < count; i += chains * lanes<double>)
#pragma GCC unroll 8
    for (int c = 0; c < chains; ++c) sum[c] += fortet::kernel::load_anywhere(values + i + c * lanes<double>);
  double total = 0;
  for (const auto& s : sum)
    for (int l = 0; l < lanes<double>; ++l) total += s[l];
  return total;
}

double limit_seconds(const Yardstick& machine, double pairs, int d, bool is_float) {
  return pairs * (d / (is_float ? machine.fma_float : machine.fma_double) +
                  1 / (is_float ? machine.exp2_float : machine.exp2_double));
}

}  // namespace bench
