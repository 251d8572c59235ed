#pragma once
// Tiles of the squared-Euclidean Gibbs kernel on the host: arrays in, arrays out, one panel of rows of work.
// No Kokkos here: the packed arithmetic is compiled by the host compiler alone and called from Kokkos
// dispatch.
//
// Everything is in base 2. With s = log2(e) / (2 epsilon) a tile evaluates, for the rows i of one panel,
//   t_ij = row_term_i + column_term_j - s |x_i - y_j|^2
// and reduces over all columns j. For d <= 3 the difference is formed (points come scaled by sqrt(s)); for
// larger d it is the biased dot product x'_i . y_j with x' = 2 s x, and the squares live in the terms.
#include <cstddef>
#include <vector>

namespace fortet::kernel {

inline constexpr double log2_e = 1.44269504088896340736;

/// Largest dimension that has its own tile and uses the difference form.
inline constexpr int small_dimension = 3;

/// Rows in a panel and columns in a group, in points: the tile shape for this precision and dimension.
template <class Real>
std::size_t panel_rows(int dimension);
template <class Real>
std::size_t group_columns(int dimension);

/// Entries that one instruction works on.
template <class Real>
std::size_t panel_lanes();

/// Points as the tiles want them. Rows: panels of panel_rows() points, coordinate by coordinate within a
/// panel. Columns: the same with group_columns(). Sizes are rounded up; padding is zero.
template <class Real>
struct PackedPoints {
  std::size_t count = 0;   ///< points
  std::size_t padded = 0;  ///< rounded up to whole panels or groups
  int dimension = 0;
  std::vector<Real> values;  ///< use aligned()

  const Real* aligned() const;
};

/// Packs n points given coordinate-major (coordinate k of point i at points[k * n + i]) as
/// scale * (point - centre), in groups of `group` points.
template <class Real, class Value>
PackedPoints<Real> pack_points(const Value* points, std::size_t n, int dimension, const double* centre,
                               double scale, std::size_t group);

/// One panel of rows against all columns. Pointers are aligned to 64 bytes.
template <class Real>
struct TileArguments {
  int dimension = 0;
  const Real* rows = nullptr;          ///< the panel: dimension x panel_rows
  const Real* row_terms = nullptr;     ///< panel_rows; not read by row_log_sums
  const Real* columns = nullptr;       ///< all column groups
  const Real* column_terms = nullptr;  ///< -inf for padding and for zero weights
  std::size_t column_count = 0;        ///< padded to whole groups
};

/// out_i = sum_j 2^t_ij: the max-free pass. Real within 1024 columns, double across.
template <class Real>
void row_sums(const TileArguments<Real>& tile, double* out);

/// out_i = log2 sum_j 2^(t_ij - row_term_i), safe for any range; -inf when every column has zero weight.
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
