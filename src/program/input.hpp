#pragma once
// What several subcommands do with their input.
#include "fortet/io/array.hpp"

namespace fortet::program {

/// Calls `read`; a file that cannot be read is the user's mistake here, so it becomes an InvalidArgument.
template <class Read>
auto reading(Read read) {
  try {
    return read();
  } catch (const BackendError& error) {
    throw InvalidArgument(error.what());
  }
}

/// Throws InvalidArgument when rounding these points to float would move costs by more than a tenth of
/// epsilon, which changes the answer: points of small spread far from the origin, or a very small epsilon.
/// Points that are float already are left alone.
void require_float_suffices(const Array& source, const Array& target, double epsilon);

}  // namespace fortet::program
