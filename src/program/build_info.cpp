#include <fstream>

#include "kernel/pack.hpp"
#include "program/info.hpp"

namespace fortet::program {

BuildInfo build_info() {
  BuildInfo out;
  out.version = FORTET_VERSION;
#if defined(__clang__)
  out.compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
  out.compiler = "g++ " __VERSION__;
#endif
  out.vector_bytes = kernel::vector_bytes;
#if defined(FORTET_HAVE_LEMON)
  out.lemon = true;
#endif
#if defined(FORTET_HAVE_CUFFT)
  out.cufft = true;
#endif
#if defined(FORTET_HAVE_FFTW)
  out.fftw = true;
#endif
  return out;
}

Memory main_memory() {
  Memory out;
  std::ifstream in("/proc/meminfo");  // lines such as "MemTotal:  16384 kB"
  std::string name, unit;
  double kilobytes = 0;
  while (in >> name >> kilobytes && std::getline(in, unit)) {
    if (name == "MemTotal:") out.total = kilobytes * 1024;
    if (name == "MemAvailable:") out.available = kilobytes * 1024;
  }
  return out;
}

}  // namespace fortet::program
