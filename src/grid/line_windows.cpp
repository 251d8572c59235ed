#include "grid/line_windows.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "grid/line_numbers.hpp"

namespace fortet::grid {
namespace {

using kernel::lanes;
using Doubles = kernel::Pack<double>;

/// Largest log2 of an entry of a matrix.
template <class Real>
constexpr double matrix_bits = std::is_same_v<Real, float> ? 110 : 900;

/// In multiply-adds, as measured: of a tile of results what it costs to find its window, the same for each
/// tile of nodes there is, for each in the window and for each node of it; of a row its logarithm.
constexpr double window_work = 200, far_work = 5, tile_work = 60, node_work = 8, row_work = 30;

constexpr int max_in_width = 64;

/// Nodes of a tile: up to three deviations, as far as one slope serves.
int nodes_in_tile(const Nodes& in, double s) {
  const double deviation = std::sqrt(0.5 * std::numbers::log2e / s);
  return static_cast<int>(std::clamp(3 * deviation / in.step, 8.0, 1.0 * max_in_width));
}

struct Plan {
  int width = 0;
  double work = 0;
};
/// The width of least work.
template <class Real>
Plan plan(const Nodes& out, const Nodes& in, double s) {
  const double reach = std::sqrt(skip_bits<Real> / s);
  const int in_width = nodes_in_tile(in, s);
  Plan best;
  for (int width = 1; width <= WindowSums<Real>::max_width; width *= 2) {
    const double half = 0.5 * (width - 1) * out.step,
                 length = 2 * (half + std::sqrt(half * half + reach * reach)) + in_width * in.step,
                 nodes = std::min<double>(in.count, length / in.step);
    if (s * half * nodes * in.step > matrix_bits<Real>) break;
    const double work = tile_count(out.count, width) *
                        (width * (nodes + row_work) + nodes * (node_work + tile_work / in_width) +
                         window_work + tile_count(in.count, in_width) * far_work);
    if (best.width == 0 || work < best.work) best = {width, work};
    if (width >= out.count) break;
  }
  return best;
}

double largest(Doubles values) {
  double result = values[0];
  for (int k = 1; k < lanes<double>; ++k) result = std::max(result, values[k]);
  return result;
}
double smallest(Doubles values) {
  double result = values[0];
  for (int k = 1; k < lanes<double>; ++k) result = std::min(result, values[k]);
  return result;
}

/// Slopes through the first and the last finite entry of a column of `count`, offsets h apart, added to
/// `sum`, and how many there were to `lines`.
void add_slopes(const double* column, int stride, int count, double h, double& sum, double& lines) {
  Doubles first = kernel::load(column), last = kernel::load(column + (count - 1) * stride), from{},
          to = kernel::broadcast((count - 1) * h);
  if (smallest(kernel::min(first, last)) == minus_infinity)
    for (int j = 0; j < count; ++j) {
      const Doubles low = kernel::load(column + (count - 1 - j) * stride),
                    high = kernel::load(column + j * stride);
      first = low > minus_infinity ? low : first;
      from = low > minus_infinity ? kernel::broadcast((count - 1 - j) * h) : from;
      last = high > minus_infinity ? high : last;
      to = high > minus_infinity ? kernel::broadcast(j * h) : to;
    }
  const auto known = to > from && first > minus_infinity;
  const Doubles slopes = known ? (last - first) / (to - from) : Doubles{},
                counts = known ? kernel::broadcast(1.0) : Doubles{};
  for (int k = 0; k < lanes<double>; ++k) {
    sum += slopes[k];
    lines += counts[k];
  }
}

}  // namespace

template <class Real>
WindowSums<Real>::WindowSums(const Nodes& out, const Nodes& in, double s, double bits)
    : out_(out), in_(in), s_(s), bits_(bits) {
  width_ = plan<Real>(out, in, s).width;
  in_width_ = nodes_in_tile(in, s);
  in_tiles_ = tile_count(in.count, in_width_);
  for (int J = 0; J < padded_tiles(); ++J) in_centres_.push_back(in_centre(J));
  for (int j = 0; j < max_in_width; ++j) in_offset_.push_back((j - 0.5 * (in_width_ - 1)) * in.step);
  for (int width = width_; width > 0; width /= 2) levels_.push_back(make_level(width));
}

template <class Real>
double WindowSums<Real>::work(const Nodes& out, const Nodes& in, double s) {
  return plan<Real>(out, in, s).work;
}

template <class Real>
int WindowSums<Real>::padded_tiles() const {
  return tile_count(in_tiles_, lanes<double>) * lanes<double>;
}

template <class Real>
int WindowSums<Real>::bound_rows() const {
  return 2 * in_tiles_ + 1 + tile_count(3 * padded_tiles(), lanes<Real>);
}

template <class Real>
double WindowSums<Real>::skip_bound() const {
  // as much again may be lost to underflow
  return 2 * in_.count * std::exp2(-skip_bits<Real>);
}

template <class Real>
typename WindowSums<Real>::Level WindowSums<Real>::make_level(int width) const {
  Level level;
  level.width = width;
  for (int i = 0; i < width; ++i) level.offset.push_back((i - 0.5 * (width - 1)) * out_.step);
  const double step =
      2 * s_ * level.offset.back() * in_.step;  // bits from a column to the next, in the last row
  level.reach = static_cast<int>(std::min(step > 0 ? matrix_bits<Real> / step : 1e9, 0.5 * in_.count + 1));
  for (int k = -level.reach; k <= level.reach; ++k)
    for (const double offset : level.offset)
      level.matrix.push_back(static_cast<Real>(std::exp2(2 * s_ * k * in_.step * offset)));
  return level;
}

template <class Real>
double* WindowSums<Real>::Bounds::high(int J) const {
  return tiles + 2 * J * lanes<Real>;
}
template <class Real>
double* WindowSums<Real>::Bounds::where(int J) const {
  return high(J) + lanes<Real>;
}

template <class Real>
typename WindowSums<Real>::Bounds WindowSums<Real>::bounds(const SharedTiles<Real>& shared) const {
  double *base = shared.bounds + 2 * in_tiles_ * lanes<Real>, *turns = base + lanes<Real>;
  return {shared.bounds, base, turns, turns + padded_tiles(), turns + 2 * padded_tiles()};
}

template <class Real>
void WindowSums<Real>::share(const double* block, const SharedTiles<Real>& shared) const {
  constexpr int n = lanes<Real>, P = packs<Real>;
  const Bounds to = bounds(shared);
  Doubles base[P];
  for (Doubles& line : base) line = kernel::broadcast(nothing);
  for (int J = 0; J < in_tiles_; ++J) {
    const double* tile = block + J * in_width_ * n;
    const int count = nodes_of(J);
    double sum = 0, known = 0;
    for (int l = 0; l < n; l += lanes<double>) add_slopes(tile + l, n, count, in_.step, sum, known);
    const double slope = known > 0 ? sum / known : 0;
    to.turns[J] = slope / (2 * s_);
    Doubles high[P], where[P] = {};
    for (Doubles& line : high) line = kernel::broadcast(nothing);
    for (int j = 0; j < count; ++j)
      for (int p = 0; p < P; ++p) {
        const double offset = in_offset_[static_cast<std::size_t>(j)];
        const Doubles value = kernel::load(tile + j * n + p * lanes<double>) - slope * offset;
        where[p] = value > high[p] ? kernel::broadcast(offset) : where[p];
        high[p] = kernel::max(high[p], value);
      }
    for (int p = 0; p < P; ++p) {
      kernel::store(to.high(J) + p * lanes<double>, high[p]);
      kernel::store(to.where(J) + p * lanes<double>, where[p]);
      base[p] = kernel::max(base[p], high[p]);
    }
    exponentiate(
        tile, count, [&](int j) { return -slope * in_offset_[static_cast<std::size_t>(j)]; }, to.high(J),
        shared.powers + J * in_width_ * n);
  }
  std::fill_n(to.peaks, padded_tiles(), 2 * nothing);
  std::fill(to.turns + in_tiles_, to.turns + padded_tiles(), 0.0);
  for (int p = 0; p < P; ++p) {
    base[p] = base[p] > 0.5 * nothing ? base[p] : Doubles{};
    kernel::store(to.base + p * lanes<double>, base[p]);
    for (int J = 0; J < in_tiles_; ++J)
      to.peaks[J] = std::max(to.peaks[J], largest(kernel::load(to.high(J) + p * lanes<double>) - base[p]));
  }
}

/// What matters to the rows of one tile, places relative to their centre.
template <class Real>
struct WindowSums<Real>::Window {
  double centre, half;                    // rows are within half of the centre
  int first = 0, last = 0;                // tiles of nodes first ... last - 1
  int begin = 0, end = 0;                 // nodes
  double lowest = 0, highest = 0;         // of the nodes whose terms are known
  alignas(64) double known[lanes<Real>];  // of every line the exponent of one term at the centre
  alignas(64) double most[lanes<Real>];   // no less than any
  int count() const { return end - begin; }
  int middle() const { return begin + count() / 2; }
};

/// The largest 2 s tilt q - s q^2 in a tile of nodes.
template <class Real>
double WindowSums<Real>::largest_factor(double tilt) const {
  const double q = std::clamp(tilt, -apart(), apart());
  return s_ * q * (2 * tilt - q);
}

/// Bounds of all lines' exponents at the centre by one number a tile of nodes, above the base. Returns the
/// highest one's tile.
template <class Real>
int WindowSums<Real>::bound_tiles(const Bounds& bounds, double centre) const {
  Doubles top = kernel::broadcast(2 * nothing);
  for (int J = 0; J < padded_tiles(); J += lanes<double>) {
    const Doubles D = centre - kernel::load_anywhere(in_centres_.data() + J),
                  tilt = D + kernel::load_anywhere(bounds.turns + J),
                  q = kernel::min(kernel::max(tilt, kernel::broadcast(-apart())), kernel::broadcast(apart())),
                  value = kernel::load_anywhere(bounds.peaks + J) + s_ * (q * (2 * tilt - q) - D * D);
    kernel::store_anywhere(bounds.above + J, value);
    top = kernel::max(top, value);
  }
  const double most = largest(top);
  int best = 0;
  while (bounds.above[best] < most) ++best;
  return best;
}

/// Of every line the largest exponent at the centre among the nodes that have the largest tilted entry of
/// their tiles. Returns the least of all lines above the base.
template <class Real>
double WindowSums<Real>::find_known(const Bounds& bounds, int best, Window& window) const {
  constexpr int P = packs<Real>;
  Doubles known[P], place[P];
  for (int p = 0; p < P; ++p) {
    known[p] = kernel::broadcast(2 * nothing);
    place[p] = Doubles{};
  }
  const auto look = [&](int J) {
    const double D = window.centre - in_centre(J), tilt = D + bounds.turns[J];
    double least = -nothing;
    for (int p = 0; p < P; ++p) {
      const Doubles where = kernel::load(bounds.where(J) + p * lanes<double>),
                    value = kernel::load(bounds.high(J) + p * lanes<double>) +
                            s_ * (where * (2 * tilt - where) - D * D);
      place[p] = value > known[p] ? where - D : place[p];
      known[p] = kernel::max(value, known[p]);
      const Doubles above = known[p] - kernel::load(bounds.base + p * lanes<double>);
      least = std::min(least, smallest(known[p] > 0.5 * nothing ? above : kernel::broadcast(-nothing)));
    }
    return least;
  };
  double least = look(best);
  for (int J = 0; J < in_tiles_; ++J)
    if (bounds.above[J] > least && J != best) least = look(J);
  for (int p = 0; p < P; ++p) {
    kernel::store(window.known + p * lanes<double>, known[p]);
    window.lowest = std::min(window.lowest, smallest(place[p]));
    window.highest = std::max(window.highest, largest(place[p]));
  }
  return least;
}

/// With d = x - c, e the exponents at d = 0 and z the node of a known term, that of y_j is above it by
/// e_j - e_z + 2 s (y_j - z) d. Most tiles are told to be too far by one number for all lines; `above` is
/// left with the largest e_j - e_z of the others.
template <class Real>
typename WindowSums<Real>::Window WindowSums<Real>::window(const Block& block, double centre,
                                                           double half) const {
  constexpr int P = packs<Real>;
  const Bounds bounds = this->bounds(block.shared);
  Window window;
  window.centre = centre;
  window.half = half;
  const double least = find_known(bounds, bound_tiles(bounds, centre), window);
  Doubles known[P], excess[P] = {};
  for (int p = 0; p < P; ++p) known[p] = kernel::load(window.known + p * lanes<double>);
  window.first = in_tiles_;
  for (int J = 0; J < in_tiles_; ++J) {
    const double rise = largest_rise(window, J, -half, half);
    bounds.above[J] -= least;
    if (bounds.above[J] + rise <= -skip_bits<Real>) continue;
    const double D = centre - in_centre(J), add = largest_factor(D + bounds.turns[J]) - s_ * D * D;
    Doubles most = kernel::broadcast(2 * nothing);
    for (int p = 0; p < P; ++p) {
      const Doubles above = kernel::load(bounds.high(J) + p * lanes<double>) - known[p] + add;
      excess[p] = kernel::max(excess[p], above);
      most = kernel::max(most, above);
    }
    bounds.above[J] = largest(most);
    if (bounds.above[J] + rise <= -skip_bits<Real>) continue;
    window.first = std::min(window.first, J);
    window.last = J + 1;
  }
  window.first = std::min(window.first, window.last);
  window.begin = window.first * in_width_;
  window.end = std::min(window.last * in_width_, in_.count);
  for (int p = 0; p < P; ++p)
    kernel::store(window.most + p * lanes<double>,
                  kernel::max(known[p] + excess[p], kernel::broadcast(nothing)));
  return window;
}

/// The largest 2 s (y - z) d for nodes y of a tile, known z and d = from ... to.
template <class Real>
double WindowSums<Real>::largest_rise(const Window& window, int J, double from, double to) const {
  const double at = in_centre(J) - window.centre, low = at - apart() - window.highest,
               high = at + apart() - window.lowest;
  return 2 * s_ * std::max(std::max(low * from, low * to), std::max(high * from, high * to));
}

/// The nodes of a window that matter to rows at d = from ... to.
template <class Real>
typename WindowSums<Real>::Range WindowSums<Real>::reach(const Block& block, const Window& window,
                                                         double from, double to) const {
  const double* above = bounds(block.shared).above;
  const auto needed = [&](int J) { return above[J] + largest_rise(window, J, from, to) > -skip_bits<Real>; };
  int first = window.first, last = window.last;
  while (first < last && !needed(first)) ++first;
  while (last > first && !needed(last - 1)) --last;
  return {first * in_width_, std::min(last * in_width_, in_.count)};
}

/// The largest exponents at the centre, exactly.
template <class Real>
void WindowSums<Real>::raise(const Block& block, Window& window) const {
  for (int l = 0; l < lanes<Real>; l += lanes<double>) {
    Doubles high = kernel::broadcast(nothing);
    for (int j = window.begin; j < window.end; ++j) {
      const double distance = window.centre - in_.at(j);
      high = kernel::max(high, kernel::load(block.entries + j * lanes<Real> + l) - s_ * distance * distance);
    }
    kernel::store(window.most + l, high);
  }
}

/// Of the nodes of tile J, at the centre of the rows. Powers of the tile that were taken for zero are less
/// than 2^(2 edge - flushed_bits) of the tile's sum in any row, edge the bits between the ends of the tile.
template <class Real>
void WindowSums<Real>::exponentials(const Block& block, int J, const Window& window, Real* to) const {
  constexpr int n = lanes<Real>;
  const Bounds bounds = this->bounds(block.shared);
  const double D = window.centre - in_centre(J), tilt = D + bounds.turns[J], high = largest_factor(tilt),
               edge = 2 * s_ * apart() * (std::abs(tilt) + window.half + 0.5 * apart());
  const int count = nodes_of(J), begin = J * in_width_;
  if (2 * edge > flushed_bits<Real> - skip_bits<Real>)
    return exponentiate(
        block.entries + begin * n, count,
        [&](int j) {
          const double distance = window.centre - in_.at(begin + j);
          return -s_ * distance * distance;
        },
        window.most, to);
  alignas(64) Real node_factor[max_in_width], line_factor[n];
  for (int j = 0; j < in_width_; ++j) {
    const double q = in_offset_[static_cast<std::size_t>(j)];
    node_factor[j] = static_cast<Real>(s_ * q * (2 * tilt - q) - high);
  }
  for (int j = 0; j < count; j += n)
    kernel::store(node_factor + j, kernel::exp2(kernel::load(node_factor + j)));
  exponentiate(
      bounds.high(J), 1, [&](int) { return high - s_ * D * D; }, window.most, line_factor);
  const kernel::Pack<Real> line = kernel::load(line_factor);
  const Real* powers = block.shared.powers + begin * n;
  for (int j = 0; j < count; ++j)
    kernel::store(to + j * n, flush<Real>(kernel::load(powers + j * n) * (node_factor[j] * line)));
}

/// The rows of one tile; false if something may have been lost to underflow.
template <class Real>
bool WindowSums<Real>::sum(const Block& block, const Level& level, const Window& window, double* out) const {
  constexpr int n = lanes<Real>, P = packs<Real>;
  alignas(64) Real columns[2 * max_in_width * n], total[max_width * n];
  std::fill_n(total, level.width * n, Real(0));
  constexpr int together = 16;
  Range near[max_width / together];
  for (int i = 0; i < level.width; i += together)
    near[i / together] =
        reach(block, window, level.offset[static_cast<std::size_t>(i)],
              level.offset[static_cast<std::size_t>(std::min(i + together, level.width) - 1)]);
  int begin = window.begin, filled = 0;
  for (int J = window.first; J < window.last; ++J) {
    exponentials(block, J, window, columns + filled * n);
    filled += nodes_of(J);
    if (filled <= max_in_width && J + 1 < window.last) continue;
    for (int i = 0; i < level.width; i += together) {
      const int from = std::max(begin, near[i / together].begin),
                to = std::min(begin + filled, near[i / together].end);
      if (from < to)
        small_product(level.matrix.data() + (from - window.middle() + level.reach) * level.width + i,
                      level.width, columns + (from - begin) * n, std::min(together, level.width), to - from,
                      false, total + i * n);
    }
    begin += filled;
    filled = 0;
  }
  // what is taken for zero in row d is less than 2^(span |d| - flushed_bits)
  const double span = s_ * in_.step * (window.count() + 1),
               tilt = 2 * s_ * (in_.at(window.middle()) - window.centre),
               lowest = skip_bits<Real> - flushed_bits<Real>;
  Doubles most[P], least[P] = {};
  for (int p = 0; p < P; ++p) {
    most[p] = kernel::load(window.most + p * lanes<double>);
    most[p] = most[p] > 0.5 * nothing ? most[p] : kernel::broadcast(minus_infinity);
  }
  for (int i = 0; i < level.width; ++i) {
    const double d = level.offset[static_cast<std::size_t>(i)], shift = bits_ + (tilt - s_ * d) * d,
                 lost = span * std::abs(d);
    double* to = out + i * n;
    for (int l = 0; l < n; ++l) to[l] = kernel::log2_of(total[i * n + l]);
    for (int p = 0; p < P; ++p) {
      const Doubles log = kernel::load(to + p * lanes<double>);
      least[p] = kernel::min(least[p], log - lost);
      kernel::store(to + p * lanes<double>, log + (most[p] + shift));
    }
  }
  for (int p = 0; p < P; ++p)
    if (smallest(most[p] > minus_infinity ? least[p] : Doubles{}) < lowest) return false;
  return true;
}

template <class Real>
long WindowSums<Real>::rows(const Block& block, std::size_t depth, int first, double* out) const {
  const Level& level = levels_[depth];
  Window near = window(block, out_.at(first + 0.5 * (level.width - 1)), level.offset.back());
  if (level.width == 1) raise(block, near);
  if ((near.count() / 2 <= level.reach && sum(block, level, near, out)) || level.width == 1)
    return static_cast<long>(near.count()) * level.width;
  const int half = level.width / 2;
  return rows(block, depth + 1, first, out) + rows(block, depth + 1, first + half, out + half * lanes<Real>);
}

template <class Real>
long WindowSums<Real>::apply(const double* block, const SharedTiles<Real>& shared, int I, double* out) const {
  return rows({block, shared}, 0, I * width_, out);
}

template class WindowSums<float>;
template class WindowSums<double>;

}  // namespace fortet::grid
