// LineKernel's shared tiles (see line_kernel.hpp).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "grid/line_numbers.hpp"

namespace fortet::grid {
namespace {

using kernel::lanes;

/// Exponentials this many bits below one are taken for zero, which keeps denormal numbers away. Where the
/// matrix of a pair has no entry `matrix_range` bits below its largest, what is lost so is 2^-skip_bits of
/// the sum; elsewhere sums must show that they are large enough.
template <class Real>
constexpr double flushed_bits = std::is_same_v<Real, float> ? 126 : 1000;
template <class Real>
constexpr double matrix_range = flushed_bits<Real> - skip_bits<Real>;
/// Upper bounds of the sums are put this many bits above one (float has few to spare, and double would round
/// their logarithms), and sums below 2^-lowest may have lost terms.
template <class Real>
constexpr double headroom = std::is_same_v<Real, float> ? 100 : 0;
template <class Real>
constexpr double lowest = std::is_same_v<Real, float> ? 80 : 900;

/// Largest -log2 of an entry of the matrix of a pair of tiles that counts.
template <class Real>
constexpr double pair_range = std::is_same_v<Real, float> ? 48 : 400;

/// Work beside the products for each row of a pair, in multiply-adds.
constexpr double overhead = 8;

/// Terms of exp(z) for tiles of this width that leave less than series_error of the sum. That share, the tail
/// of a Poisson law, rises with z, so the largest z decides; the tail is below a geometric series.
template <class Real>
int series_rank(const Nodes& in, double s, int width) {
  const double span = (width - 1) * in.step, z = 2 * std::numbers::ln2 * s * span * span;
  double term = std::exp(-z);
  int rank = 0;
  while (rank < width && (rank + 1 <= z || term / (1 - z / (rank + 1)) > series_error<Real>))
    term *= z / ++rank;
  return rank;
}

/// Whether a + shift > b on any line.
bool any_above(const double* a, double shift, const double* b, int lines) {
  kernel::Pack<double> most = kernel::broadcast(nothing);
  for (int l = 0; l < lines; l += lanes<double>)
    most = kernel::max(most, kernel::load(a + l) + shift - kernel::load(b + l));
  for (int k = 0; k < lanes<double>; ++k)
    if (most[k] > 0) return true;
  return false;
}

}  // namespace

/// The width of least work among those whose matrices are representable where pairs count.
template <class Real>
SharedPlan shared_plan(const Nodes& out, const Nodes& in, double s) {
  SharedPlan best;
  if (out.step != in.step) return best;
  double least = 0;
  for (int width = 8; width <= max_width; width *= 2) {
    const double span = width * in.step,
                 reach = std::min(std::sqrt(skip_bits<Real> / s), in.step * std::max(in.count, out.count));
    if (s * span * (2 * reach + span) > pair_range<Real>) break;
    const int rank = series_rank<Real>(in, s, width);
    const bool factored = 2 * rank + 4 < width;
    const double work = tiles_work<Real>(out, in, s, width, (factored ? 2 * rank + 4 : width) + overhead);
    if (best.width > 0 && work >= least) continue;
    least = work;
    best = {width, factored ? rank : 0};
  }
  return best;
}
template SharedPlan shared_plan<float>(const Nodes&, const Nodes&, double);
template SharedPlan shared_plan<double>(const Nodes&, const Nodes&, double);

template <class Real>
typename LineKernel<Real>::Pair LineKernel<Real>::make_pair(int apart) const {
  const Nodes rows{out_.first + apart * width_ * out_.step, out_.step, width_},
      columns{in_.first, in_.step, width_};
  const double gap =
      std::max({0.0, rows.at(0) - columns.at(width_ - 1), columns.at(0) - rows.at(width_ - 1)});
  Pair pair;
  const double farthest = gap + 2 * (width_ - 1) * in_.step;
  pair.cost = s_ * gap * gap;
  pair.range = s_ * farthest * farthest - pair.cost;
  if (rank_ == 0) {
    pair.matrix = {rows, columns, s_, pair.cost};
    return pair;
  }
  // with x = x_0 + p, y = y_0 + q and D = x_0 - y_0:
  //   (x - y)^2 = (D + p)^2 - 2 D q + q^2 - 2 p q,  2^(2 s p q) = sum_k (z p q)^k / k!,  z = 2 s ln 2
  const auto n = static_cast<std::size_t>(width_), r = static_cast<std::size_t>(rank_);
  const double D = rows.first - columns.first, root = std::sqrt(2 * std::numbers::ln2 * s_);
  const double top = std::clamp(D, 0.0, (width_ - 1) * in_.step), shift = s_ * top * (2 * D - top);
  pair.left.resize(n * r);
  pair.right.resize(r * n);
  const auto entry = [](double bits, double value) {
    const double result = std::exp2(bits) * value;
    return result < std::numeric_limits<Real>::min() ? Real(0) : static_cast<Real>(result);
  };
  for (std::size_t i = 0; i < n; ++i) {
    const double offset = static_cast<double>(i) * in_.step;
    double power = 1;  // (root offset)^k / sqrt(k!)
    for (std::size_t k = 0; k < r; ++k) {
      pair.left[i * r + k] = entry(pair.cost + shift - s_ * (D + offset) * (D + offset), power);
      pair.right[k * n + i] = entry(s_ * offset * (2 * D - offset) - shift, power);
      power *= root * offset / std::sqrt(static_cast<double>(k + 1));
    }
  }
  return pair;
}

template <class Real>
void LineKernel<Real>::make_pairs() {
  for (int apart = -2 * in_tiles(); apart <= in_tiles() + out_tiles(); ++apart)
    pairs_.push_back(make_pair(apart));
}
template void LineKernel<float>::make_pairs();
template void LineKernel<double>::make_pairs();

/// The sums of one tile of rows: total_il 2^(reference_l + 2 s T d_i), T the tilt of the tile that matters
/// most.
template <class Real>
struct LineKernel<Real>::Sums {
  alignas(64) Real total[max_width * small_product_lines<Real>];
  alignas(64) Real moments[max_width * small_product_lines<Real>];  // of the current pair
  alignas(64) Real least[small_product_lines<Real>];                // of total over the rows
  alignas(64) Real doubtful[small_product_lines<Real>];             // largest factor of a pair of wide range
  alignas(64) Real line_factor[small_product_lines<Real>];          // of the current pair
  alignas(64) Real row_factor[max_width];
  alignas(64) double reference[small_product_lines<Real>];
  alignas(64) double threshold[small_product_lines<Real>];  // terms below it are not worth adding
  double tilt = 0;
  int best = 0, evaluated = 0;
};

/// Of the entries of tile J, in tiles: how far the rows they matter to are from it.
template <class Real>
int LineKernel<Real>::steepness(const double* block, int J) const {
  const int last = std::min(width_, in_.count - J * width_) - 1;
  const double *top = block + J * width_ * lines_, *bottom = top + last * lines_;
  double sum = 0, count = 0;
  for (int l = 0; l < lines_; ++l) {
    const bool finite = top[l] > minus_infinity && bottom[l] > minus_infinity;
    sum += finite ? bottom[l] - top[l] : 0.0;
    count += finite;
  }
  if (count == 0 || last == 0) return 0;
  const double slope = sum / (count * last * in_.step), tiles = slope / (2 * s_ * width_ * in_.step);
  return static_cast<int>(std::lround(std::clamp(tiles, -1.0 * in_tiles(), 1.0 * in_tiles())));
}

template <class Real>
void LineKernel<Real>::prepare_shared(const double* block, double* largest, Real* columns) const {
  double *tilts = largest + in_tiles() * lines_, *most_of_all = tilts + in_tiles();
  const auto floor = static_cast<Real>(std::exp2(-flushed_bits<Real>));
  for (int J = 0; J < in_tiles(); ++J) {
    tilts[J] = steepness(block, J);
    const double T = tilt(largest, J);
    const double* tile = block + J * width_ * lines_;
    double* most = largest + J * lines_;
    std::fill_n(most, lines_, nothing);
    for (int j = 0; j < width_; ++j) {
      const double down = -2 * s_ * T * in_offset_[static_cast<std::size_t>(j)];
      for (int l = 0; l < lines_; ++l) most[l] = std::max(most[l], tile[j * lines_ + l] + down);
    }
    most_of_all[J] = *std::max_element(most, most + lines_);
    for (int j = 0; j < width_; ++j) {
      Real* row = columns + (J * width_ + j) * lines_;
      exponentiate(tile + j * lines_, -2 * s_ * T * in_offset_[static_cast<std::size_t>(j)], most, lines_,
                   row);
      for (int l = 0; l < lines_; ++l) row[l] = row[l] < floor ? Real(0) : row[l];
    }
  }
}

template <class Real>
const typename LineKernel<Real>::Pair& LineKernel<Real>::pair(const double* largest, int I, int J) const {
  return pairs_[static_cast<std::size_t>(I - J + static_cast<int>(largest[in_tiles() * lines_ + J]) +
                                         2 * in_tiles())];
}

/// Bits by which the largest term of a pair is above the largest entry of its tile, rows tilted by T.
template <class Real>
double LineKernel<Real>::pair_bits(const double* largest, int I, int J, double T) const {
  const double own = tilt(largest, J), D = centre(out_, I) - centre(in_, J);
  return s_ * (own * (2 * D + own) + std::abs(own - T) * (width_ - 1) * out_.step) - pair(largest, I, J).cost;
}

/// Where to begin, and upper bounds of the sums.
template <class Real>
void LineKernel<Real>::refer(const double* largest, int I, Sums& sums) const {
  const double* most_of_all = largest + in_tiles() * (lines_ + 1);
  double most = 2 * nothing;
  for (int J = 0; J < in_tiles(); ++J) {
    const double value = most_of_all[J] + pair_bits(largest, I, J, tilt(largest, J));
    if (value > most) {
      most = value;
      sums.best = J;
    }
  }
  sums.tilt = tilt(largest, sums.best);
  std::fill_n(sums.reference, lines_, nothing);
  std::fill_n(sums.threshold, lines_, 2 * nothing);
  std::fill_n(sums.doubtful, lines_, Real(0));
  for (int J = 0; J < in_tiles(); ++J) {
    const double bits = pair_bits(largest, I, J, sums.tilt) - headroom<Real>;
    for (int l = 0; l < lines_; ++l)
      sums.reference[l] = std::max(sums.reference[l], largest[J * lines_ + l] + bits);
  }
}

/// Adds the pair of tiles I and J where it can matter.
template <class Real>
void LineKernel<Real>::add_shared(const double* largest, const Real* columns, int I, int J,
                                  Sums& sums) const {
  const double *most = largest + J * lines_, bits = pair_bits(largest, I, J, sums.tilt);
  if (!any_above(most, bits, sums.threshold, lines_)) return;
  exponentiate(most, bits, sums.reference, lines_, sums.line_factor);
  const double turn = tilt(largest, J) - sums.tilt;
  std::fill_n(sums.row_factor, width_, Real(1));
  if (turn != 0)
    for (int i = 0; i < width_; ++i)
      sums.row_factor[i] =
          static_cast<Real>(std::exp2(s_ * (2 * turn * out_offset_[static_cast<std::size_t>(i)] -
                                            std::abs(turn) * (width_ - 1) * out_.step)));
  const Pair& matrix = pair(largest, I, J);
  if (matrix.range > matrix_range<Real>)
    for (int l = 0; l < lines_; ++l) sums.doubtful[l] = std::max(sums.doubtful[l], sums.line_factor[l]);
  const Real* tile = columns + J * width_ * lines_;
  const auto add = [&](const Real* rows, std::ptrdiff_t stride, const Real* from, int depth) {
    add_small_product(rows, stride, from, width_, depth, lines_, sums.row_factor, sums.line_factor,
                      sums.evaluated == 0, sums.total, sums.least);
  };
  if (rank_ == 0) {
    add(matrix.matrix.row(0), matrix.matrix.stride(), tile, width_);
  } else {
    small_product(matrix.right.data(), width_, tile, rank_, width_, lines_, sums.moments);
    add(matrix.left.data(), rank_, sums.moments, rank_);
  }
  log2_of(sums.least, lines_, sums.threshold);
  for (int l = 0; l < lines_; ++l) sums.threshold[l] += sums.reference[l] - skip_bits<Real>;
  ++sums.evaluated;
}

template <class Real>
int LineKernel<Real>::apply_shared(const double* block, const double* largest, const Real* columns, int I,
                                   double* out) const {
  Sums sums;
  refer(largest, I, sums);
  add_shared(largest, columns, I, sums.best, sums);
  for (int away = 1; away < in_tiles(); ++away)
    for (const int J : {sums.best + away, sums.best - away})
      if (J >= 0 && J < in_tiles()) add_shared(largest, columns, I, J, sums);
  const auto small = static_cast<Real>(std::exp2(-lowest<Real>)),
             share = static_cast<Real>(std::exp2(-matrix_range<Real>));
  bool all = true;
  for (int l = 0; l < lines_; ++l)
    all = all &&
          (sums.least[l] > std::max(small, share * sums.doubtful[l]) || sums.reference[l] < 0.5 * nothing);
  if (!all) return apply_pairs(block, largest, I, out);
  log2_of(sums.total, width_ * lines_, out);
  for (int l = 0; l < lines_; ++l)
    if (sums.reference[l] < 0.5 * nothing) sums.reference[l] = minus_infinity;
  for (int i = 0; i < width_; ++i) {
    const double turn = 2 * s_ * sums.tilt * out_offset_[static_cast<std::size_t>(i)];
    for (int l = 0; l < lines_; ++l) out[i * lines_ + l] += sums.reference[l] + turn;
  }
  return sums.evaluated;
}

template int LineKernel<float>::apply_shared(const double*, const double*, const float*, int, double*) const;
template int LineKernel<double>::apply_shared(const double*, const double*, const double*, int,
                                              double*) const;
template void LineKernel<float>::prepare_shared(const double*, double*, float*) const;
template void LineKernel<double>::prepare_shared(const double*, double*, double*) const;

}  // namespace fortet::grid
