#pragma once
// A network as a list of dense layers over one tape of features. The tape is an array of feature rows (a
// feature of all points of a batch is contiguous); branches that meet write into neighbouring rows, so
// joining them costs nothing. Kokkos-free: the packed tiles and the portable kernels both follow it.
#include <cstddef>
#include <vector>

#include "fortet/nn/architecture.hpp"

namespace fortet::nn {

/// out = act(weight in + bias) (+ in): weight is out x in, row-major, at `weight` in the parameter buffer.
struct Layer {
  int in = 0, out = 0;
  int from = 0, to = 0;  ///< first tape row read, first tape row written
  std::size_t weight = 0, bias = 0;
  bool activated = false;
  bool residual = false;
  int input_gradient_rows = 0;  ///< how many of the rows read need a cotangent when only x's is wanted
  bool reads_input = false;     ///< nothing before it has parameters
};

struct Plan {
  int dimension = 0;
  Architecture architecture;
  std::vector<Layer> layers;
  std::vector<double> frequencies;  ///< of the time embedding, per unit of tau
  int space_row = 0, time_row = 0, output_row = 0, rows = 0;
  int first_time_layer = 0, joint = 0;    ///< layers [first_time_layer, joint) see time alone; `joint` sees
  int joined_space = 0, joined_time = 0;  ///< rows [0, joined_space) of x and the joined_time after them
  std::size_t parameters = 0;
  int widest = 0;  ///< largest `in`
};

Plan make_plan(int dimension, const Architecture& architecture);

}  // namespace fortet::nn
