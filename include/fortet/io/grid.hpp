#pragma once
// Densities on grids from files and to arrays.
#include <vector>

#include "fortet/io/array.hpp"
#include "fortet/measure/grid_measure.hpp"

namespace fortet {

/// From an array of one to three axes that holds the density at the nodes, up to a factor; its shape gives
/// the numbers of nodes, `lower` and `upper` the box. A picture's first axis is its rows, from top to bottom.
/// Blocking, O(nodes). Throws InvalidArgument on another rank, a wrong number of bounds, a value that is
/// negative or not finite (naming its index), or when all are zero.
GridMeasure grid_measure(const Array& density, const std::vector<double>& lower,
                         const std::vector<double>& upper);

/// The same from a file: .npy, CSV, or a PGM picture by its first bytes. Throws what the readers throw;
/// messages begin with the path.
GridMeasure read_grid_measure(const std::filesystem::path& path, const std::vector<double>& lower,
                              const std::vector<double>& upper);

/// The density at the nodes, shape as the grid. Blocking.
Array density_array(const GridMeasure& measure);
/// Any values at the nodes of a grid, as an array of its shape. Blocking.
Array grid_array(const RegularGrid& grid, const ConstVector<double>& values);

}  // namespace fortet
