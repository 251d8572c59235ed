#pragma once
// What the ways to sum along grid lines have in common; host compilers only.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "grid/line_kernel.hpp"
#include "grid/small_product.hpp"
#include "kernel/logarithm.hpp"

namespace fortet::grid {

inline constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
/// Stands for "no mass yet" where -inf - (-inf) would make a NaN.
inline constexpr double nothing = -1e300;
/// Terms this many bits below a running sum are not worth evaluating.
template <class Real>
inline constexpr double skip_bits = std::is_same_v<Real, float> ? 36 : 64;

inline int tile_count(int nodes, int width) { return (nodes + width - 1) / width; }

/// Doubles of a register of lines.
template <class Real>
inline constexpr int packs = kernel::lanes<Real> / kernel::lanes<double>;

/// Exponentials this many bits below one are taken for zero, which keeps denormal numbers away.
template <class Real>
inline constexpr double flushed_bits = std::is_same_v<Real, float> ? 126 : 1000;

/// Zero where a number is too small.
template <class Real>
kernel::Pack<Real> flush(kernel::Pack<Real> x) {
  constexpr Real floor = std::is_same_v<Real, float> ? Real(0x1p-126) : static_cast<Real>(0x1p-1000);
  return x < floor ? kernel::Pack<Real>{} : x;
}

/// out_j = 2^(values_j + shift(j) - most) for `rows` rows of a register of lines, the exponents in double.
template <class Real, class Shift>
void exponentiate(const double* values, int rows, const Shift& shift, const double* most, Real* out) {
  constexpr int n = kernel::lanes<Real>;
  kernel::Pack<double> top[packs<Real>];
  for (int p = 0; p < packs<Real>; ++p) top[p] = kernel::load(most + p * kernel::lanes<double>);
  for (int j = 0; j < rows; ++j) {
    const double add = shift(j);
    kernel::Pack<double> exponent[packs<Real>];
    for (int p = 0; p < packs<Real>; ++p)
      exponent[p] = kernel::load(values + j * n + p * kernel::lanes<double>) - (top[p] - add);
    kernel::store(out + j * n, flush<Real>(kernel::exp2(kernel::narrow<Real>(exponent))));
  }
}

}  // namespace fortet::grid
