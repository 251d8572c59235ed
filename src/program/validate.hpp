#pragma once
#include <cstdint>
#include <vector>

#include "program/arguments.hpp"

namespace fortet::validation {
struct Case;
}

namespace fortet::program {

struct ValidateArguments : CommonArguments {
  std::string suite = "quick";
  std::string filter;              ///< regular expression that a case's name must contain
  std::string precision = "both";  ///< double, float
  std::uint64_t seed = 1;
  std::string backend = "any";  ///< where the cases are to run: openmp, cuda, ...
  bool list = false;
  std::string alone;  ///< run the case of this name in this process, and print it as JSON
  std::optional<std::filesystem::path> data;     ///< folder of data sets
  std::vector<std::filesystem::path> pairs;      ///< samples of X0 and X1 made by another program
  std::optional<std::filesystem::path> problem;  ///< what they are samples for
  double tolerance = 0;                          ///< percent
  std::optional<std::filesystem::path> report;   ///< folder of report.json, junit.xml and index.html
  std::optional<std::filesystem::path> against;  ///< an older report.json
};

/// The case that judges samples made by another program. Throws InvalidArgument where they cannot be read or
/// do not fit the problem.
validation::Case pairs_case(const ValidateArguments& arguments);

/// Runs the cases of validation/suite, prints each, and writes what was asked for.
int run_validate(const ValidateArguments& arguments);

}  // namespace fortet::program
