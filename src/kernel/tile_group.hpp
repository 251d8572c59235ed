#pragma once
// The inner loop that every packed host kernel shares: a panel of rows against a group of columns, kept in
// registers.
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "kernel/pack.hpp"
#include "kernel/tile.hpp"

namespace fortet::kernel {

/// Tile shape: `vectors` packs of rows against `columns` columns stay in registers together. A panel of
/// doubles is a whole number of packs of floats too, so that what one wrote the other can read.
template <class Real, int D>
struct Shape {
  static constexpr int vectors = vector_registers >= 32 ? (D > 0 ? 4 : sizeof(Real) == 4 ? 3 : 2) : 2;
  static constexpr int columns = vector_registers >= 32 ? 8 : 4;
  static constexpr int rows = vectors * lanes<Real>;
};

inline constexpr std::size_t flush_columns = 1024;  // Real sums are moved to double after this many columns
inline constexpr std::size_t alignment = 64;

/// A panel of rows in registers.
template <class Real, int D>
struct RowPanel {
  Pack<Real> x[D][Shape<Real, D>::vectors], terms[Shape<Real, D>::vectors] = {};

  /// `row_terms` may be null.
  RowPanel(const Real* points, const Real* row_terms) {
    using S = Shape<Real, D>;
#pragma GCC unroll 4
    for (int v = 0; v < S::vectors; ++v) {
      if (row_terms) terms[v] = load(row_terms + v * lanes<Real>);
#pragma GCC unroll 3
      for (int k = 0; k < D; ++k) x[k][v] = load(points + k * S::rows + v * lanes<Real>);
    }
  }

  /// As the columns of a run see it: from their origin, and in the dot form with its own squares.
  void shift_to(const ColumnRun<Real>& run) {
#pragma GCC unroll 4
    for (int v = 0; v < Shape<Real, D>::vectors; ++v)
#pragma GCC unroll 3
      for (int k = 0; k < D; ++k) {
        x[k][v] -= broadcast(run.origin[k]);
        if (run.dot_form) terms[v] -= Real(0.5) * x[k][v] * x[k][v];
      }
  }
};

/// t_ij of a panel, shifted to the run that columns [first, last) are of, handed to sink(column, vector, t).
template <class Real, int D, bool dot_form, class Sink>
inline __attribute__((always_inline)) void run_of_columns(const RowPanel<Real, D>& panel,
                                                          const TileArguments<Real>& tile, std::size_t first,
                                                          std::size_t last, Sink&& sink) {
  using S = Shape<Real, D>;
  for (std::size_t j = first; j < last; j += S::columns) {
    const Real* const y = tile.columns + j * D;
#pragma GCC unroll 8
    for (int c = 0; c < S::columns; ++c)
#pragma GCC unroll 4
      for (int v = 0; v < S::vectors; ++v) {
        Pack<Real> t = broadcast(tile.column_terms[j + c]) + panel.terms[v];
        Pack<Real> square = {};
#pragma GCC unroll 3
        for (int k = 0; k < D; ++k) {
          const Pack<Real> column = broadcast(y[k * S::columns + c]);
          if constexpr (dot_form)
            t += panel.x[k][v] * column;
          else
            square += (panel.x[k][v] - column) * (panel.x[k][v] - column);
        }
        if constexpr (!dot_form) t -= Real(0.5) * square;
        sink(j + c, v, t);
      }
  }
}

/// The same for one group of columns in any dimension.
template <class Real, bool with_row_terms, class Sink>
inline __attribute__((always_inline)) void group_of_columns(const TileArguments<Real>& tile,
                                                            std::size_t first, Sink&& sink) {
  using S = Shape<Real, 0>;
  constexpr int L = lanes<Real>;
  const std::size_t d = static_cast<std::size_t>(tile.dimension);
  const Real* y = tile.columns + first * d;
  const Real* x = tile.rows;
  Pack<Real> t[S::columns][S::vectors];
#pragma GCC unroll 8
  for (int c = 0; c < S::columns; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < S::vectors; ++v) {
      t[c][v] = broadcast(tile.column_terms[first + c]);
      if constexpr (with_row_terms) t[c][v] += load(tile.row_terms + v * L);
    }
  for (std::size_t k = 0; k < d; ++k, x += S::rows, y += S::columns) {
    Pack<Real> row[S::vectors];
#pragma GCC unroll 4
    for (int v = 0; v < S::vectors; ++v) row[v] = load(x + v * L);
#pragma GCC unroll 8
    for (int c = 0; c < S::columns; ++c) {
      const Pack<Real> column = broadcast(y[c]);
#pragma GCC unroll 4
      for (int v = 0; v < S::vectors; ++v) t[c][v] += row[v] * column;
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < S::columns; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < S::vectors; ++v) sink(first + c, v, t[c][v]);
}

/// t_ij for columns [first, last), whole groups that start with a run or lie in one, handed to
/// sink(column, vector, t). D = 0: any dimension.
template <class Real, int D, bool with_row_terms, class Sink>
inline __attribute__((always_inline)) void for_columns(const TileArguments<Real>& tile, std::size_t first,
                                                       std::size_t last, Sink&& sink) {
  if constexpr (D > 0) {
    for (; first < last; first += run_columns) {
      const std::size_t end = std::min(first + run_columns, last);
      const ColumnRun<Real>& run = tile.runs[first / run_columns];
      RowPanel<Real, D> panel(tile.rows, with_row_terms ? tile.row_terms : nullptr);
      panel.shift_to(run);
      if (run.dot_form)
        run_of_columns<Real, D, true>(panel, tile, first, end, sink);
      else
        run_of_columns<Real, D, false>(panel, tile, first, end, sink);
    }
  } else {
    for (; first < last; first += Shape<Real, 0>::columns)
      group_of_columns<Real, with_row_terms>(tile, first, sink);
  }
}

/// work(integral_constant<value>) for 1, 2 and 3, and work(integral_constant<Other>) beyond.
template <int Other, class Work>
void with_constant(std::size_t value, Work&& work) {
  switch (value) {
    case 1:
      return work(std::integral_constant<int, 1>{});
    case 2:
      return work(std::integral_constant<int, 2>{});
    case 3:
      return work(std::integral_constant<int, 3>{});
    default:
      return work(std::integral_constant<int, Other>{});
  }
}

/// The same with the dimension, or 0 for those without a tile of their own.
template <class Work>
void with_dimension(int dimension, Work&& work) {
  with_constant<0>(static_cast<std::size_t>(dimension), work);
}

}  // namespace fortet::kernel
