#pragma once
#include "program/arguments.hpp"

namespace fortet::program {

/// What `fortet dsb` and `fortet dsbm` have in common.
struct NeuralArguments : CommonArguments {
  std::string data, target = "normal";  ///< a planar shape, a file of points, or (target) normal
  EpsilonArguments epsilon;
  std::string precision = "float";
  int iterations = 20, steps = 20, training_steps = 5000, batch = 512, particles = 10000, refresh = 1000;
  double rate = 1e-3, growth = 1, tolerance = 0.01;
  bool constant_rate = false;
  std::vector<int> hidden;  ///< none: the two-branch network
  std::optional<std::filesystem::path> output, checkpoint;
  bool resume = false;
  std::size_t samples = 10000, paths = 0;
  std::uint64_t seed = 0;
};

struct DsbArguments : NeuralArguments {
  std::string matching = "mean";
  bool triangular = false;
};

struct DsbmArguments : NeuralArguments {
  std::string first = "independent";
  bool joint = false;
};

/// Trains, and writes what was asked for.
int run_dsb(const DsbArguments& arguments);
int run_dsbm(const DsbmArguments& arguments);

}  // namespace fortet::program
