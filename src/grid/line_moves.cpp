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
    for (std::size_t j = 0; j < rows; ++j)
      for (std::size_t l = 0; l < count; ++l)
        block[j * stride + l] = factor * from[lines.starts[0] + offset(j) + l];
    return;
  }
  std::size_t places[width];
  for (std::size_t k = 0; k < width; ++k) places[k] = k * stride;
  for (std::size_t j = 0; j < rows;) {
    // neighbours in memory; images run backwards, they go one row at a time
    bool forward = j + width <= rows;
    for (std::size_t k = 1; forward && k < width; ++k) forward = offset(j + k) == offset(j) + k;
    std::size_t l = 0;
    if (forward)
      for (; l + width <= count; l += width)
        turn(from + offset(j), lines.starts + l, block + j * stride + l, places, factor);
    const std::size_t next = forward ? j + width : j + 1;
    for (; l < count; ++l)
      for (std::size_t k = j; k < next; ++k)
        block[k * stride + l] = factor * from[lines.starts[l] + offset(k)];
    j = next;
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
  for (std::size_t i = 0; i < whole; i += width)
    for (std::size_t l = 0; l < squares; l += width)
      turn(block + i * lines.in_block + l, places, to + i, lines.starts + l, factor);
  for (std::size_t l = 0; l < count; ++l)
    for (std::size_t i = l < squares ? whole : 0; i < rows; ++i)
      to[lines.starts[l] + i * stride] = factor * block[i * lines.in_block + l];
}

}  // namespace fortet::grid
