#pragma once
// The problems `fortet compare` solves. No Kokkos here.
#include <optional>
#include <string>
#include <vector>

#include "fortet/io/problem_file.hpp"

namespace fortet::program {

struct NamedProblem {
  std::string name, title, what;
  ProblemDescription description;
};

/// The problem of that file, or the embedded ones. Throws what read_problem() throws.
std::vector<NamedProblem> compare_problems(const std::optional<std::filesystem::path>& file);

}  // namespace fortet::program
