#include "kernel/tile.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
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

template <class Real, int D, bool with_exponents>
void row_averages_of(const TileArguments<Real>& tile, const Real* payload, std::size_t width, double* out) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  constexpr std::size_t chunk = 64;
  alignas(alignment) Real e[chunk * S::rows];
  const auto add = [out](std::size_t k, int v, Pack<Real> sum) {
    for (int l = 0; l < L; ++l) out[k * S::rows + v * L + l] += static_cast<double>(sum[l]);
  };
  std::fill(out, out + S::rows * (width + with_exponents), 0.0);
  for (std::size_t begin = 0; begin < tile.column_count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, tile.column_count);
    Pack<Real> exponents[S::vectors] = {};
    for (std::size_t j = begin; j < end; j += S::columns)
      group<Real, D, true>(tile, j, [&](int c, int v, Pack<Real> t) {
        const Pack<Real> value = exp2(t);
        store(e + ((j - begin + c) * S::vectors + v) * L, value);
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

#define FORTET_INSTANTIATE(Real)                                                                        \
  template struct PackedPoints<Real>;                                                                   \
  template std::size_t panel_rows<Real>(int);                                                           \
  template std::size_t panel_lanes<Real>();                                                             \
  template std::size_t group_columns<Real>(int);                                                        \
  template PackedPoints<Real> pack_points<Real>(const float*, std::size_t, int, const double*, double,  \
                                                std::size_t);                                           \
  template PackedPoints<Real> pack_points<Real>(const double*, std::size_t, int, const double*, double, \
                                                std::size_t);                                           \
  template void row_sums(const TileArguments<Real>&, double*);                                          \
  template void row_log_sums(const TileArguments<Real>&, double*);                                      \
  template void row_averages(const TileArguments<Real>&, const Real*, std::size_t, double*);            \
  template void row_averages_and_exponents(const TileArguments<Real>&, const Real*, std::size_t, double*);
FORTET_INSTANTIATE(float) FORTET_INSTANTIATE(double)

}  // namespace fortet::kernel
