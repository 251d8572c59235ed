#pragma once
#include <cstddef>

#include "fortet/matrix.hpp"

namespace fortet::nn {

/// The affine map that minimises sum_i |slope x_i + offset - y_i|^2; x and y are n x d and coordinate-major.
/// Directions in which x does not vary get slope zero.
AffineMap least_squares(const double* x, const double* y, std::size_t n, std::size_t d);

}  // namespace fortet::nn
