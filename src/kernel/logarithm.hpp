#pragma once
// A logarithm without branches and calls: the compiler vectorises loops over it.
#include <bit>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

namespace fortet::kernel {

/// log2 x for normal x > 0, relative to max(1, |log2 x|) to 4e-16, of floats to 6e-8, and in double to 4e-16
/// of log2 x itself where x is near 1. About -1023 (float: -127) for 0, at least 1024 (128) for infinity and
/// NaN, beyond one of the two for negative x.
template <class Real>
constexpr double log2_of(Real x) {
  using Integer = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, std::int64_t>;
  using Bits = std::make_unsigned_t<Integer>;  // which may wrap around
  constexpr Bits root_half = std::bit_cast<Bits>(Real(0.5 * std::numbers::sqrt2));
  constexpr int fraction_bits = std::numeric_limits<Real>::digits - 1;
  // x = 2^e m with m in [sqrt(1/2), sqrt(2))
  const auto bits = std::bit_cast<Bits>(x);
  const Integer exponent = static_cast<Integer>(bits - root_half) >> fraction_bits;
  const Real m = std::bit_cast<Real>(bits - (static_cast<Bits>(exponent) << fraction_bits)), z = m - 1;
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
  return static_cast<double>(exponent) + static_cast<double>(log);
}

}  // namespace fortet::kernel
