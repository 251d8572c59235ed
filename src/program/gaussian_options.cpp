#include "program/command.hpp"
#include "program/gaussian.hpp"

namespace fortet::program {

void add_gaussian(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "gaussian", "Closed forms of a bridge between two Gaussians",
                  "  fortet gaussian --problem P.json\n"
                  "  fortet gaussian --problem P.json --times 0.25 0.5 --output forms.json",
                  run_gaussian);
  GaussianArguments& a = *command.arguments;
  a.times = {0, 0.25, 0.5, 0.75, 1};
  command->add_option("--problem", a.problem, "JSON: source, target, reference")
      ->required()
      ->type_name("FILE");
  command->add_option("--times", a.times, "Fractions of the horizon (default 0 .25 .5 .75 1)")
      ->check(silent(CLI::Range(0.0, 1.0)))
      ->type_name("T");
  command->add_option("--output", a.output, "Write all of it as JSON instead")->type_name("FILE");
}

}  // namespace fortet::program
