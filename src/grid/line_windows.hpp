#pragma once
// Sums in the log domain between two rows of nodes, on the host: a tile of results against the window of
// nodes that matter to it, a register of lines at a time. No Kokkos here.
//
//   out_i = log2 sum_j 2^(in_j - s (x_i - y_j)^2)
// With d = x - c from the centre c of the tile and a node y_m in the middle of the window, steps of h,
//   -s (x_i - y_j)^2 = -s (c - y_j)^2 + 2 s (y_m - c) d_i - s d_i^2 + 2 s (j - m) h d_i,
// so whatever the tile, the potentials and the two steps, the window is exponentiated with its distances from
// the centre (relative to the largest of each line), multiplied by one matrix 2^(2 s (j - m) h d_i), and the
// terms in d_i alone join the logarithms.
//
// Exponentials are shared between tiles of results: in a tile of nodes, offsets q from its centre c_J, tilted
// by its mean slope and relative to its largest entry, they are formed once. A window takes them times a
// factor a node and one a line: with D = c - c_J and T = slope / 2 s,
//   in_j - s (D - q)^2 = (in_j - slope q) + (2 s (D + T) q - s q^2) - s D^2.
//
// Tiles of nodes are left out where for every row their largest entry is skip_bits below a term that is
// known. What underflows is bounded beside every sum; where it may be more than as much again, the tile of
// results is cut in half, at last into single rows, for which all exponents are relative to the largest.
#include <algorithm>
#include <cstddef>
#include <vector>

namespace fortet::grid {

/// Uniform nodes first + i step, i < count.
struct Nodes {
  double first = 0, step = 1;
  int count = 0;
  double at(double i) const { return first + i * step; }
};

/// Of a block of lines, nodes x a register, what all tiles of results share.
template <class Real>
struct SharedTiles {
  double* bounds;  ///< for every tile of nodes and line the largest tilted entry and where; T; room to work
  Real* powers;    ///< of two to the tilted entries relative to the largest
};

template <class Real>
class WindowSums {
 public:
  static constexpr int max_width = 64;

  WindowSums() = default;
  /// All sums times 2^bits.
  WindowSums(const Nodes& out, const Nodes& in, double s, double bits = 0);

  /// Multiply-adds a line that it takes, about; potentials that are smooth on the scale of the Gaussian.
  static double work(const Nodes& out, const Nodes& in, double s);

  /// Rows of results in a tile.
  int width() const { return width_; }
  int tiles() const { return (out_.count + width_ - 1) / width_; }
  int nodes() const { return in_.count; }
  /// What leaving out terms can have cost, relative to any of the sums.
  double skip_bound() const;

  /// Rows of SharedTiles::bounds; of powers there are nodes().
  int bound_rows() const;
  void share(const double* block, const SharedTiles<Real>& shared) const;
  /// Rows I width() ... of the result (width() x register). Returns how many terms a line it added.
  long apply(const double* block, const SharedTiles<Real>& shared, int I, double* out) const;

 private:
  struct Window;
  struct Range {
    int begin, end;
  };
  /// Tiles of `width` rows: columns -reach ... reach of their matrix, one after the other.
  struct Level {
    int width = 1, reach = 0;
    std::vector<Real> matrix;
    std::vector<double> offset;
  };
  struct Block {
    const double* entries;
    const SharedTiles<Real>& shared;
  };
  /// How SharedTiles::bounds is laid out.
  struct Bounds {
    double *tiles, *base;  // base: of every line the largest tilted entry of all
    double* turns;         // T of every tile of nodes
    double* peaks;         // of every tile of nodes the largest entry above the base, of all lines
    double* above;         // window()'s
    /// Of every line of tile J the largest tilted entry, and its offset.
    double* high(int J) const;
    double* where(int J) const;
  };
  Level make_level(int width) const;
  Bounds bounds(const SharedTiles<Real>& shared) const;
  int padded_tiles() const;
  double in_centre(int J) const { return in_.at(J * in_width_ + 0.5 * (in_width_ - 1)); }
  /// Of a tile of nodes the offset of the last one from the centre.
  double apart() const { return 0.5 * (in_width_ - 1) * in_.step; }
  int nodes_of(int J) const { return std::min(in_width_, in_.count - J * in_width_); }
  double largest_factor(double tilt) const;
  int bound_tiles(const Bounds& bounds, double centre) const;
  double find_known(const Bounds& bounds, int best, Window& window) const;
  Window window(const Block& block, double centre, double half) const;
  double largest_rise(const Window& window, int J, double from, double to) const;
  Range reach(const Block& block, const Window& window, double from, double to) const;
  void raise(const Block& block, Window& window) const;
  void exponentials(const Block& block, int J, const Window& window, Real* to) const;
  bool sum(const Block& block, const Level& level, const Window& window, double* out) const;
  long rows(const Block& block, std::size_t depth, int first, double* out) const;

  Nodes out_, in_;
  double s_ = 1, bits_ = 0;
  int width_ = 1, in_width_ = 1, in_tiles_ = 0;
  std::vector<Level> levels_;       // of width_, half of it, ... 1
  std::vector<double> in_centres_;  // of the tiles of nodes
  std::vector<double> in_offset_;   // of the nodes of a tile from its centre
};

}  // namespace fortet::grid
