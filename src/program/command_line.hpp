#pragma once
#include <variant>

#include "program/arguments.hpp"

namespace fortet::program {

/// What the command line asks for, or the exit code when there is nothing to run (help, version, a mistake:
/// all said already).
std::variant<Invocation, int> parse_command_line(int argc, char** argv);

}  // namespace fortet::program
