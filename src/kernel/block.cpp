#include "kernel/block.hpp"

#include <algorithm>

#include "kernel/logarithm.hpp"
#include "kernel/tile_group.hpp"

namespace fortet::kernel {
namespace {

/// columns[0 ... lanes) += value, in double.
inline void add_to(double* columns, Pack<double> value) { store(columns, load(columns) + value); }
inline void add_to(double* columns, Pack<float> value) {
  alignas(alignment) float values[lanes<float>];
  store(values, value);
  for (int half_way : {0, lanes<double>}) add_to(columns + half_way, load_as<double>(values + half_way));
}

template <class Real>
inline double sum_of_lanes(Pack<Real> value) {
  double sum = 0;
  for (int l = 0; l < lanes<Real>; ++l) sum += static_cast<double>(value[l]);
  return sum;
}

/// Panels of this many rows whose sums are held in Real before they go to double.
constexpr std::size_t flush_panels(std::size_t panel) {
  return std::max<std::size_t>(1, flush_columns / panel);
}

template <class Real, int D>
void shift_panels_of(const BlockArguments<Real>& a, Real* points, Real* terms) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  for (std::size_t p = 0; p < a.panels.count; ++p) {
    const std::size_t at = a.panels[p], from = at * S::rows * D;
    RowPanel<Real, D> panel(a.points + from, a.panel_terms + at * S::rows);
    panel.shift_to(*a.run);
    for (int v = 0; v < S::vectors; ++v) {
      store(terms + at * S::rows + v * L, panel.terms[v]);
      for (int k = 0; k < D; ++k) store(points + from + k * S::rows + v * L, panel.x[k][v]);
    }
  }
}

template <class Real, class Store, int D, bool dot_form, bool weighted>
void fill_block_of(const BlockArguments<Real>& a, const Real* weights, Store* block, double* sums) {
  using S = Shape<Real, D>;
  constexpr int L = lanes<Real>;
  const std::size_t panel_size = S::rows * static_cast<std::size_t>(a.dimension);
  constexpr bool in_half = std::is_same_v<Store, Half>;
  alignas(alignment) float buffer[in_half ? S::columns * S::rows : 1];  // a panel before it is kept in half
  TileArguments<Real> tile{.dimension = a.dimension, .columns = a.group, .column_terms = a.group_terms};
  std::fill(sums, sums + S::columns, 0.0);
  for (std::size_t begin = 0; begin < a.panels.count; begin += flush_panels(S::rows)) {
    const std::size_t end = std::min(begin + flush_panels(S::rows), a.panels.count);
    Pack<Real> sum[S::columns] = {};
    for (std::size_t p = begin; p < end; ++p, block += S::columns * S::rows) {
      const auto to = [&] {
        if constexpr (in_half)
          return buffer;
        else
          return block;
      }();
      const std::size_t at = a.panels[p];
      tile.rows = a.points + at * panel_size;
      tile.row_terms = a.panel_terms + at * S::rows;
      const auto sink = [&](std::size_t c, int v, Pack<Real> t) {
        const Pack<Real> e = exp2(t);
        if constexpr (weighted)
          sum[c] += e * load(weights + at * S::rows + v * L);
        else
          sum[c] += e;
        store_as<Real>(to + (c * S::vectors + v) * L, e);
      };
      if constexpr (D > 0) {
        RowPanel<Real, D> panel(tile.rows, tile.row_terms);
        if (!a.shifted) panel.shift_to(*a.run);
        run_of_columns<Real, D, dot_form>(panel, tile, 0, S::columns, sink);
      } else {
        group_of_columns<Real, true>(tile, 0, sink);
      }
      if constexpr (in_half) keep_in_half(S::rows, buffer, 1, block);
    }
    for (int c = 0; c < S::columns; ++c) sums[c] += sum_of_lanes<Real>(sum[c]);
  }
}

/// Entries are asked for this many bytes ahead, a pair of lines at a time: from memory that is up to a third
/// faster than what hardware asks for by itself, from cache within 5 % as fast.
constexpr std::size_t read_ahead = 4096;

constexpr int group_size = Shape<float, 0>::columns;  // the same for every precision and dimension

/// A register of entries of two source atoms, c and c + 1, of a group.
template <class Real>
struct TwoRows {
  Pack<Real> first, second;
};
template <class Real>
inline TwoRows<Real> two_rows(const Real* block, std::size_t panel, std::size_t c, std::size_t column) {
  return {load(block + c * panel + column), load(block + (c + 1) * panel + column)};
}
template <class Real>
inline TwoRows<Real> two_rows(const Half* block, std::size_t panel, std::size_t c, std::size_t column) {
  PairedWords words;
  __builtin_memcpy(&words, block + c * panel + 2 * column, sizeof(words));
  TwoRows<Real> rows;
  unpair(words, rows.first, rows.second);
  return rows;
}

template <class Real, class Store, int vectors>
void block_row_sums_of(const Store* block, Panels panels, const Real* weights, double* sums) {
  constexpr int L = lanes<Real>, panel = vectors * L;
  std::fill(sums, sums + group_size, 0.0);
  for (std::size_t begin = 0; begin < panels.count; begin += flush_panels(panel)) {
    const std::size_t end = std::min(begin + flush_panels(panel), panels.count);
    Pack<Real> sum[group_size] = {};
    for (std::size_t p = begin; p < end; ++p, block += group_size * panel) {
      const Real* const w = weights + panels[p] * panel;
      for (std::size_t ahead = read_ahead; ahead < read_ahead + group_size * panel * sizeof(Store);
           ahead += 2 * alignment)
        __builtin_prefetch(reinterpret_cast<const char*>(block) + ahead, 0, 2);
#pragma GCC unroll 8
      for (int c = 0; c < group_size; c += 2)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) {
          const TwoRows<Real> e = two_rows<Real>(block, panel, c, v * L);
          sum[c] += e.first * load(w + v * L);
          sum[c + 1] += e.second * load(w + v * L);
        }
    }
    for (int c = 0; c < group_size; ++c) sums[c] += sum_of_lanes<Real>(sum[c]);
  }
}

template <class Real, class Store, int vectors, bool squared>
void add_block_columns_of(const Store* block, Panels panels, const Real* factors, double* columns) {
  constexpr int L = lanes<Real>, panel = vectors * L;
  Pack<Real> factor[group_size];
  for (int c = 0; c < group_size; ++c) factor[c] = broadcast(factors[c]);
  for (std::size_t p = 0; p < panels.count; ++p, block += group_size * panel) {
    Pack<Real> sum[vectors] = {};
#pragma GCC unroll 8
    for (int c = 0; c < group_size; c += 2)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const TwoRows<Real> e = two_rows<Real>(block, panel, c, v * L);
        sum[v] += factor[c] * (squared ? e.first * e.first : e.first);
        sum[v] += factor[c + 1] * (squared ? e.second * e.second : e.second);
      }
    double* const out = columns + panels[p] * panel;
    for (int v = 0; v < vectors; ++v) add_to(out + v * L, sum[v]);
  }
}

/// out[i] = 2^term(i), with loops of one register that the compiler makes vectors of.
template <class Term>
void exp2_of(const Term& term, std::size_t count, double* out) {
  constexpr std::size_t L = lanes<double>;
  std::size_t i = 0;
  for (; i + L <= count; i += L) {
    alignas(alignment) double t[L];
    for (std::size_t l = 0; l < L; ++l) t[l] = term(i + l);
    store_anywhere(out + i, exp2(load(t)));
  }
  alignas(alignment) double t[L] = {};
  for (std::size_t l = 0; i + l < count; ++l) t[l] = term(i + l);
  const Pack<double> e = exp2(load(t));
  for (std::size_t l = 0; i + l < count; ++l) out[i + l] = e[l];
}

/// work(integral_constant<vectors>) for panels of `panel` entries of Real.
template <class Real, class Work>
void with_vectors(std::size_t panel, Work&& work) {
  with_constant<4>(panel / lanes<Real>, work);
}

}  // namespace

template <class Real>
void shift_panels(const BlockArguments<Real>& arguments, Real* points, Real* panel_terms) {
  with_dimension(arguments.dimension, [&](auto d) {
    if constexpr (d > 0) shift_panels_of<Real, d>(arguments, points, panel_terms);
  });
}

void keep_in_half(std::size_t panel, const float* entries, std::size_t panels, Half* block) {
  for (std::size_t two = 0; two < panels * group_size / 2; ++two, entries += 2 * panel, block += 2 * panel)
    for (std::size_t j = 0; j < panel; j += lanes<float>) {
      const PairedWords words = pair(load(entries + j), load(entries + panel + j));
      __builtin_memcpy(block + 2 * j, &words, sizeof(words));
    }
}

template <class Real, class Store>
void fill_block(const BlockArguments<Real>& arguments, const Real* weights, Store* block, double* sums) {
  with_dimension(arguments.dimension, [&](auto d) {
    const auto fill = [&](auto dot_form) {
      weights ? fill_block_of<Real, Store, d, dot_form, true>(arguments, weights, block, sums)
              : fill_block_of<Real, Store, d, dot_form, false>(arguments, nullptr, block, sums);
    };
    if constexpr (d > 0)
      if (!arguments.run->dot_form) return fill(std::false_type{});
    fill(std::true_type{});
  });
}

template <class Real, class Store>
void block_row_sums(std::size_t panel, const Store* block, Panels panels, const Real* weights, double* sums) {
  with_vectors<Real>(
      panel, [&](auto vectors) { block_row_sums_of<Real, Store, vectors>(block, panels, weights, sums); });
}

template <class Real, class Store>
void add_block_columns(std::size_t panel, const Store* block, Panels panels, const Real* factors,
                       double* columns) {
  with_vectors<Real>(panel, [&](auto vectors) {
    add_block_columns_of<Real, Store, vectors, false>(block, panels, factors, columns);
  });
}

template <class Real, class Store>
void add_block_squares(std::size_t panel, const Store* block, Panels panels, const Real* factors,
                       double* columns) {
  with_vectors<Real>(panel, [&](auto vectors) {
    add_block_columns_of<Real, Store, vectors, true>(block, panels, factors, columns);
  });
}

void exp2_differences(const double* now, const double* then, double scale, std::size_t count, double* out) {
  exp2_of([=](std::size_t i) { return (now[i] - then[i]) * scale; }, count, out);
}

void powers(const double* x, double exponent, std::size_t count, double* out) {
  exp2_of([=](std::size_t i) { return exponent * log2_of(x[i]); }, count, out);
}

#define FORTET_INSTANTIATE(Real, Store)                                                     \
  template void block_row_sums(std::size_t, const Store*, Panels, const Real*, double*);    \
  template void add_block_columns(std::size_t, const Store*, Panels, const Real*, double*); \
  template void add_block_squares(std::size_t, const Store*, Panels, const Real*, double*);
FORTET_INSTANTIATE(float, Half)
FORTET_INSTANTIATE(float, float)
FORTET_INSTANTIATE(double, double)
template void shift_panels(const BlockArguments<float>&, float*, float*);
template void shift_panels(const BlockArguments<double>&, double*, double*);
template void fill_block(const BlockArguments<float>&, const float*, Half*, double*);
template void fill_block(const BlockArguments<float>&, const float*, float*, double*);
template void fill_block(const BlockArguments<double>&, const double*, Half*, double*);
template void fill_block(const BlockArguments<double>&, const double*, float*, double*);
template void fill_block(const BlockArguments<double>&, const double*, double*, double*);

}  // namespace fortet::kernel
