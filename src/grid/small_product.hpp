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

/// Columns of a matrix.
struct Range {
  int begin = 0, end = 0;
};

namespace detail {

/// `Rows` rows of a b with `Packs` registers of lines, all of which finish(first, sums) is given while they
/// are in registers. Loops over registers must be unrolled for that: an array that is indexed is in memory.
template <int Rows, int Packs, class Real, class Finish>
inline void product_rows(const Real* a, std::ptrdiff_t stride, const Real* b, int depth, int first,
                         const Finish& finish) {
  constexpr int width = kernel::lanes<Real>;
  kernel::Pack<Real> sums[Rows][Packs];
#pragma GCC unroll 32
  for (auto& row : sums)
#pragma GCC unroll 32
    for (kernel::Pack<Real>& sum : row) sum = kernel::Pack<Real>{};
  for (int j = 0; j < depth; ++j) {
    kernel::Pack<Real> row[Packs];
    for (int p = 0; p < Packs; ++p) row[p] = kernel::load(b + (j * Packs + p) * width);
    for (int r = 0; r < Rows; ++r) {
      const kernel::Pack<Real> factor = kernel::broadcast(a[r * stride + j]);
      for (int p = 0; p < Packs; ++p) sums[r][p] += factor * row[p];
    }
  }
  finish(first, sums);
}

/// As many rows at once as leave registers for a row of b and the factor; of rows first ... last only the
/// columns that columns(first, last) asks for.
template <int Packs, class Real, class Columns, class Finish>
void product(const Real* a, std::ptrdiff_t stride, const Real* b, int rows, const Columns& columns,
             const Finish& finish) {
  constexpr int most = kernel::vector_registers >= 32 ? 6 : 2;
  int i = 0;
  const auto several = [&]<int Rows>() {
    for (; i + Rows <= rows; i += Rows) {
      const Range range = columns(i, i + Rows - 1);
      product_rows<Rows, Packs>(a + i * stride + range.begin, stride,
                                b + range.begin * Packs * kernel::lanes<Real>, range.end - range.begin, i,
                                finish);
    }
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
    const auto all = [=](int, int) { return Range{0, depth}; };
    detail::product<Packs>(a, stride, b, rows, all,
                           [=]<int Rows>(int first, kernel::Pack<Real>(&sums)[Rows][Packs]) {
                             Real* const to = c + first * lines;
#pragma GCC unroll 32
                             for (int k = 0; k < Rows * Packs; ++k)
                               kernel::store(to + k * kernel::lanes<Real>, sums[k / Packs][k % Packs]);
                           });
  };
  lines == kernel::lanes<Real> ? several.template operator()<1>() : several.template operator()<4>();
}

/// c += row_factor_i (a b)_il line_factor_l, from zero if `begin`; `least` is left with the smallest entry of
/// c on every line. Of rows first ... last of a only the Range columns(first, last) is taken.
template <class Real, class Columns>
void add_small_product(const Real* a, std::ptrdiff_t stride, const Real* b, int rows, const Columns& columns,
                       int lines, const Real* row_factor, const Real* line_factor, bool begin, Real* c,
                       Real* least) {
  const auto several = [&]<int Packs>() {
    constexpr int width = kernel::lanes<Real>;
    for (int p = 0; p < Packs; ++p)
      kernel::store(least + p * width, kernel::broadcast(std::numeric_limits<Real>::max()));
    detail::product<Packs>(a, stride, b, rows, columns,
                           [=]<int Rows>(int first, kernel::Pack<Real>(&sums)[Rows][Packs]) {
                             Real* const to = c + first * lines;
#pragma GCC unroll 32
                             for (int p = 0; p < Packs; ++p) {
                               kernel::Pack<Real> smallest = kernel::load(least + p * width);
#pragma GCC unroll 32
                               for (int r = 0; r < Rows; ++r) {
                                 Real* const at = to + r * lines + p * width;
                                 kernel::Pack<Real> sum = kernel::broadcast(row_factor[first + r]) *
                                                          kernel::load(line_factor + p * width) * sums[r][p];
                                 if (!begin) sum += kernel::load(at);
                                 kernel::store(at, sum);
                                 smallest = kernel::min(smallest, sum);
                               }
                               kernel::store(least + p * width, smallest);
                             }
                           });
  };
  lines == kernel::lanes<Real> ? several.template operator()<1>() : several.template operator()<4>();
}

/// out_k = log2 x_k for normal x > 0, relative to max(1, |log2 x|) to 4e-16, of floats to 1.2e-7; about -1023
/// (float: -127) for 0.
template <class Real>
void log2_of(const Real* x, int n, double* out) {
  using Integer = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, std::int64_t>;
  constexpr Integer root_half = std::bit_cast<Integer>(Real(0.5 * std::numbers::sqrt2));
  constexpr int fraction_bits = std::numeric_limits<Real>::digits - 1;
  for (int k = 0; k < n; ++k) {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)), log2 m = (2 / ln 2) atanh((m - 1) / (m + 1))
    const auto bits = std::bit_cast<Integer>(x[k]);
    const Integer exponent = (bits - root_half) >> fraction_bits;
    const Real m = std::bit_cast<Real>(bits - (exponent << fraction_bits)), z = (m - 1) / (m + 1), q = z * z;
    Real p = Real(1) / 9;
    if constexpr (std::is_same_v<Real, double>) {
      p = 1.0 / 21;
      p = p * q + 1.0 / 19;
      p = p * q + 1.0 / 17;
      p = p * q + 1.0 / 15;
      p = p * q + 1.0 / 13;
      p = p * q + 1.0 / 11;
      p = p * q + 1.0 / 9;
    }
    p = p * q + Real(1) / 7;
    p = p * q + Real(1) / 5;
    p = p * q + Real(1) / 3;
    p = p * q + 1;
    out[k] = static_cast<double>(exponent) + static_cast<double>(Real(2 * std::numbers::log2e) * z * p);
  }
}

}  // namespace fortet::grid
