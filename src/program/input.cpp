#include "program/input.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace fortet::program {
namespace {

// Over both clouds: the largest coordinate, and the diagonal of the box around them.
struct Extent {
  double largest = 0, diagonal = 0;
};

Extent extent_of(const Array& source, const Array& target) {
  Extent out;
  const std::size_t d = source.shape.back();
  for (std::size_t k = 0; k < d; ++k) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Array* cloud : {&source, &target})
      for (std::size_t i = k; i < cloud->size(); i += cloud->shape.back()) {
        low = std::min(low, (*cloud)[i]);
        high = std::max(high, (*cloud)[i]);
      }
    out.largest = std::max({out.largest, std::abs(low), std::abs(high)});
    out.diagonal = std::hypot(out.diagonal, high - low);
  }
  return out;
}

}  // namespace

void require_float_suffices(const Array& source, const Array& target, double epsilon) {
  const auto exact = [](const Array& array) {
    return std::holds_alternative<std::vector<float>>(array.values);
  };
  if (exact(source) && exact(target)) return;
  const Extent extent = extent_of(source, target);
  // half a unit in the last place of the largest coordinate, in cost units: |x - y| times the shift of x - y
  const double moved = extent.largest * 0x1p-24 * extent.diagonal;
  if (!(moved > 0.1 * epsilon)) return;
  std::ostringstream text;
  text.precision(3);
  text << "--precision float: rounding coordinates near " << extent.largest << " moves costs by up to "
       << moved << ", too much for epsilon = " << epsilon
       << "; use --precision double, or first subtract a common offset from all points";
  throw InvalidArgument(text.str());
}

}  // namespace fortet::program
