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

/// Lines of a full block: four registers.
template <class Real>
inline constexpr int small_product_lines = 4 * kernel::lanes<Real>;

namespace detail {

/// `Rows` rows of a b with `Packs` registers of lines: the accumulators stay in registers until
/// finish(row, register of the line, value).
template <int Rows, int Packs, class Real, class Finish>
inline void product_rows(const Real* a, std::ptrdiff_t stride, const Real* b, int depth, int first,
                         const Finish& finish) {
  constexpr int width = kernel::lanes<Real>;
  kernel::Pack<Real> sum[Rows][Packs] = {};
  for (int j = 0; j < depth; ++j) {
    kernel::Pack<Real> row[Packs];
    for (int p = 0; p < Packs; ++p) row[p] = kernel::load(b + (j * Packs + p) * width);
    for (int r = 0; r < Rows; ++r) {
      const kernel::Pack<Real> factor = kernel::broadcast(a[r * stride + j]);
      for (int p = 0; p < Packs; ++p) sum[r][p] += factor * row[p];
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int p = 0; p < Packs; ++p) finish(first + r, p, sum[r][p]);
}

/// As many rows at once as leave registers for a row of b and the factor.
template <int Packs, class Real, class Finish>
void product(const Real* a, std::ptrdiff_t stride, const Real* b, int rows, int depth, const Finish& finish) {
  constexpr int most = kernel::vector_registers >= 32 ? 6 : 2;
  int i = 0;
  const auto several = [&]<int Rows>() {
    for (; i + Rows <= rows; i += Rows)
      product_rows<Rows, Packs>(a + i * stride, stride, b, depth, i, finish);
  };
  several.template operator()<most>();
  several.template operator()<4>();
  several.template operator()<2>();
  several.template operator()<1>();
}

}  // namespace detail

/// c (rows x lines) = a (rows x depth, stride from row to row) b (depth x lines); lines is one register or
/// four.
template <class Real>
void small_product(const Real* a, std::ptrdiff_t stride, const Real* b, int rows, int depth, int lines,
                   Real* c) {
  const auto several = [&]<int Packs>() {
    detail::product<Packs>(a, stride, b, rows, depth, [=](int i, int p, kernel::Pack<Real> value) {
      kernel::store(c + (i * Packs + p) * kernel::lanes<Real>, value);
    });
  };
  lines == kernel::lanes<Real> ? several.template operator()<1>() : several.template operator()<4>();
}

/// c += row_factor_i (a b)_il line_factor_l, from zero if `begin`; `least` is left with the smallest entry of
/// c on every line.
template <class Real>
void add_small_product(const Real* a, std::ptrdiff_t stride, const Real* b, int rows, int depth, int lines,
                       const Real* row_factor, const Real* line_factor, bool begin, Real* c, Real* least) {
  const auto several = [&]<int Packs>() {
    constexpr int width = kernel::lanes<Real>;
    kernel::Pack<Real> factor[Packs], smallest[Packs];
    for (int p = 0; p < Packs; ++p) {
      factor[p] = kernel::load(line_factor + p * width);
      smallest[p] = kernel::broadcast(std::numeric_limits<Real>::max());
    }
    detail::product<Packs>(a, stride, b, rows, depth, [&](int i, int p, kernel::Pack<Real> value) {
      Real* const to = c + (i * Packs + p) * width;
      const kernel::Pack<Real> added = kernel::broadcast(row_factor[i]) * factor[p] * value,
                               sum = begin ? added : kernel::load(to) + added;
      kernel::store(to, sum);
      smallest[p] = kernel::min(smallest[p], sum);
    });
    for (int p = 0; p < Packs; ++p) kernel::store(least + p * width, smallest[p]);
  };
  lines == kernel::lanes<Real> ? several.template operator()<1>() : several.template operator()<4>();
}

/// out_k = log2 x_k for normal x > 0 (4e-16, of floats 1e-9, relative to max(1, |log2 x|)); about -1023 for
/// 0.
template <class Real>
void log2_of(const Real* x, int n, double* out) {
  for (int k = 0; k < n; ++k) {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)), log2 m = (2 / ln 2) atanh((m - 1) / (m + 1))
    const auto bits = std::bit_cast<std::int64_t>(static_cast<double>(x[k]));
    const std::int64_t exponent = (bits - 0x3FE6A09E667F3BCD) >> 52;
    const double m = std::bit_cast<double>(bits - (exponent << 52)), z = (m - 1) / (m + 1), q = z * z;
    double p = 1.0 / 9;
    if constexpr (std::is_same_v<Real, double>) {
      p = 1.0 / 21;
      p = p * q + 1.0 / 19;
      p = p * q + 1.0 / 17;
      p = p * q + 1.0 / 15;
      p = p * q + 1.0 / 13;
      p = p * q + 1.0 / 11;
      p = p * q + 1.0 / 9;
    }
    p = p * q + 1.0 / 7;
    p = p * q + 1.0 / 5;
    p = p * q + 1.0 / 3;
    p = p * q + 1.0;
    out[k] = static_cast<double>(exponent) + (2 * std::numbers::log2e) * z * p;
  }
}

}  // namespace fortet::grid
