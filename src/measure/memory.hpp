#pragma once
// What a computation may take of this machine's memory; host only, no Kokkos.

namespace fortet::detail {

/// Physical memory in bytes.
double machine_memory();
/// Throws InvalidArgument when `bytes` are more than the machine has, with both numbers.
void require_memory(const char* function, double bytes);

}  // namespace fortet::detail
