#include <cmath>
#include <fstream>
#include <string>

#include "fortet/io/grid.hpp"
#include "fortet/io/pgm.hpp"

namespace fortet {

GridMeasure grid_measure(const Array& density, const std::vector<double>& lower,
                         const std::vector<double>& upper) {
  constexpr const char* where = "fortet::grid_measure";
  const std::size_t d = density.rank();
  detail::require(d >= 1 && d <= RegularGrid::max_dimension, where, "shape of the density",
                  shape_text(density.shape), "expected one to three axes");
  detail::require(lower.size() == d, where, "lower.size()", lower.size(), "expected one for each axis");
  detail::require(upper.size() == d, where, "upper.size()", upper.size(), "expected one for each axis");
  std::vector<GridAxis> axes;
  for (std::size_t k = 0; k < d; ++k)
    axes.push_back({lower[k], upper[k], static_cast<int>(density.shape[k])});
  const RegularGrid grid(axes);
  std::vector<double> values(density.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(density[i] >= 0) || std::isinf(density[i]))
      detail::reject(where, "density[" + std::to_string(i) + "]", density[i], "expected finite numbers >= 0");
    values[i] = std::log(density[i]);
  }
  return GridMeasure(grid, vector_from_host<double>(std::span<const double>(values)));
}

GridMeasure read_grid_measure(const std::filesystem::path& path, const std::vector<double>& lower,
                              const std::vector<double>& upper) {
  char magic[2] = {};
  std::ifstream(path, std::ios::binary).read(magic, 2);
  const bool picture = magic[0] == 'P' && (magic[1] == '2' || magic[1] == '5');
  Array density = picture ? read_pgm(path) : read_array(path);
  // a column of a CSV file is a line of nodes
  if (lower.size() == 1 && density.rank() == 2 && (density.shape[0] == 1 || density.shape[1] == 1))
    density.shape = {density.size()};
  try {
    return grid_measure(density, lower, upper);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(path.string() + ": " + error.what());
  }
}

Array grid_array(const RegularGrid& grid, const ConstVector<double>& values) {
  Array array{{}, to_host(values)};
  for (const GridAxis& axis : grid.axes()) array.shape.push_back(static_cast<std::size_t>(axis.nodes));
  return array;
}

Array density_array(const GridMeasure& measure) {
  Array array = grid_array(measure.grid(), measure.log_density());
  for (double& value : std::get<std::vector<double>>(array.values)) value = std::exp(value);
  return array;
}

}  // namespace fortet
