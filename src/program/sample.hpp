#pragma once
#include "program/arguments.hpp"

namespace fortet::program {

struct SampleArguments : CommonArguments {
  std::filesystem::path coupling;
  std::size_t number = 0;
  std::size_t steps = 0;  ///< 0: pairs; else paths at steps + 1 times
  std::uint64_t seed = 0;
  std::optional<std::filesystem::path> output;
};

/// Draws pairs or paths from a saved coupling.
int run_sample(const SampleArguments& arguments);

}  // namespace fortet::program
