#include "nn/least_squares.hpp"

#include <algorithm>

#include "algebra/algebra.hpp"

namespace fortet::nn {
namespace {

using namespace algebra;

// Coordinates in rows, as they are stored, with the mean of each taken off.
struct Centred {
  Matrix values;
  Column mean;
};
Centred centred(const double* x, std::size_t n, std::size_t d) {
  Centred out{Matrix(d, n), Column(d, 1)};
  std::copy(x, x + n * d, out.values.data());
  for (std::size_t k = 0; k < d; ++k) {
    double* row = out.values.data() + k * n;
    for (std::size_t i = 0; i < n; ++i) out.mean(k, 0) += row[i] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) row[i] -= out.mean(k, 0);
  }
  return out;
}

}  // namespace

AffineMap least_squares(const double* x, const double* y, std::size_t n, std::size_t d) {
  const Centred given = centred(x, n, d), wanted = centred(y, n, d);
  const Matrix samples = transposed(given.values);
  const auto [axes, values] = eigen(given.values * samples);
  const double smallest = 1e-13 * values(d - 1, 0);  // of a direction that varies
  const Diagonal inverse{each(values, [smallest](double v) { return v > smallest ? 1 / v : 0.0; })};
  const Matrix slope = wanted.values * samples * axes * inverse * transposed(axes);
  return {slope, to_vector(wanted.mean - slope * given.mean)};
}

}  // namespace fortet::nn
