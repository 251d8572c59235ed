#include "program/info.hpp"

#include <Kokkos_Core.hpp>
#include <iomanip>
#include <iostream>
#include <sstream>

namespace fortet::program {
namespace {

void line(const std::string& name, const std::string& value) {
  std::cout << "  " << std::left << std::setw(14) << name << value << '\n';
}

std::string gibibytes(double bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << bytes / (1024.0 * 1024 * 1024) << " GiB";
  return out.str();
}

std::string kokkos_text() {
  const int v = KOKKOS_VERSION;
  std::ostringstream out;
  out << v / 10000 << '.' << v / 100 % 100 << '.' << v % 100 << ", device "
      << Kokkos::DefaultExecutionSpace::name() << ", host " << Kokkos::DefaultHostExecutionSpace::name();
  return out.str();
}

#if defined(KOKKOS_ENABLE_CUDA)
void device_lines() {
  const cudaDeviceProp& device = Kokkos::Cuda().cuda_device_prop();
  line("device", device.name);
  line("device memory", gibibytes(static_cast<double>(device.totalGlobalMem)));
}
#else
void device_lines() {}
#endif

std::string optional_part(bool there, const std::string& use) {
  return (there ? "yes (" : "no (") + use + ")";
}

}  // namespace

int run_info(const InfoArguments& arguments) {
  if (arguments.quiet) return exit_code::converged;
  const BuildInfo build = build_info();
  const Memory memory = main_memory();
  std::cout << "fortet " << build.version << '\n';
  line("compiler", build.compiler);
  line("Kokkos", kokkos_text());
  line("threads", std::to_string(Kokkos::DefaultHostExecutionSpace().concurrency()));
  line("precision", "double, float");
  line("vector width", std::to_string(build.vector_bytes / 8) + " doubles, " +
                           std::to_string(build.vector_bytes / 4) + " floats");
  line("LEMON", optional_part(build.lemon, "exact optimal transport"));
  line(build.cufft ? "cuFFT" : "FFTW", optional_part(build.cufft || build.fftw, "spectral grid solvers"));
  if (memory.total > 0) line("memory", gibibytes(memory.available) + " free of " + gibibytes(memory.total));
  device_lines();
  return exit_code::converged;
}

}  // namespace fortet::program
