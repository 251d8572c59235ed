#include "measure/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "fortet/error.hpp"

namespace fortet::detail {

double machine_memory() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
}

void require_memory(const char* function, double bytes) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  const double machine = machine_memory();
  require(bytes <= 0.9 * machine, function, "memory estimate in GiB", bytes / gib,
          "the machine has " + std::to_string(machine / gib) + "; take a coarser grid or fewer steps");
}

void prefer_large_pages([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t page = 1 << 21;
  const auto from = reinterpret_cast<std::uintptr_t>(begin), first = (from + page - 1) / page * page,
             last = (from + bytes) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace fortet::detail
