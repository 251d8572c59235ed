#pragma once
// How a subcommand is added. Host-only: includes CLI11.
#include <CLI/CLI.hpp>
#include <memory>

#include "program/arguments.hpp"

namespace fortet::program {

/// A check that does not lengthen the help.
inline CLI::Validator silent(CLI::Validator check) { return check.description(""); }

template <class Arguments>
struct Command {
  CLI::App* app;
  std::shared_ptr<Arguments> arguments;

  CLI::App* operator->() const { return app; }
};

/// Adds `fortet <name>`. When it is what the user asked for, `invocation` becomes run(arguments). `Arguments`
/// derives from CommonArguments; `example` is one command line, shown at the end of the help.
template <class Arguments>
Command<Arguments> add_command(CLI::App& app, Invocation& invocation, const std::string& name,
                               const std::string& description, const std::string& example,
                               int (*run)(const Arguments&)) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Example:\n" + example);
  command->add_option("--threads", arguments->threads, "Host threads (default: all)")
      ->check(silent(CLI::PositiveNumber))
      ->group("General")
      ->type_name("N");
  command->add_flag("-q,--quiet", arguments->quiet, "Print nothing but errors")->group("General");
  command->callback([&invocation, arguments, run] {
    invocation = {arguments->threads, [arguments, run] { return run(*arguments); }};
  });
  return {command, arguments};
}

/// --epsilon, --sigma and --horizon.
void add_epsilon_options(CLI::App& command, EpsilonArguments& arguments);

// One for each subcommand, in <name>_options.cpp.
void add_compare(CLI::App& app, Invocation& invocation);
void add_dsb(CLI::App& app, Invocation& invocation);
void add_dsbm(CLI::App& app, Invocation& invocation);
void add_gaussian(CLI::App& app, Invocation& invocation);
void add_grid(CLI::App& app, Invocation& invocation);
void add_info(CLI::App& app, Invocation& invocation);
void add_sample(CLI::App& app, Invocation& invocation);
void add_sinkhorn(CLI::App& app, Invocation& invocation);
void add_validate(CLI::App& app, Invocation& invocation);

}  // namespace fortet::program
