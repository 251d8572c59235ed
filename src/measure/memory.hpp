#pragma once
// What a computation may take of this machine's memory, and in what pages; host only, no Kokkos.
#include <cstddef>

namespace fortet::detail {

/// Physical memory in bytes.
double machine_memory();
/// Throws InvalidArgument when `bytes` are more than the machine has, with both numbers.
void require_memory(const char* function, double bytes);
/// Asks for pages of 2 MB for memory that nobody has written to yet, where the system gives them on request:
/// fewer faults, and arrays read from end to end come up to a tenth faster.
void prefer_large_pages(void* begin, std::size_t bytes);

}  // namespace fortet::detail
