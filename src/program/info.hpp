#pragma once
#include "program/arguments.hpp"

namespace fortet::program {

struct InfoArguments : CommonArguments {};

/// Prints what this build is and what it runs on.
int run_info(const InfoArguments& arguments);

/// The part of it that is fixed by the host compiler.
struct BuildInfo {
  std::string version, compiler;
  int vector_bytes = 0;  ///< of the packed host kernels
  bool lemon = false, fftw = false, cufft = false;
};
BuildInfo build_info();

/// Main memory in bytes, 0 where the system does not tell.
struct Memory {
  double available = 0, total = 0;
};
Memory main_memory();

}  // namespace fortet::program
