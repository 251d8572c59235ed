#pragma once
#include <vector>

#include "program/arguments.hpp"

namespace fortet::program {

struct GridArguments : CommonArguments {
  std::filesystem::path source, target;
  std::vector<double> lower, upper;
  EpsilonArguments epsilon;
  std::optional<double> rate;
  std::vector<double> mean;
  std::optional<std::filesystem::path> drift, killing;
  std::vector<std::string> boundary;
  std::string kernel = "automatic", stepper = "automatic", precision = "double";
  int steps = 0;
  double tolerance = 1e-9;
  int max_iterations = 100000;
  std::optional<double> largest_loss;
  std::optional<std::filesystem::path> output;
  int slices = 10;
};

/// Solves and writes what was asked for.
int run_grid(const GridArguments& arguments);

}  // namespace fortet::program
