#pragma once
#include <cstdint>

#include "program/arguments.hpp"

namespace fortet::program {

struct ValidateArguments : CommonArguments {
  std::string suite = "quick";
  std::string filter;              ///< regular expression that a case's name must contain
  std::string precision = "both";  ///< double, float
  std::uint64_t seed = 1;
  bool list = false;
  std::optional<std::filesystem::path> report;   ///< folder of report.json, junit.xml and index.html
  std::optional<std::filesystem::path> against;  ///< an older report.json
};

/// Runs the cases of validation/suite, prints each, and writes what was asked for.
int run_validate(const ValidateArguments& arguments);

}  // namespace fortet::program
