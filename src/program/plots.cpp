#include "program/plots.hpp"

#include <cstdlib>
#include <fstream>

#include "fortet/io/atomic_file.hpp"
#include "program/process.hpp"

namespace fortet::program {
namespace {

/// share/fortet beside the program, in the build tree as where it is installed.
std::filesystem::path share() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path() / FORTET_SHARE;
}

std::string python() {
  if (const char* chosen = std::getenv("FORTET_PYTHON")) return chosen;
  std::ifstream of_the_build(share() / "python");
  std::string line;
  return std::getline(of_the_build, line) ? line : "python3";
}

}  // namespace

std::string draw_plots(const std::string& script, const std::filesystem::path& folder) {
  const auto path = share() / "plots" / script;
  if (!std::filesystem::exists(path)) return "the plotting program " + path.string() + " is not there";
  const std::string interpreter = python();
  if (interpreter.empty()) return "FORTET_PYTHON is empty";
  const auto ended = run_process({interpreter, path.string(), folder.string()});
  if (!ended) return "there is no Python at " + interpreter + " (FORTET_PYTHON can name one)";
  write_text(folder / "plots.log", ended->output);
  if (ended->exit_code != 0)
    return "the plotting program failed, which needs matplotlib (FORTET_PYTHON can name a Python that has "
           "it); plots.log beside this page says how";
  return {};
}

}  // namespace fortet::program
