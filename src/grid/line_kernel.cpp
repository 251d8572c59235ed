#include "grid/line_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "grid/line_numbers.hpp"

namespace fortet::grid {
namespace {

using kernel::lanes;

/// log2 of what nodes between may change a sum by, relative.
template <class Real>
constexpr double between_bits = std::is_same_v<Real, float> ? -28 : -57;

double bits_of(double variance) { return std::numbers::log2e / (2 * variance); }

double exponent_range(const Nodes& out, const Nodes& in, double s) {
  const double farthest =
      std::max(std::abs(out.at(out.count - 1) - in.first), std::abs(in.at(in.count - 1) - out.first));
  return s * farthest * farthest;
}

/// The nodes between: 2 exp(-pi^2 variance / 2 H^2) is small enough, and nothing is left out beyond the ends,
/// where z is a quarter of the variance about the middle of any two x and y.
template <class Real>
Nodes nodes_between(const Nodes& out, const Nodes& in, double variance) {
  const double step = std::numbers::pi *
                      std::sqrt(0.5 * variance / ((1 - between_bits<Real>)*std::numbers::ln2)),
               margin = std::sqrt(skip_bits<Real> / (4 * bits_of(variance))),
               first = 0.5 * (out.first + in.first) - margin,
               last = 0.5 * (out.at(out.count - 1) + in.at(in.count - 1)) + margin,
               steps = std::ceil((last - first) / step);
  if (!(steps < 0x1p30)) return {};
  return {first, (last - first) / steps, static_cast<int>(steps) + 1};
}

/// Multiply-adds a line by tiles, and the nodes between if they make it less.
template <class Real>
struct TiltedPlan {
  Nodes between;
  double work;
  TiltedPlan(const Nodes& out, const Nodes& in, double variance)
      : between(nodes_between<Real>(out, in, variance)) {
    using Sums = WindowSums<Real>;
    const double s = bits_of(variance);
    work = Sums::work(out, in, s);
    const double twice = between.count > 0 ? Sums::work(between, in, 2 * s) + Sums::work(out, between, 2 * s)
                                           : std::numeric_limits<double>::infinity();
    if (twice < work)
      work = twice;
    else
      between = {};
  }
};

}  // namespace

template <class Real>
GaussianMatrix<Real>::GaussianMatrix(const Nodes& rows, const Nodes& columns, double s) {
  const auto entry = [&](double distance) { return static_cast<Real>(std::exp2(-s * distance * distance)); };
  if (rows.step == columns.step) {
    // the last column continued upwards to what the first one ends with
    first_ = columns.count - 1;
    next_ = -1;
    for (int i = 1 - columns.count; i < rows.count; ++i)
      entries_.push_back(entry(rows.at(i) - columns.at(0)));
    return;
  }
  next_ = rows.count;
  for (int j = 0; j < columns.count; ++j)
    for (int i = 0; i < rows.count; ++i) entries_.push_back(entry(rows.at(i) - columns.at(j)));
}

template <class Real>
int LineKernel<Real>::lines() {
  static_assert(lanes<Real> <= max_lines);
  return lanes<Real>;
}

template <class Real>
double LineKernel<Real>::dense_range() {
  return std::is_same_v<Real, float> ? 40 : 600;
}

template <class Real>
LineMethod LineKernel<Real>::choose(const Nodes& out, const Nodes& in, double variance) {
  const bool accurate = exponent_range(out, in, bits_of(variance)) <= dense_range() * std::numbers::log2e;
  const double dense_work = static_cast<double>(out.count) * in.count;
  return accurate && dense_work < TiltedPlan<Real>(out, in, variance).work ? LineMethod::dense
                                                                           : LineMethod::tilted;
}

template <class Real>
LineKernel<Real>::LineKernel(const Nodes& out, const Nodes& in, double variance, LineMethod method)
    : out_(out), in_(in), method_(method) {
  const double s = bits_of(variance);
  if (method_ == LineMethod::dense) {
    matrix_ = {{out_.first, out_.step, out_tiles() * width()}, {in_.first, in_.step, padded_rows()}, s};
    return;
  }
  between_ = TiltedPlan<Real>(out, in, variance).between;
  if (between() == 0) {
    to_out_ = {out_, in_, s};
    return;
  }
  to_between_ = {between_, in_, 2 * s};
  to_out_ = {out_, between_, 2 * s, std::log2(between_.step * std::sqrt(2 / (std::numbers::pi * variance)))};
}

template <class Real>
double LineKernel<Real>::skip_bound() const {
  if (method_ == LineMethod::dense) return 0;
  if (between() == 0) return to_out_.skip_bound();
  return to_between_.skip_bound() + to_out_.skip_bound() + std::exp2(between_bits<Real>);
}

template <class Real>
int LineKernel<Real>::padded_rows() const {
  return method_ == LineMethod::dense ? tile_count(in_.count, dense_width) * dense_width : in_.count;
}

template <class Real>
int LineKernel<Real>::double_rows() const {
  if (method_ == LineMethod::dense) return 1;
  return to_out_.bound_rows() + (between() > 0 ? to_between_.bound_rows() + between_rows() : 0);
}

template <class Real>
int LineKernel<Real>::real_rows() const {
  return padded_rows() + between();
}

template <class Real>
long LineKernel<Real>::terms() const {
  return static_cast<long>(out_tiles()) * width() *
         (method_ == LineMethod::dense ? padded_rows() : to_out_.nodes());
}

template <class Real>
void LineKernel<Real>::share(const double* block, double* doubles, Real* reals) const {
  if (method_ == LineMethod::dense) {
    std::fill_n(doubles, lines(), nothing);
    for (int j = 0; j < padded_rows(); ++j)
      for (int l = 0; l < lines(); ++l) doubles[l] = std::max(doubles[l], block[j * lines() + l]);
    return exponentiate(
        block, padded_rows(), [](int) { return 0.0; }, doubles, reals);
  }
  if (between() == 0) return to_out_.share(block, {doubles, reals});
  to_between_.share(block, {doubles, reals});
  double* const sums = sums_between(doubles);
  for (int I = 0; I < to_between_.tiles(); ++I)
    to_between_.apply(block, {doubles, reals}, I, sums + I * to_between_.width() * lines());
  to_out_.share(sums, tiles_between(doubles, reals));
}

template <class Real>
long LineKernel<Real>::apply(const double* block, double* doubles, Real* reals, int I, double* out) const {
  if (method_ == LineMethod::dense) return apply_dense(doubles, reals, I, out);
  if (between() == 0) return to_out_.apply(block, {doubles, reals}, I, out);
  return to_out_.apply(sums_between(doubles), tiles_between(doubles, reals), I, out);
}

template <class Real>
long LineKernel<Real>::apply_dense(const double* most, const Real* columns, int I, double* out) const {
  alignas(64) Real sums[dense_width * lanes<Real>];
  small_product(matrix_.at(I * dense_width, 0), matrix_.next(), columns, dense_width, padded_rows(), true,
                sums);
  for (int k = 0; k < dense_width * lines(); ++k) out[k] = kernel::log2_of(sums[k]);
  for (int i = 0; i < dense_width; ++i)
    for (int l = 0; l < lines(); ++l)
      out[i * lines() + l] = most[l] > 0.5 * nothing ? out[i * lines() + l] + most[l] : minus_infinity;
  return static_cast<long>(dense_width) * padded_rows();
}

template class LineKernel<float>;
template class LineKernel<double>;

}  // namespace fortet::grid
