#pragma once
// What the subcommands are given. Plain data: the files that fill it (CLI11) and the files that use it
// (Kokkos) have no other header in common, because nvcc does not compile CLI11.
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "fortet/reference/brownian.hpp"

namespace fortet::program {

/// What the process returns.
namespace exit_code {
inline constexpr int converged = 0, internal = 1, bad_input = 2, not_converged = 3;
}

/// Every subcommand has these.
struct CommonArguments {
  bool quiet = false;
  int threads = 0;  ///< 0: what Kokkos finds
};

/// Epsilon, either bare or as sigma^2 horizon.
struct EpsilonArguments {
  std::optional<double> epsilon, sigma, horizon;

  /// Throws InvalidArgument naming the option when none or both are given or one is not > 0.
  Brownian reference() const;
};

/// What the command line asks for: `run` returns the exit code and needs Kokkos.
struct Invocation {
  int threads = 0;
  std::function<int()> run;
};

}  // namespace fortet::program
