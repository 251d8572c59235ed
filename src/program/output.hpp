#pragma once
// What several subcommands write.
#include <iostream>

#include "fortet/io/array.hpp"
#include "fortet/report.hpp"
#include "program/arguments.hpp"

namespace fortet::program {

/// Makes the folder of --output and sees to it, before the work starts, that it can be written to. Throws
/// InvalidArgument.
void prepare_output(const std::filesystem::path& folder);

/// Throws InvalidArgument when n x m doubles do not fit on the disk of `folder`.
void require_disk_space(const std::filesystem::path& folder, std::size_t n, std::size_t m);

/// k arrays of shape (n, d), one after the other along a new middle axis: (n, k, d).
Array stacked(const std::vector<Array>& arrays);

inline int exit_code_of(const Report& report) {
  return report.converged() ? exit_code::converged : exit_code::not_converged;
}

}  // namespace fortet::program
