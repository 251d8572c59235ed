#pragma once
// The product of a matrix and a block of lines. Host compilers only.
#include <cstddef>

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

}  // namespace fortet::grid
