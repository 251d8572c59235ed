#include "kernel/tile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel/tile_group.hpp"

namespace fortet::kernel {
namespace {

template <class Real, int D>
void row_sums_of(const TileArguments<Real>& tile, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  std::fill(out, out + S::rows, 0.0);
  for (std::size_t begin = 0; begin < tile.column_count; begin += flush_columns) {
    const std::size_t end = std::min(begin + flush_columns, tile.column_count);
    Pack<Real> sum[S::vectors] = {};
    for_columns<Real, D, true>(tile, begin, end,
                               [&sum](std::size_t, int v, Pack<Real> t) { sum[v] += exp2(t); });
    for (int v = 0; v < S::vectors; ++v)
      for (int l = 0; l < L; ++l) out[v * L + l] += static_cast<double>(sum[v][l]);
  }
}

template <class Real, int D>
void row_log_sums_of(const TileArguments<Real>& tile, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  constexpr std::size_t chunk = run_columns;  // columns whose t stay in the first-level cache
  constexpr Real lowest = std::is_same_v<Real, float> ? Real(-1e30) : Real(-1e300);
  alignas(alignment) Real t[chunk * S::rows];
  Pack<Real> maximum[S::vectors];
  for (auto& m : maximum) m = broadcast(lowest);
  double sum[S::rows] = {};
  for (std::size_t begin = 0; begin < tile.column_count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, tile.column_count);
    Pack<Real> previous[S::vectors];
    std::copy(std::begin(maximum), std::end(maximum), previous);
    for_columns<Real, D, false>(tile, begin, end, [&](std::size_t j, int v, Pack<Real> value) {
      store(t + ((j - begin) * S::vectors + v) * L, value);
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

template <class Real, int D, bool with_exponents>
void row_averages_of(const TileArguments<Real>& tile, const Real* payload, std::size_t width, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  constexpr std::size_t chunk = run_columns;
  alignas(alignment) Real e[chunk * S::rows];
  const auto add = [out](std::size_t k, int v, Pack<Real> sum) {
    for (int l = 0; l < L; ++l) out[k * S::rows + v * L + l] += static_cast<double>(sum[l]);
  };
  std::fill(out, out + S::rows * (width + with_exponents), 0.0);
  for (std::size_t begin = 0; begin < tile.column_count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, tile.column_count);
    Pack<Real> exponents[S::vectors] = {};
    for_columns<Real, D, true>(tile, begin, end, [&](std::size_t j, int v, Pack<Real> t) {
      const Pack<Real> value = exp2(t);
      store(e + ((j - begin) * S::vectors + v) * L, value);
      // -inf, where the weight is zero, has the limit 0 too
      if constexpr (with_exponents) exponents[v] += value * max(t, broadcast(Real(-1e6)));
    });
    if constexpr (with_exponents)
      for (int v = 0; v < S::vectors; ++v) add(width, v, exponents[v]);
    for (std::size_t k = 0; k < width; ++k) {
      Pack<Real> sum[S::vectors] = {};
      for (std::size_t c = 0; c < end - begin; ++c)
        for (int v = 0; v < S::vectors; ++v)
          sum[v] += load(e + (c * S::vectors + v) * L) * broadcast(payload[(begin + c) * width + k]);
      for (int v = 0; v < S::vectors; ++v) add(k, v, sum[v]);
    }
  }
}

}  // namespace

template <class Real>
std::size_t panel_rows(int dimension) {
  return dimension <= small_dimension ? Shape<Real, 1>::rows : Shape<Real, 0>::rows;
}

template <class Real>
std::size_t panel_lanes() {
  return lanes<Real>;
}

template <class Real>
std::size_t group_columns(int dimension) {
  return dimension <= small_dimension ? Shape<Real, 1>::columns : Shape<Real, 0>::columns;
}

namespace {

template <class Real>
std::size_t place(const PackedPoints<Real>& points, std::size_t i, std::size_t k) {
  const std::size_t d = static_cast<std::size_t>(points.dimension), group = points.group;
  return (i / group * d + k) * group + i % group;
}

/// Fills values and square_terms; coordinate(i, k) are the coordinates.
template <class Real, class Coordinate>
void fill(PackedPoints<Real>& packed, std::size_t n, int dimension, std::size_t group,
          const Coordinate& coordinate) {
  packed.count = n;
  packed.padded = (n + group - 1) / group * group;
  packed.group = group;
  packed.dimension = dimension;
  const std::size_t d = static_cast<std::size_t>(dimension);
  packed.values = {packed.padded * d, Real(0)};
  packed.square_terms.assign(n, 0.0);
  Real* const out = packed.values.data();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k) {
      const Real value = static_cast<Real>(coordinate(i, k));
      out[place(packed, i, k)] = value;
      // of what was rounded: then the dot form is exact about the rounded points
      packed.square_terms[i] -= 0.5 * static_cast<double>(value) * static_cast<double>(value);
    }
}

/// Largest |y|^2 / 2 for which a run is taken in the dot form. Rounding it, and x . y, which is of its size
/// where an entry is not negligible, costs an exponent some eight units in the last place of one: what
/// potentials of a few epsilon lose in the difference form.
constexpr double largest_square = 8;

}  // namespace

template <class Real>
double PackedPoints<Real>::coordinate(std::size_t i, std::size_t k) const {
  return static_cast<double>(values.data()[place(*this, i, k)]);
}
template <class Real>
double PackedColumns<Real>::coordinate(std::size_t i, std::size_t k) const {
  return PackedPoints<Real>::coordinate(i, k) + static_cast<double>(runs[i / run_columns].origin[k]);
}

template <class Real, class Value>
PackedPoints<Real> pack_rows(const Value* points, std::size_t n, int dimension, const double* centre,
                             double scale) {
  PackedPoints<Real> packed;
  fill(packed, n, dimension, panel_rows<Real>(dimension), [=](std::size_t i, std::size_t k) {
    return scale * (static_cast<double>(points[k * n + i]) - centre[k]);
  });
  if (dimension <= small_dimension)  // run by run
    packed.square_terms.assign(n, 0.0);
  return packed;
}

template <class Real, class Value>
PackedColumns<Real> pack_columns(const Value* points, std::size_t n, int dimension, const double* centre,
                                 double scale) {
  PackedColumns<Real> packed;
  const auto coordinate = [=](std::size_t i, std::size_t k) {
    return scale * (static_cast<double>(points[k * n + i]) - centre[k]);
  };
  packed.runs.resize((n + run_columns - 1) / run_columns);
  if (dimension > small_dimension) {
    fill(packed, n, dimension, group_columns<Real>(dimension), coordinate);
    return packed;
  }
  const auto end_of = [n](std::size_t run) { return std::min(n, (run + 1) * run_columns); };
  for (std::size_t run = 0; run < packed.runs.size(); ++run)
    for (std::size_t k = 0; k < static_cast<std::size_t>(dimension); ++k) {
      double low = coordinate(run * run_columns, k), high = low;
      for (std::size_t i = run * run_columns; i < end_of(run); ++i) {
        low = std::min(low, coordinate(i, k));
        high = std::max(high, coordinate(i, k));
      }
      packed.runs[run].origin[k] = static_cast<Real>((low + high) / 2);
    }
  fill(packed, n, dimension, group_columns<Real>(dimension), [&](std::size_t i, std::size_t k) {
    return coordinate(i, k) - static_cast<double>(packed.runs[i / run_columns].origin[k]);
  });
  for (std::size_t run = 0; run < packed.runs.size(); ++run) {
    const auto first = packed.square_terms.begin() + static_cast<std::ptrdiff_t>(run * run_columns),
               last = packed.square_terms.begin() + static_cast<std::ptrdiff_t>(end_of(run));
    packed.runs[run].dot_form = *std::min_element(first, last) >= -largest_square;
    if (!packed.runs[run].dot_form) std::fill(first, last, 0.0);
  }
  return packed;
}

// Every public tile picks the specialisation for its dimension.
template <class Real>
void row_sums(const TileArguments<Real>& tile, double* out) {
  with_dimension(tile.dimension, [&](auto d) { row_sums_of<Real, d>(tile, out); });
}
template <class Real>
void row_log_sums(const TileArguments<Real>& tile, double* out) {
  with_dimension(tile.dimension, [&](auto d) { row_log_sums_of<Real, d>(tile, out); });
}
template <class Real>
void row_averages(const TileArguments<Real>& tile, const Real* payload, std::size_t width, double* out) {
  with_dimension(tile.dimension, [&](auto d) { row_averages_of<Real, d, false>(tile, payload, width, out); });
}
template <class Real>
void row_averages_and_exponents(const TileArguments<Real>& tile, const Real* payload, std::size_t width,
                                double* out) {
  with_dimension(tile.dimension, [&](auto d) { row_averages_of<Real, d, true>(tile, payload, width, out); });
}

#define FORTET_INSTANTIATE_PACKING(Real, Value)                                                       \
  template PackedPoints<Real> pack_rows<Real>(const Value*, std::size_t, int, const double*, double); \
  template PackedColumns<Real> pack_columns<Real>(const Value*, std::size_t, int, const double*, double);
#define FORTET_INSTANTIATE(Real)                                                             \
  template struct PackedPoints<Real>;                                                        \
  template struct PackedColumns<Real>;                                                       \
  template std::size_t panel_rows<Real>(int);                                                \
  template std::size_t panel_lanes<Real>();                                                  \
  template std::size_t group_columns<Real>(int);                                             \
  FORTET_INSTANTIATE_PACKING(Real, float)                                                    \
  FORTET_INSTANTIATE_PACKING(Real, double)                                                   \
  template void row_sums(const TileArguments<Real>&, double*);                               \
  template void row_log_sums(const TileArguments<Real>&, double*);                           \
  template void row_averages(const TileArguments<Real>&, const Real*, std::size_t, double*); \
  template void row_averages_and_exponents(const TileArguments<Real>&, const Real*, std::size_t, double*);
FORTET_INSTANTIATE(float) FORTET_INSTANTIATE(double)

}  // namespace fortet::kernel
