#pragma once
#include <vector>

#include "fortet/coupling/gaussian_forms.hpp"
#include "fortet/matrix.hpp"

namespace fortet::gaussian {

/// x -> value + slope (x - centre). Kept in this form because slope x + (value - slope centre) loses the
/// digits that a mean far from the origin takes.
struct CentredMap {
  Matrix slope;
  std::vector<double> centre, value;

  AffineMap affine() const {
    AffineMap out{slope, value};
    for (std::size_t i = 0; i < slope.rows(); ++i)
      for (std::size_t j = 0; j < slope.cols(); ++j) out.offset[i] -= slope(i, j) * centre[j];
    return out;
  }
};

}  // namespace fortet::gaussian
