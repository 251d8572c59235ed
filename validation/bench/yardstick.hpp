#pragma once
// What this machine can do, measured in the same run as the kernels: the limits that figures are ratios to.
#include <cstddef>

namespace bench {

/// Rates of `threads` threads together.
struct Yardstick {
  double fma_float = 0, fma_double = 0;    ///< fused multiply-adds per second
  double exp2_float = 0, exp2_double = 0;  ///< of the library's packed exp2, arguments in registers
};

Yardstick measure_yardstick(int threads);

/// The sum of `count` values, a multiple of 64: a read at whatever rate they arrive.
double sum_of(const double* values, std::size_t count);

/// Seconds that `pairs` kernel entries in dimension d cannot be faster than: d multiply-adds and one exp2
/// each.
double limit_seconds(const Yardstick& machine, double pairs, int d, bool is_float);

}  // namespace bench
