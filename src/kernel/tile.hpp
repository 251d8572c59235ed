#pragma once
// Tiles of the squared-Euclidean Gibbs kernel on the host: arrays in, arrays out, one panel of rows of work.
// No Kokkos here: the packed arithmetic is compiled by the host compiler alone and called from Kokkos
// dispatch.
//
// Everything is in base 2. With s = log2(e) / (2 epsilon) a tile evaluates, for the rows i of one panel,
//   t_ij = r_i + h_j - s |x_i - y_j|^2
// and reduces over all columns j. Points come scaled by sqrt(2 s), so that this is the biased dot product
//   (r_i - |x_i|^2 / 2) + (h_j - |y_j|^2 / 2) + x_i . y_j
// about any origin. It loses digits with the distance from the origin: for d <= 3 the origin is in the middle
// of the columns at hand, a run of neighbours; where they lie far apart the difference is formed.
#include <cstddef>
#include <vector>

#include "kernel/aligned_buffer.hpp"

namespace fortet::kernel {

inline constexpr double log2_e = 1.44269504088896340736;

/// Largest dimension that has its own tile, and an origin for each run of columns.
inline constexpr int small_dimension = 3;

/// Columns that share an origin.
inline constexpr std::size_t run_columns = 64;

/// Rows in a panel and columns in a group, in points: the tile shape for this precision and dimension.
template <class Real>
std::size_t panel_rows(int dimension);
template <class Real>
std::size_t group_columns(int dimension);

/// Entries that one instruction works on.
template <class Real>
std::size_t panel_lanes();

/// Points as the tiles want them, in groups of `group` points, coordinate by coordinate within a group. The
/// size is rounded up; padding is zero.
template <class Real>
struct PackedPoints {
  std::size_t count = 0;   ///< points
  std::size_t padded = 0;  ///< rounded up to whole groups
  std::size_t group = 0;
  int dimension = 0;
  AlignedBuffer<Real> values;
  std::vector<double> square_terms;  ///< -|point|^2 / 2 where it belongs to the terms of the point, or 0

  double coordinate(std::size_t i, std::size_t k) const;
};

/// What run_columns columns share in up to small_dimension dimensions.
template <class Real>
struct ColumnRun {
  Real origin[small_dimension] = {};  ///< that their coordinates are told from
  bool dot_form = false;              ///< or the difference form, because they lie far apart
};

template <class Real>
struct PackedColumns : PackedPoints<Real> {
  std::vector<ColumnRun<Real>> runs;

  double coordinate(std::size_t i, std::size_t k) const;
};

/// Packs n points given coordinate-major (coordinate k of point i at points[k * n + i]) as
/// scale * (point - centre), rows in panels of panel_rows() and columns in groups of group_columns().
template <class Real, class Value>
PackedPoints<Real> pack_rows(const Value* points, std::size_t n, int dimension, const double* centre,
                             double scale);
template <class Real, class Value>
PackedColumns<Real> pack_columns(const Value* points, std::size_t n, int dimension, const double* centre,
                                 double scale);

/// One panel of rows against all columns. Pointers are aligned to 64 bytes.
template <class Real>
struct TileArguments {
  int dimension = 0;
  const Real* rows = nullptr;             ///< the panel: dimension x panel_rows
  const Real* row_terms = nullptr;        ///< panel_rows: r_i and square_terms; not read by row_log_sums
  const Real* columns = nullptr;          ///< all column groups
  const Real* column_terms = nullptr;     ///< h_j and square_terms; -inf for padding and for zero weights
  const ColumnRun<Real>* runs = nullptr;  ///< not read in more than small_dimension dimensions
  std::size_t column_count = 0;           ///< padded to whole groups
};

/// out_i = sum_j 2^t_ij: the max-free pass. Real within 1024 columns, double across.
template <class Real>
void row_sums(const TileArguments<Real>& tile, double* out);

/// out_i = log2 sum_j 2^(t_ij - row_terms_i), safe for any range; -inf when every column has zero weight.
template <class Real>
void row_log_sums(const TileArguments<Real>& tile, double* out);

/// out[k * panel_rows + i] = sum_j 2^t_ij payload[j * width + k], k < width; payload has column_count rows.
template <class Real>
void row_averages(const TileArguments<Real>& tile, const Real* payload, std::size_t width, double* out);

/// row_averages, and behind them out[width * panel_rows + i] = sum_j 2^t_ij t_ij.
template <class Real>
void row_averages_and_exponents(const TileArguments<Real>& tile, const Real* payload, std::size_t width,
                                double* out);

}  // namespace fortet::kernel
