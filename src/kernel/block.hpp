#pragma once
// Blocks: the exponentials of one group of source atoms against all target atoms, written down so that both
// marginals can be had from one evaluation. A block is computed into a buffer that stays in cache (one
// exponential a pair and full iteration) or kept for the whole run (the stored kernel).
//
// Layout: for each panel of target atoms, for each source atom of the group, panel_rows() entries; in half
// precision for each two atoms, with an entry of both in a word. A block may hold some panels only: then a
// list says which, in the order of the block. Base 2 and forms as in tile.hpp. No Kokkos here.
#include <cstddef>
#include <cstdint>

#include "kernel/tile.hpp"

namespace fortet::kernel {

/// An entry in half precision, to eleven significant bits between 2^-36 and 2^28 (pack.hpp: pair).
struct Half {
  std::uint16_t bits;
};

/// The panels of target atoms that a block holds: those in `list`, or the first `count` of all.
struct Panels {
  std::size_t count = 0;
  const std::uint32_t* list = nullptr;

  std::size_t operator[](std::size_t p) const { return list ? list[p] : p; }
};

/// A group of source atoms and the panels of target atoms, packed as in tile.hpp.
template <class Real>
struct BlockArguments {
  int dimension = 0;
  const Real* group = nullptr;           ///< dimension x group_columns
  const Real* group_terms = nullptr;     ///< group_columns; -inf for padding
  const ColumnRun<Real>* run = nullptr;  ///< that the group is of
  const Real* points = nullptr;          ///< of all panels: each dimension x panel_rows
  const Real* panel_terms = nullptr;     ///< of all panels: each panel_rows; -inf for padding
  Panels panels;
  bool shifted = false;  ///< points and terms are as the run sees them, by shift_panels
};

/// The panels as the run of the group sees them, for all groups of that run: coordinates from its origin and
/// terms with the squares. Only in up to small_dimension dimensions.
template <class Real>
void shift_panels(const BlockArguments<Real>& arguments, Real* points, Real* panel_terms);

/// A block of so many panels in half precision.
void keep_in_half(std::size_t panel, const float* entries, std::size_t panels, Half* block);

/// block_cj = 2^t_cj for the group; sums[c] = sum_j weights[j] 2^t_cj; without weights all are one.
template <class Real, class Store>
void fill_block(const BlockArguments<Real>& arguments, const Real* weights, Store* block, double* sums);

/// sums[c] = sum_j weights[j] block_cj, in panels of `panel` entries, with arithmetic in Real.
template <class Real, class Store>
void block_row_sums(std::size_t panel, const Store* block, Panels panels, const Real* weights, double* sums);

/// columns[j] += sum_c factors[c] block_cj, likewise.
template <class Real, class Store>
void add_block_columns(std::size_t panel, const Store* block, Panels panels, const Real* factors,
                       double* columns);

/// columns[j] += sum_c factors[c] block_cj^2.
template <class Real, class Store>
void add_block_squares(std::size_t panel, const Store* block, Panels panels, const Real* factors,
                       double* columns);

/// out[i] = 2^((now[i] - then[i]) scale).
void exp2_differences(const double* now, const double* then, double scale, std::size_t count, double* out);

/// out[i] = x[i]^exponent for normal x > 0; finite and of no meaning for others.
void powers(const double* x, double exponent, std::size_t count, double* out);

}  // namespace fortet::kernel
