#include "measure/memory.hpp"

#include <unistd.h>

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

}  // namespace fortet::detail
