#include "grid/line_moves.hpp"

#include <algorithm>
#include <limits>

#include "kernel/pack.hpp"

namespace fortet::grid {
namespace {

using P = kernel::Pack<double>;
constexpr std::size_t width = kernel::lanes<double>;

/// A square of width lines and width rows, between where lines are contiguous and where rows are.
void turn(const double* from, const std::size_t* from_starts, double* to, const std::size_t* to_starts,
          double factor) {
  P square[width];
  for (std::size_t k = 0; k < width; ++k) square[k] = factor * kernel::load_anywhere(from + from_starts[k]);
  kernel::transpose<double>(square);
  for (std::size_t k = 0; k < width; ++k) kernel::store_anywhere(to + to_starts[k], square[k]);
}

/// Rows of lines far apart in memory are asked for so many rows before they are read: no pattern that the
/// processor would guess. Into the second cache: powers of two apart, they would push each other out of the
/// first.
constexpr std::size_t ahead = 32;
void fetch(const double* row, std::size_t count) {
  for (std::size_t l = 0; l < count; l += width) __builtin_prefetch(row + l, 0, 1);
}

/// Offset j of a row from the start of its line: from a list, or at equal steps.
struct Listed {
  const std::size_t* offsets;
  std::size_t operator()(std::size_t j) const { return offsets[j]; }
};
struct Strided {
  std::size_t stride;
  std::size_t operator()(std::size_t j) const { return j * stride; }
};

template <class Offset>
void pack(const double* from, const Lines& lines, const Offset& offset, std::size_t rows, double factor,
          double missing, double* block) {
  const std::size_t stride = lines.in_block, count = lines.count;
  if (count < stride)
    for (std::size_t j = 0; j < rows; ++j)
      std::fill(block + j * stride + count, block + (j + 1) * stride, missing);
  if (lines.contiguous()) {
    for (std::size_t j = 0; j < rows; ++j) {
      const double* row = from + lines.starts[0] + offset(j);
      if (j + ahead < rows) fetch(from + lines.starts[0] + offset(j + ahead), count);
      for (std::size_t l = 0; l < count; ++l) block[j * stride + l] = factor * row[l];
    }
    return;
  }
  std::size_t places[width];
  for (std::size_t k = 0; k < width; ++k) places[k] = k * stride;
  for (std::size_t j = 0; j < rows;) {
    // neighbours in memory, a few lines at a time: whole cache lines, one after the other. Images run
    // backwards, they go one row at a time
    std::size_t end = j + 1;
    while (end < rows && offset(end) == offset(end - 1) + 1) ++end;
    const std::size_t whole = j + (end - j) / width * width, squares = count / width * width;
    for (std::size_t l = 0; l < squares; l += width)
      for (std::size_t k = j; k < whole; k += width)
        turn(from + offset(k), lines.starts + l, block + k * stride + l, places, factor);
    for (std::size_t l = 0; l < count; ++l)
      for (std::size_t k = l < squares ? whole : j; k < end; ++k)
        block[k * stride + l] = factor * from[lines.starts[l] + offset(k)];
    j = end;
  }
}

}  // namespace

void pack_lines(const double* from, const Lines& lines, const std::size_t* offsets, std::size_t rows,
                double factor, double* block) {
  pack(from, lines, Listed{offsets}, rows, factor, -std::numeric_limits<double>::infinity(), block);
}
void pack_lines(const double* from, const Lines& lines, std::size_t stride, std::size_t rows, double* block) {
  pack(from, lines, Strided{stride}, rows, 1.0, 0.0, block);
}

void unpack_lines(const double* block, const Lines& lines, std::size_t stride, std::size_t rows,
                  double factor, double* to) {
  const std::size_t count = lines.count;
  if (lines.contiguous()) {
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t l = 0; l < count; ++l)
        to[lines.starts[0] + i * stride + l] = factor * block[i * lines.in_block + l];
    return;
  }
  std::size_t places[width];
  for (std::size_t k = 0; k < width; ++k) places[k] = k * lines.in_block;
  const std::size_t whole = stride == 1 ? rows / width * width : 0,
                    squares = whole > 0 ? count / width * width : 0;
  // a few lines at a time: whole cache lines, one after the other
  for (std::size_t l = 0; l < squares; l += width)
    for (std::size_t i = 0; i < whole; i += width)
      turn(block + i * lines.in_block + l, places, to + i, lines.starts + l, factor);
  for (std::size_t l = 0; l < count; ++l)
    for (std::size_t i = l < squares ? whole : 0; i < rows; ++i)
      to[lines.starts[l] + i * stride] = factor * block[i * lines.in_block + l];
}

}  // namespace fortet::grid
