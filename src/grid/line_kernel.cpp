#include "grid/line_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "grid/line_numbers.hpp"

namespace fortet::grid {
namespace {

using kernel::lanes;

constexpr int dense_width = 32, direct_width = 8;

/// Largest -log2 of an entry of a tile matrix: products stay far above underflow.
template <class Real>
constexpr double tile_bits = std::is_same_v<Real, float> ? 60 : 400;
/// The work beside the product, per entry of a tile, in multiply-adds: two exponentials and the bookkeeping.
template <class Real>
constexpr double overhead = std::is_same_v<Real, float> ? 48 : 32;

double bits_of(double variance) { return std::numbers::log2e / (2 * variance); }

/// The best width that keeps the tile matrix representable, or 0.
template <class Real>
int tilted_width(const Nodes& out, const Nodes& in, double s) {
  int best = 0;
  for (int width = 8; width <= max_width; width *= 2) {
    const double span = 0.5 * (width - 1) * (out.step + in.step);
    if (s * span * span > tile_bits<Real>) break;
    const auto work = [&](int w) { return tiles_work<Real>(out, in, s, w, w + overhead<Real>); };
    if (best == 0 || work(width) < work(best)) best = width;
  }
  return best;
}

double exponent_range(const Nodes& out, const Nodes& in, double s) {
  const double farthest =
      std::max(std::abs(out.at(out.count - 1) - in.first), std::abs(in.at(in.count - 1) - out.first));
  return s * farthest * farthest;
}

}  // namespace

template <class Real>
GaussianMatrix<Real>::GaussianMatrix(const Nodes& rows, const Nodes& columns, double s, double bits) {
  const bool shifted = rows.step == columns.step;
  // all of it, or the last row continued to what the first one ends with
  const int height = shifted ? 1 : rows.count,
            width = shifted ? rows.count + columns.count - 1 : columns.count;
  const Nodes top = shifted ? Nodes{rows.at(rows.count - 1), rows.step, 1} : rows;
  stride_ = shifted ? -1 : width;
  first_ = shifted ? rows.count - 1 : 0;
  entries_.resize(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  constexpr int pack = lanes<double>;
  alignas(64) double powers[pack];
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; j += pack) {
      for (int k = 0; k < pack; ++k) {
        const double distance = top.at(i) - columns.at(j + k);
        powers[k] = bits - s * distance * distance;
      }
      kernel::store(powers, kernel::exp2(kernel::load(powers)));
      Real* const to = entries_.data() + static_cast<std::ptrdiff_t>(i) * width + j;
      for (int k = 0; k < std::min(pack, width - j); ++k) to[k] = static_cast<Real>(powers[k]);
    }
}

/// Working memory of one tile of rows: everything is width x lines, of the lines first, first + 1, ... of the
/// block.
template <class Real>
struct LineKernel<Real>::Scratch {
  int first, lines;
  alignas(64) Real columns[max_width * small_product_lines<Real>];
  alignas(64) Real sums[max_width * small_product_lines<Real>];   // of the current pair, scaled by `scale`
  alignas(64) Real total[max_width * small_product_lines<Real>];  // of all pairs, scaled by `reference`
  alignas(64) double scale[max_width * small_product_lines<Real>];
  alignas(64) double reference[max_width * small_product_lines<Real>];
  alignas(64) double at_least[max_width * small_product_lines<Real>];  // lower bound of the log of the sum
  alignas(64) double least[small_product_lines<Real>];                 // of at_least over the rows
};

template <class Real>
int LineKernel<Real>::block_lines(std::size_t lines) {
  return lines <= static_cast<std::size_t>(lanes<Real>) ? lanes<Real> : small_product_lines<Real>;
}

template <class Real>
double LineKernel<Real>::dense_range() {
  return std::is_same_v<Real, float> ? 40 : 600;
}

template <class Real>
LineMethod LineKernel<Real>::choose(const Nodes& out, const Nodes& in, double variance) {
  const double s = bits_of(variance);
  const int width = tilted_width<Real>(out, in, s);
  if (width == 0) return LineMethod::direct;
  if (shared_plan<Real>(out, in, s).width > 0) return LineMethod::shared;
  const bool accurate = exponent_range(out, in, s) <= dense_range() * std::numbers::log2e;
  const double dense_work = static_cast<double>(out.count) * in.count;
  return accurate && dense_work < tiles_work<Real>(out, in, s, width, width + overhead<Real>)
             ? LineMethod::dense
             : LineMethod::tilted;
}

template <class Real>
LineKernel<Real>::LineKernel(const Nodes& out, const Nodes& in, double variance, LineMethod method, int lines)
    : out_(out), in_(in), s_(bits_of(variance)), method_(method), lines_(lines) {
  const SharedPlan shared = shared_plan<Real>(out, in, s_);
  const int tilted = tilted_width<Real>(out, in, s_);
  if (method_ == LineMethod::tilted || method_ == LineMethod::shared)
    method_ = tilted == 0 ? LineMethod::direct : shared.width > 0 ? LineMethod::shared : LineMethod::tilted;
  rank_ = shared.rank;
  width_ = method_ == LineMethod::shared   ? shared.width
           : method_ == LineMethod::tilted ? tilted
           : method_ == LineMethod::dense  ? dense_width
                                           : direct_width;
  out_tiles_ = tile_count(out_.count, width_);
  in_tiles_ = tile_count(in_.count, width_);
  for (int i = 0; i < width_; ++i) {
    out_offset_.push_back((i - 0.5 * (width_ - 1)) * out_.step);
    in_offset_.push_back((i - 0.5 * (width_ - 1)) * in_.step);
  }
  if (method_ == LineMethod::tilted || method_ == LineMethod::shared) {
    matrix_ = {{out_offset_[0], out_.step, width_}, {in_offset_[0], in_.step, width_}, s_};
    const double farthest = out_offset_.back() - in_offset_.front();
    matrix_bits_ = s_ * farthest * farthest;
  }
  if (method_ == LineMethod::shared) make_pairs();
  if (method_ == LineMethod::dense)
    matrix_ = {{out_.first, out_.step, out_tiles() * width_}, {in_.first, in_.step, padded_rows()}, s_};
}

template <class Real>
double LineKernel<Real>::skip_bound() const {
  if (method_ == LineMethod::dense) return 0;
  const double skipped = in_tiles() * width_ * std::exp2(-skip_bits<Real>);
  // shared: as much again may be lost to underflow
  return method_ == LineMethod::shared ? 2 * skipped + (rank_ > 0 ? series_error<Real> : 0.0) : skipped;
}

template <class Real>
int LineKernel<Real>::largest_rows() const {
  if (method_ == LineMethod::dense) return 1;
  return in_tiles() + (method_ == LineMethod::shared ? (2 * in_tiles() + lines_ - 1) / lines_ : 0);
}

template <class Real>
int LineKernel<Real>::column_rows() const {
  return method_ == LineMethod::dense || method_ == LineMethod::shared ? padded_rows() : 0;
}

template <class Real>
void LineKernel<Real>::prepare(const double* block, double* largest, Real* columns) const {
  if (method_ == LineMethod::shared) return prepare_shared(block, largest, columns);
  std::fill_n(largest, largest_rows() * lines_, nothing);
  for (int j = 0; j < padded_rows(); ++j) {
    double* most = largest + (method_ == LineMethod::dense ? 0 : j / width_) * lines_;
    for (int l = 0; l < lines_; ++l) most[l] = std::max(most[l], block[j * lines_ + l]);
  }
  for (int j = 0; j < column_rows(); ++j)
    exponentiate(block + j * lines_, 0.0, largest, lines_, columns + j * lines_);
}

/// Bits by which entries of tile J can be above `largest`, where that is of tilted entries.
template <class Real>
double LineKernel<Real>::rise(const double* largest, int J) const {
  return method_ == LineMethod::shared ? s_ * std::abs(tilt(largest, J)) * (width_ - 1) * in_.step : 0.0;
}

/// Of every line the largest entry of a tile plus tilt times its offset from the centre.
template <class Real>
void LineKernel<Real>::largest_tilted(const double* tile, int lines, double tilt, double* most) const {
  constexpr int pack = lanes<double>;
  for (int l = 0; l < lines; l += pack) {
    kernel::Pack<double> high = kernel::broadcast(nothing);
    for (int j = 0; j < width_; ++j)
      high = kernel::max(
          high, kernel::load(tile + j * lines_ + l) + tilt * in_offset_[static_cast<std::size_t>(j)]);
    kernel::store(most + l, high);
  }
}

/// The tile that matters most to the centre of tile I, over all lines.
template <class Real>
int LineKernel<Real>::best_tile(const double* largest, const Scratch& scratch, int I) const {
  int best = 0;
  double most = 2 * nothing;
  for (int J = 0; J < in_tiles(); ++J) {
    const double distance = centre(out_, I) - centre(in_, J), *tile = largest + J * lines_ + scratch.first;
    const double value =
        *std::max_element(tile, tile + scratch.lines) + rise(largest, J) - s_ * distance * distance;
    if (value > most) {
      most = value;
      best = J;
    }
  }
  return best;
}

/// Whether tile J can still add to a row of tile I: its maximum at the least distance between the tiles.
template <class Real>
bool LineKernel<Real>::worth_it(const double* largest, int I, int J, const Scratch& scratch) const {
  const double apart = std::abs(centre(out_, I) - centre(in_, J));
  const double gap = std::max(0.0, apart - 0.5 * (width_ - 1) * (out_.step + in_.step));
  const double cost = s_ * gap * gap - skip_bits<Real> - rise(largest, J);
  const double* most = largest + J * lines_ + scratch.first;
  for (int l = 0; l < scratch.lines; ++l)
    if (most[l] > nothing && most[l] - cost > scratch.least[l]) return true;
  return false;
}

/// sums, scale of one pair by the tile product; false when the exact row bounds say it can be skipped.
template <class Real>
bool LineKernel<Real>::tilted_pair(const double* block, int I, int J, Scratch& scratch) const {
  const double D = centre(out_, I) - centre(in_, J);
  const double* tile = block + J * width_ * lines_ + scratch.first;
  const int lines = scratch.lines;
  alignas(64) double most[small_product_lines<Real>];
  largest_tilted(tile, lines, 2 * s_ * D, most);
  // of all rows, how far the largest term can be above what is worth adding; a line at a time, so that it
  // vectorises
  alignas(64) double excess[small_product_lines<Real>] = {};
  std::fill_n(excess, lines, nothing);
  for (int i = 0; i < width_; ++i) {
    const double shift = -s_ * D * (D + 2 * out_offset_[static_cast<std::size_t>(i)]);
    double* scale = scratch.scale + i * lines;
    const double* at_least = scratch.at_least + i * lines;
    for (int l = 0; l < lines; ++l) {
      scale[l] = most[l] + shift;
      excess[l] = std::max(excess[l], scale[l] - at_least[l]);
    }
  }
  bool needed = false;
  for (int l = 0; l < lines; ++l)
    needed = needed || (most[l] > 0.5 * nothing && excess[l] + skip_bits<Real> > 0);
  if (!needed) return false;
  for (int j = 0; j < width_; ++j)
    exponentiate(tile + j * lines_, 2 * s_ * D * in_offset_[static_cast<std::size_t>(j)], most, lines,
                 scratch.columns + j * lines);
  small_product(matrix_.row(0), matrix_.stride(), scratch.columns, width_, width_, lines, scratch.sums);
  return true;
}

template <class Real>
void LineKernel<Real>::direct_pair(const double* block, int I, int J, Scratch& scratch) const {
  const double* tile = block + J * width_ * lines_ + scratch.first;
  const int lines = scratch.lines;
  for (int i = 0; i < width_; ++i) {
    double* most = scratch.scale + i * lines;
    Real* sum = scratch.sums + i * lines;
    std::fill_n(most, lines, nothing);
    std::fill_n(sum, lines, Real(0));
    double cost[max_width];
    for (int j = 0; j < width_; ++j) {
      const double distance = out_.at(I * width_ + i) - in_.at(J * width_ + j);
      cost[j] = s_ * distance * distance;
      for (int l = 0; l < lines; ++l) most[l] = std::max(most[l], tile[j * lines_ + l] - cost[j]);
    }
    for (int j = 0; j < width_; ++j) {
      exponentiate(tile + j * lines_, -cost[j], most, lines, scratch.columns);
      for (int l = 0; l < lines; ++l) sum[l] += scratch.columns[l];
    }
  }
}

/// total 2^reference += sums 2^scale, and the lower bounds that skipping relies on. One row at a time, in the
/// nearest cache.
template <class Real>
void LineKernel<Real>::combine(Scratch& scratch, bool begin) const {
  using P = kernel::Pack<Real>;
  const int lines = scratch.lines;
  std::fill_n(scratch.least, lines, std::numeric_limits<double>::infinity());
  for (int i = 0; i < width_; ++i) {
    Real* total = scratch.total + i * lines;
    const Real* sums = scratch.sums + i * lines;
    const double* scale = scratch.scale + i * lines;
    double *reference = scratch.reference + i * lines, *at_least = scratch.at_least + i * lines;
    alignas(64) Real above[small_product_lines<Real>];
    for (int l = 0; l < lines; ++l) {
      above[l] = static_cast<Real>(scale[l] - reference[l]);
      reference[l] = std::max(reference[l], scale[l]);
    }
    for (int l = 0; l < lines; l += lanes<Real>) {
      const P rise = kernel::load(above + l), old = kernel::load(total + l), added = kernel::load(sums + l),
              factor = kernel::exp2(kernel::min(rise, -rise));
      kernel::store(total + l, rise > P{} ? old * factor + added : old + added * factor);
    }
    // the largest term is in the sum with an entry of the tile matrix before it; after the first pair the
    // sums themselves are looked at, which is sharper
    if (begin) log2_of(total, lines, at_least);
    for (int l = 0; l < lines; l += lanes<double>) {
      const auto scaled = kernel::load(reference + l), known = kernel::load(at_least + l),
                 bound = begin ? known + scaled : kernel::max(known, scaled - matrix_bits_);
      kernel::store(at_least + l, bound);
      kernel::store(scratch.least + l, kernel::min(kernel::load(scratch.least + l), bound));
    }
  }
}

template <class Real>
int LineKernel<Real>::apply(const double* block, const double* largest, const Real* columns, int I,
                            double* out) const {
  if (method_ == LineMethod::dense) return apply_dense(largest, columns, I, out);
  if (method_ == LineMethod::shared) return apply_shared(block, largest, columns, I, out);
  return apply_pairs(block, largest, 0, lines_, I, out);
}

/// The tile of rows on some of the lines: one register or all.
template <class Real>
int LineKernel<Real>::apply_pairs(const double* block, const double* largest, int first, int lines, int I,
                                  double* out) const {
  Scratch scratch;
  scratch.first = first;
  scratch.lines = lines;
  const int n = width_ * lines, last = in_tiles() - 1;
  std::fill_n(scratch.total, n, Real(0));
  std::fill_n(scratch.reference, n, nothing);
  std::fill_n(scratch.at_least, n, nothing);
  std::fill_n(scratch.least, lines, nothing);
  int evaluated = 0;
  const auto visit = [&](int J) {
    if (J < 0 || J > last || !worth_it(largest, I, J, scratch)) return;
    if (method_ == LineMethod::direct)
      direct_pair(block, I, J, scratch);
    else if (!tilted_pair(block, I, J, scratch))
      return;
    combine(scratch, evaluated == 0);
    ++evaluated;
  };
  const int best = best_tile(largest, scratch, I);
  visit(best);
  for (int away = 1; away <= last; ++away) {
    visit(best + away);
    visit(best - away);
  }
  for (int i = 0; i < width_; ++i) {
    const double* reference = scratch.reference + i * lines;
    double* to = out + i * lines_ + first;
    log2_of(scratch.total + i * lines, lines, to);
    for (int l = 0; l < lines; ++l)
      to[l] = reference[l] > 0.5 * nothing ? to[l] + reference[l] : minus_infinity;
  }
  return evaluated;
}

template <class Real>
int LineKernel<Real>::apply_dense(const double* most, const Real* columns, int I, double* out) const {
  alignas(64) Real sums[dense_width * small_product_lines<Real>];
  small_product(matrix_.row(I * width_), matrix_.stride(), columns, width_, padded_rows(), lines_, sums);
  log2_of(sums, width_ * lines_, out);
  for (int i = 0; i < width_; ++i)
    for (int l = 0; l < lines_; ++l)
      out[i * lines_ + l] = most[l] > 0.5 * nothing ? out[i * lines_ + l] + most[l] : minus_infinity;
  return in_tiles();
}

template class LineKernel<float>;
template class LineKernel<double>;

}  // namespace fortet::grid
