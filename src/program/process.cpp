#include "program/process.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "fortet/error.hpp"

extern char** environ;

namespace fortet::program {
namespace {

/// Everything up to the end of the pipe; a signal that is caught meanwhile does not end it.
std::string read_all(int file) {
  std::string out;
  std::array<char, 4096> block;
  for (ssize_t n; (n = read(file, block.data(), block.size())) != 0;) {
    if (n > 0)
      out.append(block.data(), static_cast<std::size_t>(n));
    else if (errno != EINTR)
      break;
  }
  return out;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::optional<Ended> run_process(std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe(ends) != 0) throw BackendError(std::string("no pipe to another program: ") + std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  for (const int end : ends) posix_spawn_file_actions_addclose(&actions, end);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Ended out;
  if (!failed) {
    out.output = read_all(ends[0]);
    const int status = wait_for(child);
    if (WIFSIGNALED(status)) {
      out.reason = std::string("ended by a signal: ") + strsignal(WTERMSIG(status));
    } else {
      out.exit_code = WEXITSTATUS(status);
      out.reason = "exit code " + std::to_string(*out.exit_code);
    }
  }
  close(ends[0]);
  return failed ? std::nullopt : std::optional(std::move(out));
}

}  // namespace fortet::program
