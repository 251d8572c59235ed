#pragma once
#include <cstdint>
#include <vector>

#include "program/arguments.hpp"

namespace fortet::program {

struct CompareArguments : CommonArguments {
  std::optional<std::filesystem::path> problem;  ///< none: the embedded problems
  std::vector<std::string> solvers;              ///< the last one counts as the truth; none: all that apply
  std::size_t atoms = 1000;                      ///< drawn from each side for solvers that need atoms
  std::size_t pairs = 10000;                     ///< drawn from each solver for the comparison
  int training = 1000;                           ///< gradient steps a round of the neural solvers
  std::uint64_t seed = 1;
  std::optional<std::filesystem::path> report;  ///< folder of report.json and index.html
  std::optional<std::filesystem::path> json;
};

/// Solves each problem with every solver, prints how far each is from the last, and writes what was asked
/// for.
int run_compare(const CompareArguments& arguments);

}  // namespace fortet::program
