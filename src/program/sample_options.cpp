#include "program/command.hpp"
#include "program/sample.hpp"

namespace fortet::program {

void add_sample(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "sample", "Draw pairs or paths from a saved coupling",
                  "  fortet sample --coupling result --number 1000 --output pairs.npy\n"
                  "  fortet sample --coupling result --number 5 --steps 10 --output paths.csv\n"
                  "Pairs have shape (N, 2, d), paths (N, K + 1, d); CSV holds a pair or a\n"
                  "point of a path a line.",
                  run_sample);
  SampleArguments& a = *command.arguments;
  command->add_option("--coupling", a.coupling, "Folder that `fortet sinkhorn --output` wrote")
      ->required()
      ->type_name("FOLDER");
  command->add_option("--number", a.number, "How many pairs or paths")
      ->required()
      ->check(silent(CLI::PositiveNumber))
      ->type_name("N");
  command->add_option("--steps", a.steps, "Paths at K + 1 equal times (default: pairs)")
      ->check(silent(CLI::PositiveNumber))
      ->type_name("K");
  command->add_option("--seed", a.seed, "Same seed, same draws (default 0)")->type_name("N");
  command->add_option("--output", a.output, "File, .npy or .csv (default: CSV to the terminal)")
      ->type_name("FILE");
}

}  // namespace fortet::program
