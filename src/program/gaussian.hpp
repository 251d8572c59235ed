#pragma once
#include "fortet/coupling/gaussian_forms.hpp"
#include "program/arguments.hpp"

namespace fortet::program {

struct GaussianArguments : CommonArguments {
  std::filesystem::path problem;
  std::vector<double> times;  ///< as fractions of the horizon
  std::optional<std::filesystem::path> output;
};

/// Prints or writes the closed forms of a Gaussian problem.
int run_gaussian(const GaussianArguments& arguments);

/// A table for people; matrices of more than 8 rows are left to the file.
std::string gaussian_table(const GaussianPlan& plan, const std::vector<GaussianSlice>& slices);
/// Everything, as in docs/files.md.
std::string gaussian_json(const GaussianPlan& plan, const std::vector<GaussianSlice>& slices);

}  // namespace fortet::program
