#include "program/command.hpp"
#include "program/sinkhorn.hpp"

namespace fortet::program {

void add_sinkhorn(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "sinkhorn", "Couple two clouds of points by entropic optimal transport",
                  "  fortet sinkhorn --source X.npy --target Y.csv --epsilon 0.01 --output result\n"
                  "writes result/report.json, the potentials, and what `fortet sample` needs.",
                  run_sinkhorn);
  SinkhornArguments& a = *command.arguments;
  command->add_option("--source", a.source, "Points, .npy or CSV, n x d")->required()->type_name("FILE");
  command->add_option("--target", a.target, "Points, .npy or CSV, m x d")->required()->type_name("FILE");
  command->add_option("--source-weights", a.source_weights, "Weights (default: uniform)")->type_name("FILE");
  command->add_option("--target-weights", a.target_weights, "Weights (default: uniform)")->type_name("FILE");
  add_epsilon_options(*command.app, a.epsilon);
  command->add_option("--precision", a.precision, "double or float (default double)")
      ->check(silent(CLI::IsMember({"double", "float"})))
      ->type_name("P");
  command->add_option("--tolerance", a.tolerance, "On the L1 marginal error (default 1e-9)")->type_name("X");
  command->add_option("--max-iterations", a.max_iterations, "Limit (default 100000)")->type_name("N");
  command->add_flag("--certify", a.certify, "Bound the error: cost of a feasible plan, gap");
  command->add_option("--output", a.output, "Folder for the results")->type_name("FOLDER");
  command->add_flag("--plan", a.plan, "With --output: plan.npy, n x m");
  command->add_flag("--map", a.map, "With --output: map.npy, E[Y | X = x_i]");
  command->add_option("--samples", a.samples, "With --output: samples.npy, N x 2 x d")->type_name("N");
  command->add_option("--seed", a.seed, "Of the samples (default 0)")->type_name("N");
}

}  // namespace fortet::program
