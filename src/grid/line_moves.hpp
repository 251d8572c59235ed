#pragma once
// Between arrays over a grid and blocks of lines, where element j of line l is at j lines + l; host only. No
// Kokkos here.
#include <cstddef>

namespace fortet::grid {

/// Lines of a grid's array: line l begins at starts[l]; some of them may be missing from a block.
struct Lines {
  const std::size_t* starts = nullptr;
  std::size_t count = 0;     ///< of the lines that there are
  std::size_t in_block = 0;  ///< of a block; a multiple of a register
  bool contiguous() const {
    for (std::size_t l = 1; l < count; ++l)
      if (starts[l] != starts[0] + l) return false;
    return true;
  }
};

/// block = factor from[start + offset] for `rows` offsets; missing lines are -inf.
void pack_lines(const double* from, const Lines& lines, const std::size_t* offsets, std::size_t rows,
                double factor, double* block);
/// block = from[start + i stride] for `rows` rows i; missing lines are 0.
void pack_lines(const double* from, const Lines& lines, std::size_t stride, std::size_t rows, double* block);
/// to[start + i stride] = factor block for `rows` rows i.
void unpack_lines(const double* block, const Lines& lines, std::size_t stride, std::size_t rows,
                  double factor, double* to);

}  // namespace fortet::grid
