#pragma once
// The arithmetic of a block of lines: a matrix times a block, and logarithms of a row. Host compilers only.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

#include "kernel/pack.hpp"

namespace fortet::grid {

namespace detail {

/// `Rows` rows of the product, in registers meanwhile. Loops over registers must be unrolled for that: an
/// array that is indexed is in memory.
template <int Rows, class Real>
inline void product_rows(const Real* a, std::ptrdiff_t next, const Real* b, int depth, bool begin, Real* c) {
  constexpr int n = kernel::lanes<Real>;
  kernel::Pack<Real> sums[Rows];
#pragma GCC unroll 32
  for (int r = 0; r < Rows; ++r) sums[r] = begin ? kernel::Pack<Real>{} : kernel::load(c + r * n);
  for (int j = 0; j < depth; ++j) {
    const kernel::Pack<Real> row = kernel::load(b + j * n);
#pragma GCC unroll 32
    for (int r = 0; r < Rows; ++r) sums[r] += kernel::broadcast(a[j * next + r]) * row;
  }
#pragma GCC unroll 32
  for (int r = 0; r < Rows; ++r) kernel::store(c + r * n, sums[r]);
}

}  // namespace detail

/// c (rows x register of lines) += a (rows x depth, `next` from a column to the next) b (depth x register),
/// from zero if `begin`.
template <class Real>
void small_product(const Real* a, std::ptrdiff_t next, const Real* b, int rows, int depth, bool begin,
                   Real* c) {
  int i = 0;
  const auto several = [&]<int Rows>() {
    for (; i + Rows <= rows; i += Rows)
      detail::product_rows<Rows>(a + i, next, b, depth, begin, c + i * kernel::lanes<Real>);
  };
  several.template operator()<8>();
  several.template operator()<4>();
  several.template operator()<2>();
  several.template operator()<1>();
}

/// out_k = log2 x_k for normal x > 0, relative to max(1, |log2 x|) to 4e-16, of floats to 6e-8; about -1023
/// (float: -127) for 0.
template <class Real>
void log2_of(const Real* x, int n, double* out) {
  using Integer = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, std::int64_t>;
  constexpr Integer root_half = std::bit_cast<Integer>(Real(0.5 * std::numbers::sqrt2));
  constexpr int fraction_bits = std::numeric_limits<Real>::digits - 1;
  for (int k = 0; k < n; ++k) {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2))
    const auto bits = std::bit_cast<Integer>(x[k]);
    const Integer exponent = (bits - root_half) >> fraction_bits;
    const Real m = std::bit_cast<Real>(bits - (exponent << fraction_bits)), z = m - 1;
    Real log;
    if constexpr (std::is_same_v<Real, float>) {
      // minimax, without a division
      log = 0.12542771f;
      for (const float c : {-0.2102898f, 0.21736580f, -0.23852118f, 0.28765875f, -0.36072114f, 0.48092242f,
                            -0.72134713f, 1.44269487f})
        log = log * z + c;
      log *= z;
    } else {
      // log2 m = (2 / ln 2) atanh((m - 1) / (m + 1))
      const double t = z / (m + 1), q = t * t;
      double p = 1.0 / 21;
      for (const double c :
           {1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0})
        p = p * q + c;
      log = 2 * std::numbers::log2e * t * p;
    }
    out[k] = static_cast<double>(exponent) + static_cast<double>(log);
  }
}

}  // namespace fortet::grid
