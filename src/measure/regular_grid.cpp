#include "fortet/measure/regular_grid.hpp"

#include <cmath>
#include <string>

namespace fortet {

RegularGrid::RegularGrid(const std::vector<GridAxis>& axes) : dimension_(static_cast<int>(axes.size())) {
  constexpr const char* where = "fortet::RegularGrid";
  detail::require(!axes.empty() && axes.size() <= max_dimension, where, "number of axes", axes.size(),
                  "expected one, two or three");
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::string name = "axes[" + std::to_string(k) + "]";
    detail::require(std::isfinite(axes[k].lower), where, name + ".lower", axes[k].lower,
                    "expected a finite number");
    detail::require(std::isfinite(axes[k].upper) && axes[k].upper > axes[k].lower, where, name + ".upper",
                    axes[k].upper, "expected a finite number > lower");
    detail::require(axes[k].nodes >= 2, where, name + ".nodes", axes[k].nodes, "expected at least two");
    axes_[k] = axes[k];
  }
}

RegularGrid RegularGrid::subgrid(const std::vector<int>& axes) const {
  std::vector<GridAxis> kept;
  for (int k : axes) {
    detail::require(k >= 0 && k < dimension_, "fortet::RegularGrid::subgrid", "axis", k,
                    "expected 0 <= axis < dimension");
    kept.push_back(axes_[k]);
  }
  return RegularGrid(kept);
}

RegularGrid RegularGrid::with_axis(int k, const GridAxis& axis) const {
  std::vector<GridAxis> all = axes();
  all.at(static_cast<std::size_t>(k)) = axis;
  return RegularGrid(all);
}

bool RegularGrid::same_box(const RegularGrid& other) const {
  if (dimension_ != other.dimension_) return false;
  for (int k = 0; k < dimension_; ++k)
    if (axes_[k].lower != other.axes_[k].lower || axes_[k].upper != other.axes_[k].upper) return false;
  return true;
}

}  // namespace fortet
