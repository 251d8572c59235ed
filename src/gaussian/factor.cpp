#include "gaussian/factor.hpp"

#include <cmath>
#include <limits>

namespace fortet::gaussian {

using namespace algebra;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unit = std::numeric_limits<double>::epsilon();

}  // namespace

double excess(double k) { return (k - 1) - (k < 0.5 ? std::log(k) : std::log1p(k - 1)); }

Factor factor(const Matrix& covariance) {
  const std::size_t d = covariance.rows();
  const Column scale = each(diagonal_of(covariance), [](double v) { return v > 0 ? std::sqrt(v) : 0.0; });
  const Diagonal inverse_scale{each(scale, [](double s) { return s > 0 ? 1 / s : 0.0; })};
  const auto [vectors, values] = eigen(inverse_scale * covariance * inverse_scale);

  Factor out;
  out.smallest_eigenvalue = values(0, 0);
  const double zero = static_cast<double>(d) * unit * values(d - 1, 0);
  Column root(d, 1), inverse(d, 1);
  for (std::size_t i = 0; i < d; ++i) {
    if (values(i, 0) <= zero) continue;
    root(i, 0) = std::sqrt(values(i, 0));
    inverse(i, 0) = 1 / root(i, 0);
    out.log_determinant += std::log(values(i, 0)) + 2 * std::log(scale(i, 0));
    ++out.rank;
  }
  if (out.rank < d) out.log_determinant = -infinity;
  out.root = Diagonal{scale} * vectors * Diagonal{root};
  out.inverse = Diagonal{inverse} * transposed(vectors) * inverse_scale;
  return out;
}

double relative_entropy(const Root& a, const Root& b, const Matrix& shifts) {
  if (a.rank != b.rank) return infinity;
  const Matrix ratio = b.inverse * a.root, whitened = b.inverse * shifts;
  // equal ranks: the ranges are equal when those of `a` and of the shifts lie
  // in that of `b`
  const double slack = 1e-8;  // square root of what rounding leaves in a covariance
  if (norm(b.root * ratio - a.root) > slack * norm(a.root)) return infinity;
  if (norm(b.root * whitened - shifts) > slack * (norm(shifts) + norm(b.root))) return infinity;
  double total = squared_norm(whitened);
  const Column values = svd(ratio).values;
  for (std::size_t i = 0; i < a.rank; ++i) total += excess(values(i, 0) * values(i, 0));
  return 0.5 * total;
}

}  // namespace fortet::gaussian
