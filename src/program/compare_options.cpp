#include "program/command.hpp"
#include "program/compare.hpp"

namespace fortet::program {

void add_compare(CLI::App& app, Invocation& invocation) {
  const auto command = add_command(
      app, invocation, "compare", "Solve one problem with several solvers and measure the distances.",
      "  fortet compare --problem p.json --solver sinkhorn --solver gaussian", run_compare);
  CompareArguments& arguments = *command.arguments;
  command->add_option("--problem", arguments.problem, "Problem file (default: two embedded problems)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--solver", arguments.solvers,
                   "Once for each solver; the last is the truth:\n"
                   "gaussian, grid, sinkhorn, sinkhorn-float,\n"
                   "sinkhorn-fresh, dsb, dsbm, independent")
      ->check(CLI::IsMember(
          {"gaussian", "grid", "sinkhorn", "sinkhorn-float", "sinkhorn-fresh", "dsb", "dsbm", "independent"}))
      ->option_text("NAME ...");
  command->add_option("--atoms", arguments.atoms, "Atoms drawn from each side for Sinkhorn")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--training", arguments.training, "Gradient steps a round of dsb and dsbm")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--pairs", arguments.pairs, "Pairs drawn from each solver")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", arguments.seed, "Seed of every random number")
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--report", arguments.report, "Write report.json and index.html here")
      ->type_name("DIR");
  command->add_option("--json", arguments.json, "Write the figures as JSON")->type_name("FILE");
}

}  // namespace fortet::program
