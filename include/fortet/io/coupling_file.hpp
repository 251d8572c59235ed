#pragma once
// The part of a saved coupling that is not an array. No Kokkos here.
#include "fortet/io/problem_file.hpp"

namespace fortet {

/// What coupling.json holds.
struct CouplingDescription {
  std::string precision;  ///< of the points: "double" or "float"
  ReferenceDescription reference;
};

/// Reads `folder`/coupling.json. Throws BackendError when there is none, InvalidArgument naming the key that
/// is wrong in it.
CouplingDescription read_coupling_description(const std::filesystem::path& folder);
void write_coupling_description(const std::filesystem::path& folder, const CouplingDescription& description);

}  // namespace fortet
