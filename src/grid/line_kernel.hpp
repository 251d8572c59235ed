#pragma once
// Gaussian sums along grid lines, in the log domain, on the host: arrays in, arrays out. No Kokkos here.
//
// Along one axis, for every line l of a block of lines,
//   out_i = log2 sum_j 2^(in_j - s (x_i - y_j)^2),   s = log2(e) / (2 variance),
// where x and y are two uniform rows of nodes. Two ways, both exact in the log domain:
//   dense    the whole matrix times 2^(in - max of the line), one product;
//   tilted   tiles of rows against the window of nodes that matter to them (line_windows.hpp), at once or
//            through a row of nodes z between, H apart: twice as narrow a kernel, twice,
//              2^(-s (x - y)^2) = H sqrt(2 / (pi variance)) sum_z 2^(-2 s (x - z)^2) 2^(-2 s (z - y)^2),
//            the trapezium rule for a Gaussian of a quarter of the variance: with all terms of one sign its
//            error 2 exp(-pi^2 variance / 2 H^2) is relative. It needs nodes half a deviation apart (in
//            double a third), so that however fine the grid a sum takes 40 terms (double: 80) in place of
//            thousands.
#include <cstddef>
#include <vector>

#include "grid/line_windows.hpp"

namespace fortet::grid {

enum class LineMethod { dense, tilted };

/// The numbers 2^(-s (x_i - y_j)^2). Where both sides have the same step they depend on i - j alone, and one
/// line of them serves every column: it stays in the nearest cache.
template <class Real>
class GaussianMatrix {
 public:
  GaussianMatrix() = default;
  GaussianMatrix(const Nodes& rows, const Nodes& columns, double s);

  /// Column j from row i on.
  const Real* at(int i, int j) const { return entries_.data() + first_ + i + j * next_; }
  /// From a column to the next: negative where columns overlap.
  std::ptrdiff_t next() const { return next_; }

 private:
  std::vector<Real> entries_;
  std::ptrdiff_t first_ = 0, next_ = 0;
};

/// A Gaussian kernel between two rows of nodes, made ready for one method.
template <class Real>
class LineKernel {
 public:
  /// Lines of a block: a register, at most so many.
  static int lines();
  static constexpr int max_lines = 16;
  /// Rows of the largest tile of results.
  static constexpr int max_width = WindowSums<Real>::max_width;

  LineKernel(const Nodes& out, const Nodes& in, double variance, LineMethod method);

  /// Largest exponent range (in nats, over the whole box) for which `dense` keeps full relative accuracy.
  static double dense_range();
  /// The cheaper method by the count of multiplications; `dense` only when it is accurate.
  static LineMethod choose(const Nodes& out, const Nodes& in, double variance);

  LineMethod method() const { return method_; }
  /// Nodes per tile of results, and how many tiles.
  int width() const { return method_ == LineMethod::dense ? dense_width : to_out_.width(); }
  int out_tiles() const { return (out_.count + width() - 1) / width(); }
  /// Nodes between, or 0.
  int between() const { return between_.count; }
  /// Rows of an input block; those after in.count are -inf.
  int padded_rows() const;
  /// What skipping can have cost, relative to any of the sums.
  double skip_bound() const;

  /// Rows of what `share` forms of a block, in double and in Real.
  int double_rows() const;
  int real_rows() const;

  /// What all rows of one block share (block: padded_rows x lines, base-2 logs). dense: the largest entries
  /// of its lines, and the block relative to them, exponentiated; tilted: its tiles, and where there are
  /// nodes between the sums there and their tiles.
  void share(const double* block, double* doubles, Real* reals) const;
  /// Rows I * width ... of the result (width x lines). Returns how many terms a line it added.
  long apply(const double* block, double* doubles, Real* reals, int I, double* out) const;
  /// Terms there are, for apply's count: of all tiles.
  long terms() const;

 private:
  static constexpr int dense_width = 32;
  long apply_dense(const double* most, const Real* columns, int I, double* out) const;
  int between_rows() const { return to_between_.tiles() * to_between_.width(); }
  /// Of a block with nodes between: its tiles, and from here on what belongs to the sums between.
  double* sums_between(double* doubles) const { return doubles + to_between_.bound_rows() * lines(); }
  SharedTiles<Real> tiles_between(double* doubles, Real* reals) const {
    return {sums_between(doubles) + between_rows() * lines(), reals + in_.count * lines()};
  }

  Nodes out_, in_, between_;
  LineMethod method_;
  GaussianMatrix<Real> matrix_;  // dense: padded out x padded in
  WindowSums<Real> to_between_, to_out_;
};

}  // namespace fortet::grid
