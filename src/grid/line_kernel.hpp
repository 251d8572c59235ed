#pragma once
// Gaussian sums along grid lines, in the log domain, on the host: arrays in, arrays out. No Kokkos here.
//
// Along one axis, for every line l of a block of lines,
//   out_i = log2 sum_j 2^(in_j - s (x_i - y_j)^2),   s = log2(e) / (2 variance),
// where x and y are two uniform rows of nodes. Four ways, all exact in the log domain:
//   dense    the whole matrix times 2^(in - max of the line), one product;
//   tilted   tiles of w nodes; with tile centres c_I, c_J, D = c_I - c_J and offsets d_i, d_j
//              (x_i - y_j)^2 = D^2 + 2 D d_i - 2 D d_j + (d_i - d_j)^2,
//            so the two linear terms go into the rows and columns and one constant w x w matrix serves every
//            pair of tiles; each pair has its own maximum and pairs too far below the running sum are
//            skipped;
//   shared   the same tiles where both rows have one step. Entries of a tile are exponentiated once for all
//            rows: tilted by T, the whole number of tiles that takes most of their slope, and relative to
//            their maximum. With D' = D + T,
//              -s (D + d_i - d_j)^2 + 2 s T d_j = -s (D' + d_i - d_j)^2 + 2 s T (D + d_i) + s T^2,
//            so each D' has one w x w matrix, and pairs are added with a factor a line and one a row. On
//            grids much finer than the kernel the matrix is taken in two factors: with offsets p, q from the
//            corners of the tiles, exp(p q / variance) is cut after `rank` terms of its series, all of one
//            sign. Sums that come out too small to be trusted are formed anew by tilted pairs;
//   direct   the same tiles term by term, for kernels narrower than a few cells.
#include <cmath>
#include <cstddef>
#include <vector>

namespace fortet::grid {

/// Uniform nodes first + i step, i < count.
struct Nodes {
  double first = 0, step = 1;
  int count = 0;
  double at(double i) const { return first + i * step; }
};

enum class LineMethod { dense, shared, tilted, direct };

/// The numbers 2^(-s (x_i - y_j)^2). Where both sides have the same step they depend on i - j alone, and one
/// line of them serves every row: it stays in the nearest cache.
template <class Real>
class GaussianMatrix {
 public:
  GaussianMatrix() = default;
  /// Times 2^bits.
  GaussianMatrix(const Nodes& rows, const Nodes& columns, double s, double bits = 0);

  const Real* row(int i) const { return entries_.data() + first_ + i * stride_; }
  /// From a row to the next: negative where rows overlap.
  std::ptrdiff_t stride() const { return stride_; }

 private:
  std::vector<Real> entries_;
  std::ptrdiff_t first_ = 0, stride_ = 0;
};

/// A Gaussian kernel between two rows of nodes, made ready for one method.
template <class Real>
class LineKernel {
 public:
  /// Entries of the largest tile of results.
  static constexpr int max_tile = 128 * 64;
  /// Lines of the largest block.
  static constexpr int max_lines = 64;

  /// `lines` is how many lines a block holds: block_lines(number of lines of the problem).
  LineKernel(const Nodes& out, const Nodes& in, double variance, LineMethod method, int lines);

  /// Lines per block for a problem with so many lines: one register, or four.
  static int block_lines(std::size_t lines);
  /// Largest exponent range (in nats, over the whole box) for which `dense` keeps full relative accuracy.
  static double dense_range();
  /// The cheapest method by the count of multiplications; `dense` only when it is accurate.
  static LineMethod choose(const Nodes& out, const Nodes& in, double variance);

  LineMethod method() const { return method_; }
  /// Nodes per tile.
  int width() const { return width_; }
  int lines() const { return lines_; }
  int out_tiles() const { return out_tiles_; }
  int in_tiles() const { return in_tiles_; }
  /// Rows of an input block: in.count rounded up to whole tiles, the rest -inf.
  int padded_rows() const { return in_tiles() * width_; }
  /// What skipping can have cost, relative to any of the sums.
  double skip_bound() const;

  /// Rows of `largest` and of `columns` below.
  int largest_rows() const;
  int column_rows() const;

  /// What all rows of one block share (block: padded_rows x lines, base-2 logs): largest entries of its tiles
  /// (dense: of its lines; shared: tilted, and after them the tilts), and for dense and shared the block
  /// relative to them, exponentiated.
  void prepare(const double* block, double* largest, Real* columns) const;
  /// Rows I * width ... of the result (width x lines). Returns the number of tile pairs it evaluated.
  int apply(const double* block, const double* largest, const Real* columns, int I, double* out) const;

 private:
  struct Scratch;
  struct Sums;
  double centre(const Nodes& nodes, int tile) const { return nodes.at(tile * width_ + 0.5 * (width_ - 1)); }
  void largest_tilted(const double* tile, int lines, double tilt, double* most) const;
  int best_tile(const double* largest, const Scratch& scratch, int I) const;
  double rise(const double* largest, int J) const;
  bool worth_it(const double* largest, int I, int J, const Scratch& scratch) const;
  bool tilted_pair(const double* block, int I, int J, Scratch& scratch) const;
  void direct_pair(const double* block, int I, int J, Scratch& scratch) const;
  void combine(Scratch& scratch, bool begin) const;
  double tilt(const double* largest, int J) const {
    return largest[in_tiles_ * lines_ + J] * width_ * in_.step;
  }
  int steepness(const double* block, int J) const;
  void prepare_shared(const double* block, double* largest, Real* columns) const;
  /// Bits by which the largest term of a pair is above the largest entry of its tile, rows tilted by T.
  double pair_bits(const double* largest, int I, int J, double T) const {
    const double own = tilt(largest, J), D = centre(out_, I) - centre(in_, J);
    return s_ * (own * (2 * D + own) + std::abs(own - T) * (width_ - 1) * out_.step) -
           costs_[static_cast<std::size_t>(tilted_apart(largest, I, J) + 2 * in_tiles_)];
  }
  void refer(const double* largest, int I, Sums& sums) const;
  void add_shared(const double* largest, const Real* columns, int I, int J, Sums& sums) const;
  int apply_shared(const double* block, const double* largest, const Real* columns, int I, double* out) const;
  int apply_pairs(const double* block, const double* largest, int first, int lines, int I, double* out) const;
  int apply_dense(const double* most, const Real* columns, int I, double* out) const;

  Nodes out_, in_;
  double s_;
  LineMethod method_;
  int lines_, width_ = 0, out_tiles_ = 0, in_tiles_ = 0;
  int rank_ = 0;                                // 0: matrices are not in factors
  GaussianMatrix<Real> matrix_;                 // dense: padded out x padded in; tilted: width x width
  std::vector<double> out_offset_, in_offset_;  // of the nodes of a tile from its centre
  double matrix_bits_ = 0;                      // -log2 of the smallest entry of the tile matrix
  /// The matrix of a pair of tiles, times 2^cost, the least cost in it: itself, or as left (width x rank)
  /// times right (rank x width).
  struct Pair {
    GaussianMatrix<Real> matrix;
    std::vector<Real> left, right;
    double cost = 0, range = 0;  // of all its entries, in bits
  };
  Pair make_pair(int apart) const;
  void make_pairs();
  /// D' in tiles.
  int tilted_apart(const double* largest, int I, int J) const {
    return I - J + static_cast<int>(largest[in_tiles_ * lines_ + J]);
  }
  const Pair& pair(const double* largest, int I, int J) const;
  const Real* turn_factor(const double* largest, int J, int K) const;
  std::vector<Pair> pairs_;    // shared: D' apart, from -2 in_tiles to in_tiles + out_tiles tiles
  std::vector<double> costs_;  // their costs, side by side
  std::vector<Real> turns_;    // shared: factors of the rows for tilts -2 in_tiles to 2 in_tiles tiles apart
};

}  // namespace fortet::grid
