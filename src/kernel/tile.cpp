#include "kernel/tile.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernel/pack.hpp"

namespace fortet::kernel {
namespace {

/// Tile shape: `vectors` packs of rows against `columns` columns stay in registers together.
template <class Real, int D>
struct Shape {
  static constexpr int vectors = vector_registers >= 32 ? (D > 0 ? 4 : 3) : 2;
  static constexpr int columns = vector_registers >= 32 ? 8 : 4;
  static constexpr int rows = vectors * lanes<Real>;
};

constexpr std::size_t flush_columns = 1024;  // Real sums are moved to double after this many columns
constexpr std::size_t alignment = 64;

/// t_ij for one group of columns, handed to sink(column, vector, t). D = 0: any dimension, dot form.
template <class Real, int D, bool with_row_terms, class Sink>
inline __attribute__((always_inline)) void group(const TileArguments<Real>& tile, std::size_t first,
                                                 Sink&& sink) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  const Real* terms = tile.column_terms + first;
  if constexpr (D > 0) {
    const Real* y = tile.columns + first * D;
#pragma GCC unroll 8
    for (int c = 0; c < S::columns; ++c)
#pragma GCC unroll 4
      for (int v = 0; v < S::vectors; ++v) {
        Pack<Real> t = broadcast(terms[c]);
        if constexpr (with_row_terms) t += load(tile.row_terms + v * L);
#pragma GCC unroll 3
        for (int k = 0; k < D; ++k) {
          const Pack<Real> difference =
              load(tile.rows + k * S::rows + v * L) - broadcast(y[k * S::columns + c]);
          t -= difference * difference;
        }
        sink(c, v, t);
      }
  } else {
    const std::size_t d = static_cast<std::size_t>(tile.dimension);
    const Real* y = tile.columns + first * d;
    const Real* x = tile.rows;
    Pack<Real> t[S::columns][S::vectors];
#pragma GCC unroll 8
    for (int c = 0; c < S::columns; ++c)
#pragma GCC unroll 4
      for (int v = 0; v < S::vectors; ++v) {
        t[c][v] = broadcast(terms[c]);
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
      for (int v = 0; v < S::vectors; ++v) sink(c, v, t[c][v]);
  }
}

template <class Real, int D>
void row_sums_of(const TileArguments<Real>& tile, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  std::fill(out, out + S::rows, 0.0);
  for (std::size_t begin = 0; begin < tile.column_count; begin += flush_columns) {
    const std::size_t end = std::min(begin + flush_columns, tile.column_count);
    Pack<Real> sum[S::vectors] = {};
    for (std::size_t j = begin; j < end; j += S::columns)
      group<Real, D, true>(tile, j, [&sum](int, int v, Pack<Real> t) { sum[v] += exp2(t); });
    for (int v = 0; v < S::vectors; ++v)
      for (int l = 0; l < L; ++l) out[v * L + l] += static_cast<double>(sum[v][l]);
  }
}

template <class Real, int D>
void row_log_sums_of(const TileArguments<Real>& tile, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  constexpr std::size_t chunk = 64;  // columns whose t stay in the first-level cache
  constexpr Real lowest = std::is_same_v<Real, float> ? Real(-1e30) : Real(-1e300);
  alignas(alignment) Real t[chunk * S::rows];
  Pack<Real> maximum[S::vectors];
  for (auto& m : maximum) m = broadcast(lowest);
  double sum[S::rows] = {};
  for (std::size_t begin = 0; begin < tile.column_count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, tile.column_count);
    Pack<Real> previous[S::vectors];
    std::copy(std::begin(maximum), std::end(maximum), previous);
    for (std::size_t j = begin; j < end; j += S::columns)
      group<Real, D, false>(tile, j, [&](int c, int v, Pack<Real> value) {
        store(t + ((j - begin + c) * S::vectors + v) * L, value);
        maximum[v] = max(value, maximum[v]);
      });
    for (int v = 0; v < S::vectors; ++v) {
      Pack<Real> part = {};
      for (std::size_t c = 0; c < end - begin; ++c)
        part += exp2(load(t + (c * S::vectors + v) * L) - maximum[v]);
      const Pack<Real> shrink = exp2(previous[v] - maximum[v]);
      for (int l = 0; l < L; ++l)
        sum[v * L + l] = sum[v * L + l] * static_cast<double>(shrink[l]) + static_cast<double>(part[l]);
    }
  }
  for (int v = 0; v < S::vectors; ++v)
    for (int l = 0; l < L; ++l)
      out[v * L + l] = maximum[v][l] > lowest ? static_cast<double>(maximum[v][l]) + std::log2(sum[v * L + l])
                                              : -std::numeric_limits<double>::infinity();
}

template <class Real, int D>
void row_averages_of(const TileArguments<Real>& tile, const Real* payload, std::size_t width, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  constexpr std::size_t chunk = 64;
  alignas(alignment) Real e[chunk * S::rows];
  std::fill(out, out + S::rows * width, 0.0);
  for (std::size_t begin = 0; begin < tile.column_count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, tile.column_count);
    for (std::size_t j = begin; j < end; j += S::columns)
      group<Real, D, true>(tile, j, [&](int c, int v, Pack<Real> t) {
        store(e + ((j - begin + c) * S::vectors + v) * L, exp2(t));
      });
    for (std::size_t k = 0; k < width; ++k) {
      Pack<Real> sum[S::vectors] = {};
      for (std::size_t c = 0; c < end - begin; ++c)
        for (int v = 0; v < S::vectors; ++v)
          sum[v] += load(e + (c * S::vectors + v) * L) * broadcast(payload[(begin + c) * width + k]);
      for (int v = 0; v < S::vectors; ++v)
        for (int l = 0; l < L; ++l) out[k * S::rows + v * L + l] += static_cast<double>(sum[v][l]);
    }
  }
}

}  // namespace

template <class Real>
std::size_t panel_rows(int dimension) {
  return dimension <= small_dimension ? Shape<Real, 1>::rows : Shape<Real, 0>::rows;
}

template <class Real>
std::size_t group_columns(int dimension) {
  return dimension <= small_dimension ? Shape<Real, 1>::columns : Shape<Real, 0>::columns;
}

template <class Real>
const Real* PackedPoints<Real>::aligned() const {
  const auto address = reinterpret_cast<std::uintptr_t>(values.data());
  return reinterpret_cast<const Real*>((address + alignment - 1) / alignment * alignment);
}

template <class Real, class Value>
PackedPoints<Real> pack_points(const Value* points, std::size_t n, int dimension, const double* centre,
                               double scale, std::size_t group) {
  PackedPoints<Real> packed;
  packed.count = n;
  packed.padded = (n + group - 1) / group * group;
  packed.dimension = dimension;
  packed.values.assign(packed.padded * static_cast<std::size_t>(dimension) + alignment / sizeof(Real),
                       Real(0));
  Real* out = const_cast<Real*>(packed.aligned());
  const std::size_t d = static_cast<std::size_t>(dimension);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k)
      out[(i / group * d + k) * group + i % group] =
          static_cast<Real>(scale * (static_cast<double>(points[k * n + i]) - centre[k]));
  return packed;
}

// Every public tile picks the specialisation for its dimension.
#define FORTET_DISPATCH(function, ...)       \
  switch (tile.dimension) {                  \
    case 1:                                  \
      return function<Real, 1>(__VA_ARGS__); \
    case 2:                                  \
      return function<Real, 2>(__VA_ARGS__); \
    case 3:                                  \
      return function<Real, 3>(__VA_ARGS__); \
    default:                                 \
      return function<Real, 0>(__VA_ARGS__); \
  }

template <class Real>
void row_sums(const TileArguments<Real>& tile, double* out) {
  FORTET_DISPATCH(row_sums_of, tile, out)
}
template <class Real>
void row_log_sums(const TileArguments<Real>& tile, double* out) {
  FORTET_DISPATCH(row_log_sums_of, tile, out)
}
template <class Real>
void row_averages(const TileArguments<Real>& tile, const Real* payload, std::size_t width,
                  double* out){FORTET_DISPATCH(row_averages_of, tile, payload, width, out)}

#define FORTET_INSTANTIATE(Real)                                                                        \
  template struct PackedPoints<Real>;                                                                   \
  template std::size_t panel_rows<Real>(int);                                                           \
  template std::size_t group_columns<Real>(int);                                                        \
  template PackedPoints<Real> pack_points<Real>(const float*, std::size_t, int, const double*, double,  \
                                                std::size_t);                                           \
  template PackedPoints<Real> pack_points<Real>(const double*, std::size_t, int, const double*, double, \
                                                std::size_t);                                           \
  template void row_sums(const TileArguments<Real>&, double*);                                          \
  template void row_log_sums(const TileArguments<Real>&, double*);                                      \
  template void row_averages(const TileArguments<Real>&, const Real*, std::size_t, double*);
FORTET_INSTANTIATE(float) FORTET_INSTANTIATE(double)

}  // namespace fortet::kernel
