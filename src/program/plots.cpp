#include "program/plots.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

extern char** environ;

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
  std::string interpreter = python(), program = path.string(), target = folder.string();
  if (interpreter.empty()) return "FORTET_PYTHON is empty";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = (folder / "plots.log").string();
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  char* arguments[] = {interpreter.data(), program.data(), target.data(), nullptr};
  pid_t child = 0;
  const int failed = posix_spawnp(&child, interpreter.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return "there is no Python at " + interpreter + " (FORTET_PYTHON can name one)";
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0)
    return "the plotting program failed, which needs matplotlib (FORTET_PYTHON can name a Python that has "
           "it); plots.log beside this page says how";
  return {};
}

}  // namespace fortet::program
