#pragma once
// Scores of a sample of pairs against a known coupling, on host arrays. No Kokkos here.
#include <cstddef>
#include <string>
#include <vector>

#include "fortet/compare/gaussian_fit.hpp"

namespace fortet::impl {

/// Row-major samples of pairs and, at the same starts, what the truth says.
struct PairRows {
  std::size_t n = 0, d = 0, e = 0;  ///< rows, dimensions of X0 and of X1
  std::vector<double> x0, x1;       ///< n x d, n x e
  std::vector<double> mean, fresh;  ///< n x e: E[X1 | X0 = x0] and a draw of X1 | X0 = x0, both exact

  /// Rows first ... first + count - 1.
  PairRows part(std::size_t first, std::size_t count) const;
};

/// What the scores are taken against: moments of (X0, X1) and a few pairs, of the truth.
struct PairReference {
  Moments joint;
  std::vector<double> x0, x1;
  double mean_distance = 0;  ///< of these pairs from each other
};
PairReference pair_reference(const PairRows& truth);
/// Moments of rows of `width` values.
Moments row_moments(const std::vector<double>& rows, std::size_t width);

/// The names of what pair_scores() returns, in its order.
const std::vector<std::string>& pair_score_names();

/// In percent, each at least zero and zero for infinitely many pairs of the truth:
///   mean of X0, of X1: |difference| / (tr Cov)^(1/2);
///   covariance of X0, of X1: Frobenius norm of the difference over that of the truth;
///   covariance of X0 and X1: the same over the geometric mean of the norms of the two marginals';
///   conditional mean: E |fit|^2 / tr Cov X1, fit = least squares of X1 - E[X1 | X0] on (1, X0);
///   cBW2-UVP: mean over 16 overlapping groups of neighbouring starts of BW between the moments of X1 - E[X1
///   | X0] of the
///     pairs and of fresh draws at the same starts, over tr Cov X1 / 2;
///   energy distance of pairs, over the mean distance of two pairs of the truth; at most 500 rows of each.
/// O(n d^2 + n log n).
std::vector<double> pair_scores(const PairRows& rows, const PairReference& reference);

}  // namespace fortet::impl
