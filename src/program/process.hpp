#pragma once
// Other programs, and this one once more.
#include <optional>
#include <string>
#include <vector>

namespace fortet::program {

struct Ended {
  std::optional<int> exit_code;  ///< none: a signal ended it
  std::string reason;            ///< that signal, or the exit code, in words
  std::string output;            ///< what it wrote to standard output and standard error
};

/// Runs command[0], looked up as a shell does, and waits for its end. Nothing where it cannot be started.
std::optional<Ended> run_process(std::vector<std::string> command);

}  // namespace fortet::program
