#include "kernel/panel_lists.hpp"

#include <algorithm>
#include <limits>

namespace fortet::kernel {

template <class Packed>
Boxes boxes_of(const Packed& points, const double* potential, double scale) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::size_t d = static_cast<std::size_t>(points.dimension), count = points.padded / points.group;
  Boxes boxes{count, points.dimension, std::vector<double>(d * count, infinity),
              std::vector<double>(d * count, -infinity), std::vector<double>(count, -infinity)};
  for (std::size_t i = 0; i < points.count; ++i) {
    const std::size_t box = i / points.group;
    for (std::size_t k = 0; k < d; ++k) {
      const double value = points.coordinate(i, k);
      boxes.lower[k * count + box] = std::min(boxes.lower[k * count + box], value);
      boxes.upper[k * count + box] = std::max(boxes.upper[k * count + box], value);
    }
    boxes.top[box] = std::max(boxes.top[box], scale * potential[i]);
  }
  return boxes;
}

void append_active(const Boxes& groups, std::size_t group, const Boxes& panels, double least,
                   std::vector<double>& bounds, std::vector<std::uint32_t>& out) {
  const std::size_t count = panels.count;
  bounds.resize(count);
  for (std::size_t p = 0; p < count; ++p) bounds[p] = groups.top[group] + panels.top[p];
  for (std::size_t k = 0; k < static_cast<std::size_t>(panels.dimension); ++k) {
    const double lower = groups.lower[k * groups.count + group],
                 upper = groups.upper[k * groups.count + group];
    const double *const low = panels.lower.data() + k * count, *const high = panels.upper.data() + k * count;
    double* const bound = bounds.data();
    for (std::size_t p = 0; p < count; ++p) {
      const double above = low[p] - upper, below = lower - high[p], larger = above > below ? above : below,
                   gap = larger > 0 ? larger : 0.0;
      bound[p] -= gap * gap / 2;
    }
  }
  for (std::size_t p = 0; p < count; ++p)
    if (bounds[p] >= least) out.push_back(static_cast<std::uint32_t>(p));
}

template Boxes boxes_of(const PackedPoints<float>&, const double*, double);
template Boxes boxes_of(const PackedPoints<double>&, const double*, double);
template Boxes boxes_of(const PackedColumns<float>&, const double*, double);
template Boxes boxes_of(const PackedColumns<double>&, const double*, double);

}  // namespace fortet::kernel
