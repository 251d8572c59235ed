#include "fortet/impl/pair_scores.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "algebra/algebra.hpp"

namespace fortet::impl {
namespace {

using Rows = std::vector<double>;

double squared(double x) { return x * x; }

/// Moments of (a, b) side by side.
Moments joint_moments(const Rows& a, std::size_t d, const Rows& b, std::size_t e,
                      const std::vector<std::size_t>& rows) {
  const std::size_t width = d + e;
  const double n = static_cast<double>(rows.size());
  Moments out{Rows(width), Matrix(width, width)};
  const auto value = [&](std::size_t i, std::size_t k) { return k < d ? a[i * d + k] : b[i * e + k - d]; };
  for (const std::size_t i : rows)
    for (std::size_t k = 0; k < width; ++k) out.mean[k] += value(i, k) / n;
  Rows z(width);
  for (const std::size_t i : rows) {
    for (std::size_t k = 0; k < width; ++k) z[k] = value(i, k) - out.mean[k];
    for (std::size_t k = 0; k < width; ++k)
      for (std::size_t l = 0; l <= k; ++l) out.covariance(k, l) += z[k] * z[l] / n;
  }
  for (std::size_t k = 0; k < width; ++k)
    for (std::size_t l = k + 1; l < width; ++l) out.covariance(k, l) = out.covariance(l, k);
  return out;
}

std::vector<std::size_t> all_rows(std::size_t n) {
  std::vector<std::size_t> rows(n);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

Matrix block(const Matrix& m, std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) {
  Matrix out(rows, columns);
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t l = 0; l < columns; ++l) out(k, l) = m(row + k, column + l);
  return out;
}

double trace(const Matrix& m) { return algebra::sum(algebra::diagonal_of(m)); }

double distance(const Rows& a, const Rows& b, std::size_t first, std::size_t count) {
  double sum = 0;
  for (std::size_t k = first; k < first + count; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(sum);
}

Rows difference(const Rows& a, const Rows& b) {
  Rows out(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) out[k] = a[k] - b[k];
  return out;
}

/// E |fit|^2 of the least squares fit of `residual` on (1, x0).
double explained(const PairRows& rows, const Rows& residual) {
  const std::size_t d = rows.d, e = rows.e;
  const Moments joint = joint_moments(rows.x0, d, residual, e, all_rows(rows.n));
  const Matrix cross = block(joint.covariance, 0, d, d, e);
  double sum = algebra::dot(cross, algebra::solve_semidefinite(block(joint.covariance, 0, d, 0, d), cross));
  for (std::size_t k = d; k < d + e; ++k) sum += joint.mean[k] * joint.mean[k];
  return std::max(sum, 0.0);
}

/// Mean over groups of neighbouring starts of BW between the moments of the two residuals.
double grouped(const PairRows& rows, const Rows& residual, const Rows& exact) {
  constexpr std::size_t groups = 16;
  const std::size_t size = std::min(
      rows.n, std::max<std::size_t>(2 * rows.n / groups, std::min<std::size_t>(rows.n, 2 * rows.e + 2)));
  double sum = 0;
  std::vector<std::pair<double, std::size_t>> near(rows.n);
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t centre = g * rows.n / groups;
    for (std::size_t i = 0; i < rows.n; ++i) {
      near[i] = {0, i};
      for (std::size_t k = 0; k < rows.d; ++k)
        near[i].first += squared(rows.x0[i * rows.d + k] - rows.x0[centre * rows.d + k]);
    }
    std::nth_element(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(size - 1), near.end());
    std::vector<std::size_t> members(size);
    for (std::size_t k = 0; k < size; ++k) members[k] = near[k].second;
    std::sort(members.begin(), members.end());
    sum += bures_wasserstein(joint_moments(residual, rows.e, {}, 0, members),
                             joint_moments(exact, rows.e, {}, 0, members));
  }
  return sum / groups;
}

/// Mean distance between rows of (a0, a1) and (b0, b1).
double mean_distance(const Rows& a0, const Rows& a1, const Rows& b0, const Rows& b1, std::size_t d,
                     std::size_t e) {
  const std::size_t n = a0.size() / d, m = b0.size() / d;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < d; ++k) square += squared(a0[i * d + k] - b0[j * d + k]);
      for (std::size_t k = 0; k < e; ++k) square += squared(a1[i * e + k] - b1[j * e + k]);
      sum += std::sqrt(square);
    }
  return sum / static_cast<double>(n) / static_cast<double>(m);
}

constexpr std::size_t pairwise_rows = 500;

Rows head(const Rows& values, std::size_t count) {
  return {values.begin(), values.begin() + static_cast<std::ptrdiff_t>(std::min(values.size(), count))};
}

}  // namespace

PairRows PairRows::part(std::size_t first, std::size_t count) const {
  const auto slice = [&](const Rows& values, std::size_t width) {
    return Rows(values.begin() + static_cast<std::ptrdiff_t>(first * width),
                values.begin() + static_cast<std::ptrdiff_t>((first + count) * width));
  };
  return {count, d, e, slice(x0, d), slice(x1, e), slice(mean, e), slice(fresh, e)};
}

PairReference pair_reference(const PairRows& truth) {
  const Rows x0 = head(truth.x0, pairwise_rows * truth.d), x1 = head(truth.x1, pairwise_rows * truth.e);
  return {joint_moments(truth.x0, truth.d, truth.x1, truth.e, all_rows(truth.n)), x0, x1,
          mean_distance(x0, x1, x0, x1, truth.d, truth.e)};
}

Moments row_moments(const std::vector<double>& rows, std::size_t width) {
  return joint_moments(rows, width, {}, 0, all_rows(rows.size() / width));
}

const std::vector<std::string>& pair_score_names() {
  static const std::vector<std::string> names{"mean of X0",
                                              "mean of X1",
                                              "covariance of X0",
                                              "covariance of X1",
                                              "covariance of X0 and X1",
                                              "conditional mean",
                                              "cBW2-UVP",
                                              "energy distance of pairs"};
  return names;
}

std::vector<double> pair_scores(const PairRows& rows, const PairReference& reference) {
  using namespace algebra;
  const std::size_t d = rows.d, e = rows.e;
  const Moments joint = joint_moments(rows.x0, d, rows.x1, e, all_rows(rows.n));
  const auto part = [&](const Moments& m, bool second_row, bool second_column) {
    return block(m.covariance, second_row ? d : 0, second_row ? e : d, second_column ? d : 0,
                 second_column ? e : d);
  };
  const Matrix source = part(reference.joint, false, false), target = part(reference.joint, true, true);
  const auto deviation = [&](bool second_row, bool second_column) {
    return norm(part(joint, second_row, second_column) - part(reference.joint, second_row, second_column));
  };
  const Rows residual = difference(rows.x1, rows.mean), exact = difference(rows.fresh, rows.mean);
  const Rows a0 = head(rows.x0, pairwise_rows * d), a1 = head(rows.x1, pairwise_rows * e);
  const double scale = reference.mean_distance;
  const double energy = 2 * mean_distance(a0, a1, reference.x0, reference.x1, d, e) -
                        mean_distance(a0, a1, a0, a1, d, e) - scale;
  return {100 * distance(joint.mean, reference.joint.mean, 0, d) / std::sqrt(trace(source)),
          100 * distance(joint.mean, reference.joint.mean, d, e) / std::sqrt(trace(target)),
          100 * deviation(false, false) / norm(source),
          100 * deviation(true, true) / norm(target),
          100 * deviation(false, true) / std::sqrt(norm(source) * norm(target)),
          100 * explained(rows, residual) / trace(target),
          100 * grouped(rows, residual, exact) / (trace(target) / 2),
          100 * std::max(energy, 0.0) / scale};
}

}  // namespace fortet::impl
