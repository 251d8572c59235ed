#include "program/command_line.hpp"

#include "program/command.hpp"

namespace fortet::program {

void add_epsilon_options(CLI::App& command, EpsilonArguments& arguments) {
  command.add_option("--epsilon", arguments.epsilon, "Regularisation, in units of |x - y|^2 / 2")
      ->type_name("E");
  command.add_option("--sigma", arguments.sigma, "Noise: epsilon = sigma^2 horizon")->type_name("S");
  command.add_option("--horizon", arguments.horizon, "Time horizon (default 1)")->type_name("T");
}

std::variant<Invocation, int> parse_command_line(int argc, char** argv) {
  CLI::App app("Optimal transport and Schroedinger bridges.", "fortet");
  app.set_version_flag("--version", FORTET_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  app.footer(
      "fortet <subcommand> --help tells more. Exit codes: 0 converged, 1 internal error,\n"
      "2 bad input, 3 not converged.");
  Invocation invocation;
  for (const auto add : {add_info, add_gaussian, add_sinkhorn, add_grid, add_dsb, add_dsbm, add_compare,
                         add_sample, add_validate})
    add(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? exit_code::converged : exit_code::bad_input;
  }
  return invocation;
}

}  // namespace fortet::program
