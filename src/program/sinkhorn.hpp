#pragma once
#include "program/arguments.hpp"

namespace fortet::program {

struct SinkhornArguments : CommonArguments {
  std::filesystem::path source, target;
  std::optional<std::filesystem::path> source_weights, target_weights;
  EpsilonArguments epsilon;
  std::string precision = "double";
  double tolerance = 1e-9;
  int max_iterations = 100000;
  bool certify = false;
  std::optional<std::filesystem::path> output;
  bool plan = false, map = false;
  std::size_t samples = 0;
  std::uint64_t seed = 0;
};

/// Solves and writes what was asked for.
int run_sinkhorn(const SinkhornArguments& arguments);

}  // namespace fortet::program
