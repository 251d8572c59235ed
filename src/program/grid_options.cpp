#include "program/command.hpp"
#include "program/grid.hpp"

namespace fortet::program {

void add_grid(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "grid", "Bridge two densities on a grid, with any drift as reference",
                  "  fortet grid --source A.npy --target B.pgm --lower 0 0 --upper 1 1 \\\n"
                  "    --epsilon 0.01 --output result\n"
                  "writes result/report.json, the potentials, and the densities in between.",
                  run_grid);
  GridArguments& a = *command.arguments;
  command->add_option("--source", a.source, "Density at the nodes, .npy, CSV or PGM, 1-3 axes")
      ->required()
      ->type_name("FILE");
  command->add_option("--target", a.target, "The same for the other end")->required()->type_name("FILE");
  command->add_option("--lower", a.lower, "Lower end of the box, one for each axis")
      ->required()
      ->type_name("X");
  command->add_option("--upper", a.upper, "Upper end of the box")->required()->type_name("X");
  add_epsilon_options(*command.app, a.epsilon);
  command->add_option("--rate", a.rate, "Ornstein-Uhlenbeck reference: rate (with --sigma)")->type_name("R");
  command->add_option("--mean", a.mean, "Ornstein-Uhlenbeck: mean (default the origin)")->type_name("X");
  command->add_option("--drift", a.drift, "Any drift at the nodes: axes of the grid, then d")
      ->type_name("FILE");
  command->add_option("--killing", a.killing, "Killing rate at the nodes")->type_name("FILE");
  command->add_option("--boundary", a.boundary, "free, reflecting or periodic: one, or one per axis")
      ->check(silent(CLI::IsMember({"free", "reflecting", "periodic"})))
      ->type_name("B");
  command->add_option("--largest-loss", a.largest_loss, "Most mass outside a free box half-way (0.001)")
      ->type_name("X");
  command->add_option("--kernel", a.kernel, "automatic, dense, tilted, spectral or direct")
      ->check(silent(CLI::IsMember({"automatic", "dense", "tilted", "spectral", "direct"})))
      ->type_name("K");
  command->add_option("--stepper", a.stepper, "For a drift: automatic, euler or second-order")
      ->check(silent(CLI::IsMember({"automatic", "euler", "second-order"})))
      ->type_name("S");
  command->add_option("--steps", a.steps, "For a drift: time steps (default by tolerance)")->type_name("N");
  command->add_option("--precision", a.precision, "double or float (default double)")
      ->check(silent(CLI::IsMember({"double", "float"})))
      ->type_name("P");
  command->add_option("--tolerance", a.tolerance, "On the L1 marginal error (default 1e-9)")->type_name("X");
  command->add_option("--max-iterations", a.max_iterations, "Limit (default 100000)")->type_name("N");
  command->add_option("--output", a.output, "Folder for the results")->type_name("FOLDER");
  command->add_option("--slices", a.slices, "Intervals between the densities written (10)")
      ->check(silent(CLI::Range(1, 10000)))
      ->type_name("K");
}

}  // namespace fortet::program
