// LineKernel's shared tiles (see line_kernel.hpp).
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
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

/// The largest a + shift - b over the lines.
double largest_difference(const double* a, double shift, const double* b, int lines) {
  kernel::Pack<double> most = kernel::broadcast(2 * nothing);
  for (int l = 0; l < lines; l += lanes<double>)
    most = kernel::max(most, kernel::load(a + l) + shift - kernel::load(b + l));
  double result = most[0];
  for (int k = 1; k < lanes<double>; ++k) result = std::max(result, most[k]);
  return result;
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
  for (int turn = -2 * in_tiles(); turn <= 2 * in_tiles(); ++turn)
    for (int i = 0; i < width_; ++i) {
      const int from_top = turn > 0 ? width_ - 1 - i : i;
      const double span = width_ * in_.step;
      turns_.push_back(static_cast<Real>(std::exp2(-2 * s_ * std::abs(turn) * span * from_top * out_.step)));
    }
  for (int apart = -2 * in_tiles(); apart <= in_tiles() + out_tiles(); ++apart)
    costs_.push_back(pairs_.emplace_back(make_pair(apart)).cost);
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
  alignas(64) double reference[small_product_lines<Real>];
  alignas(64) double threshold[small_product_lines<Real>];  // terms below it are not worth adding
  double least_threshold = 0;                               // over the lines
  double tilt = 0;
  int best = 0, evaluated = 0;

  /// To `skip_bits` below what is in all rows by now: log2 (2^e m) >= e + m - 1, the bits of the number.
  void raise_threshold(int lines) {
    using Integer = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, std::int64_t>;
    using Limits = std::numeric_limits<Real>;
    constexpr double unit = static_cast<double>(Limits::epsilon()),
                     offset = Limits::max_exponent - 1 + skip_bits<Real>;
    kernel::Pack<double> low = kernel::broadcast(-nothing);
    for (int l = 0; l < lines; ++l)
      threshold[l] = reference[l] + (unit * static_cast<double>(std::bit_cast<Integer>(least[l])) - offset);
    for (int l = 0; l < lines; l += lanes<double>) low = kernel::min(low, kernel::load(threshold + l));
    least_threshold = low[0];
    for (int k = 1; k < lanes<double>; ++k) least_threshold = std::min(least_threshold, low[k]);
  }
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
    largest_tilted(tile, lines_, -2 * s_ * T, most);
    most_of_all[J] = *std::max_element(most, most + lines_);
    for (int j = 0; j < width_; ++j) {
      Real* row = columns + (J * width_ + j) * lines_;
      exponentiate(tile + j * lines_, -2 * s_ * T * in_offset_[static_cast<std::size_t>(j)], most, lines_,
                   row, floor);
    }
  }
}

template <class Real>
const typename LineKernel<Real>::Pair& LineKernel<Real>::pair(const double* largest, int I, int J) const {
  return pairs_[static_cast<std::size_t>(tilted_apart(largest, I, J) + 2 * in_tiles())];
}

/// For each row the factor, at most one, between terms tilted like tile J and like tile K.
template <class Real>
const Real* LineKernel<Real>::turn_factor(const double* largest, int J, int K) const {
  const double* tilts = largest + in_tiles() * lines_;
  return turns_.data() + (static_cast<int>(tilts[J] - tilts[K]) + 2 * in_tiles()) * width_;
}

/// Where to begin, and upper bounds of the sums.
template <class Real>
void LineKernel<Real>::refer(const double* largest, int I, Sums& sums) const {
  const double* most_of_all = largest + in_tiles() * (lines_ + 1);
  double most = 2 * nothing, least = 2 * nothing;
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
  sums.least_threshold = 2 * nothing;
  std::fill_n(sums.doubtful, lines_, Real(0));
  const auto raise = [&](int J) {
    const double bits = pair_bits(largest, I, J, sums.tilt) - headroom<Real>;
    if (most_of_all[J] + bits > least)
      for (int l = 0; l < lines_; ++l)
        sums.reference[l] = std::max(sums.reference[l], largest[J * lines_ + l] + bits);
  };
  raise(sums.best);
  least = *std::min_element(sums.reference, sums.reference + lines_);
  for (int J = 0; J < in_tiles(); ++J) raise(J);
}

/// Adds the pair of tiles I and J where it can matter.
template <class Real>
void LineKernel<Real>::add_shared(const double* largest, const Real* columns, int I, int J,
                                  Sums& sums) const {
  const double *most = largest + J * lines_, *most_of_all = largest + in_tiles() * (lines_ + 1),
               bits = pair_bits(largest, I, J, sums.tilt);
  if (most_of_all[J] + bits <= sums.least_threshold) return;
  const double excess = largest_difference(most, bits, sums.threshold, lines_);
  if (excess <= 0) return;
  exponentiate(most, bits, sums.reference, lines_, sums.line_factor);
  const Real* row_factor = turn_factor(largest, J, sums.best);
  const Pair& matrix = pair(largest, I, J);
  if (matrix.range > matrix_range<Real>)
    for (int l = 0; l < lines_; ++l) sums.doubtful[l] = std::max(sums.doubtful[l], sums.line_factor[l]);
  const Real* tile = columns + J * width_ * lines_;
  const auto add = [&](const Real* rows, std::ptrdiff_t stride, const Real* from, const auto& range) {
    add_small_product(rows, stride, from, width_, range, lines_, row_factor, sums.line_factor,
                      sums.evaluated == 0, sums.total, sums.least);
  };
  if (rank_ == 0) {
    // of the columns only those no farther from a row than what is worth adding; in steps
    const double apart = tilted_apart(largest, I, J) * width_ + (out_.first - in_.first) / in_.step,
                 reach = std::sqrt((excess + matrix.cost) / s_) / in_.step;
    // where that is not a number, on axes of one node, all of them
    const auto near = [&](int first, int last) {
      const double begin = first + apart - reach, end = last + apart + reach + 1;
      return Range{begin > 0 ? static_cast<int>(std::min<double>(begin, width_)) : 0,
                   end < width_ ? static_cast<int>(std::max(end, 0.0)) : width_};
    };
    add(matrix.matrix.row(0), matrix.matrix.stride(), tile, near);
  } else {
    small_product(matrix.right.data(), width_, tile, rank_, width_, lines_, sums.moments);
    add(matrix.left.data(), rank_, sums.moments, [&](int, int) { return Range{0, rank_}; });
  }
  sums.raise_threshold(lines_);
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
  for (int l = 0; l < lines_; ++l)
    if (sums.reference[l] < 0.5 * nothing) sums.reference[l] = minus_infinity;
  for (int i = 0; i < width_; ++i) {
    const double turn = 2 * s_ * sums.tilt * out_offset_[static_cast<std::size_t>(i)];
    log2_of(sums.total + i * lines_, lines_, out + i * lines_);
    for (int l = 0; l < lines_; ++l) out[i * lines_ + l] += sums.reference[l] + turn;
  }
  const auto small = static_cast<Real>(std::exp2(-lowest<Real>)),
             share = static_cast<Real>(std::exp2(-matrix_range<Real>));
  int again = 0;
  for (int first = 0; first < lines_; first += lanes<Real>) {
    bool all = true;
    for (int l = first; l < first + lanes<Real>; ++l)
      all = all && (sums.least[l] > std::max(small, share * sums.doubtful[l]) ||
                    sums.reference[l] == minus_infinity);
    if (!all) again += apply_pairs(block, largest, first, lanes<Real>, I, out);
  }
  return sums.evaluated + tile_count(again * lanes<Real>, lines_);
}

template int LineKernel<float>::apply_shared(const double*, const double*, const float*, int, double*) const;
template int LineKernel<double>::apply_shared(const double*, const double*, const double*, int,
                                              double*) const;
template void LineKernel<float>::prepare_shared(const double*, double*, float*) const;
template void LineKernel<double>::prepare_shared(const double*, double*, double*) const;

}  // namespace fortet::grid
