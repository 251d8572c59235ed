#include "program/command.hpp"
#include "program/info.hpp"

namespace fortet::program {

void add_info(CLI::App& app, Invocation& invocation) {
  add_command(app, invocation, "info", "What this build is and what it runs on", "  fortet info", run_info);
}

}  // namespace fortet::program
