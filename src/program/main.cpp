// The fortet program. Everything it can do is in one file (and one for its options) per subcommand.
#include <Kokkos_Core.hpp>
#include <csignal>
#include <iostream>
#include <new>

#include "fortet/error.hpp"
#include "program/command_line.hpp"

namespace {
using namespace fortet::program;

int say(const char* what, int code) {
  std::cerr << "fortet: " << what << '\n';
  return code;
}

int run(const Invocation& invocation) {
  try {
    Kokkos::InitializationSettings settings;
    settings.set_disable_warnings(true);
    if (invocation.threads > 0) settings.set_num_threads(invocation.threads);
    const Kokkos::ScopeGuard kokkos(settings);
    const int code = invocation.run();
    std::cout.flush();
    if (!std::cout) throw fortet::BackendError("cannot write to standard output");
    return code;
  } catch (const fortet::InvalidArgument& error) {
    return say(error.what(), exit_code::bad_input);
  } catch (const std::bad_alloc&) {
    return say("out of memory", exit_code::internal);
  } catch (const std::exception& error) {
    return say(error.what(), exit_code::internal);
  }
}

}  // namespace

int main(int argc, char** argv) {
  // writing beyond a limit on the size of files is to be an error with a message, not the end
  std::signal(SIGXFSZ, SIG_IGN);
  const auto command_line = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&command_line)) return *code;
  return run(std::get<Invocation>(command_line));
}
