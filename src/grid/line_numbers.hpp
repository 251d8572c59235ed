#pragma once
// What the ways to sum along grid lines have in common; host compilers only.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "grid/line_kernel.hpp"
#include "grid/small_product.hpp"

namespace fortet::grid {

inline constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
/// Stands for "no mass yet" where -inf - (-inf) would make a NaN.
inline constexpr double nothing = -1e300;
inline constexpr int max_width = 128;
static_assert(max_width * small_product_lines<float> <= LineKernel<float>::max_tile);

/// Terms this many bits below a running sum are not worth evaluating.
template <class Real>
inline constexpr double skip_bits = std::is_same_v<Real, float> ? 36 : 64;

/// What cutting the series of a pair's matrix changes any entry by, relative.
template <class Real>
inline constexpr double series_error = std::is_same_v<Real, float> ? 0x1p-28 : 0x1p-57;

inline int tile_count(int nodes, int width) { return (nodes + width - 1) / width; }

/// Multiply-adds per line with tiles of this width, so many for each row of a pair.
template <class Real>
double tiles_work(const Nodes& out, const Nodes& in, double s, int width, double row) {
  const double reach = std::sqrt(skip_bits<Real> / s), span = width * in.step;
  const double pairs =
      tile_count(out.count, width) *
      std::min<double>(tile_count(in.count, width), 2 * reach / span + 1 + width * out.step / span);
  return pairs * width * row;
}

/// How shared tiles are cut: width 0 where they do not serve, rank 0 where matrices are not in factors.
struct SharedPlan {
  int width = 0, rank = 0;
};
template <class Real>
SharedPlan shared_plan(const Nodes& out, const Nodes& in, double s);

/// 2^(values + tilt - shift) for one row of lines, the difference in double; what is below `floor` is zero.
template <class Real>
void exponentiate(const double* values, double tilt, const double* shift, int lines, Real* out,
                  Real floor = 0) {
  for (int l = 0; l < lines; ++l) out[l] = static_cast<Real>(values[l] + tilt - shift[l]);
  for (int l = 0; l < lines; l += kernel::lanes<Real>) {
    const kernel::Pack<Real> power = kernel::exp2(kernel::load(out + l));
    kernel::store(out + l, power < floor ? kernel::Pack<Real>{} : power);
  }
}

}  // namespace fortet::grid
