#include "program/command.hpp"
#include "program/neural.hpp"

namespace fortet::program {
namespace {

void add_neural_options(CLI::App& command, NeuralArguments& a) {
  command
      .add_option("--data", a.data,
                  "What time 0 looks like: moons, s-curve,\nswiss-roll, 8gaussians, checkerboard, pinwheel,\n"
                  "circles, mixture, or a file of points")
      ->required()
      ->type_name("X");
  command
      .add_option(
          "--target", a.target,
          "And the horizon: likewise, or normal, with the\nmean and variances of the data (the default)")
      ->type_name("Y");
  add_epsilon_options(command, a.epsilon);
  command.add_option("--iterations", a.iterations, "Backward and forward rounds (default 20)")
      ->type_name("N");
  command.add_option("--tolerance", a.tolerance, "Stop when nothing moves more (default 0.01)")
      ->type_name("X");
  command.add_option("--steps", a.steps, "Of the chains (default 20)")->type_name("N");
  command.add_option("--training-steps", a.training_steps, "Gradient steps a round (default 5000)")
      ->type_name("N");
  command.add_option("--growth", a.growth, "Of these from one iteration to the next\n(default 1)")
      ->type_name("X");
  command.add_option("--batch", a.batch, "Rows of a gradient step (default 512)")->type_name("N");
  command.add_option("--particles", a.particles, "Simulated to draw batches from (default 10000)")
      ->type_name("N");
  command.add_option("--refresh", a.refresh, "Gradient steps between simulations (default 1000)")
      ->type_name("N");
  command.add_option("--rate", a.rate, "Learning rate, falling to 0 as a cosine\n(default 0.001)")
      ->type_name("X");
  command.add_flag("--constant-rate", a.constant_rate, "Keep the learning rate");
  command
      .add_option("--hidden", a.hidden,
                  "Widths, as 256,256 (default: a branch each for\nspace and time, then 128,128)")
      ->delimiter(',')
      ->type_name("W");
  command.add_option("--precision", a.precision, "float or double (default float)")
      ->check(silent(CLI::IsMember({"float", "double"})))
      ->type_name("P");
  command.add_option("--output", a.output, "Folder for the results")->type_name("FOLDER");
  command.add_option("--samples", a.samples, "With --output: pairs a direction (default 10000)")
      ->type_name("N");
  command.add_option("--paths", a.paths, "With --output: paths.npy, N x times x d")->type_name("N");
  command.add_option("--checkpoint", a.checkpoint, "File that keeps the state of the training")
      ->type_name("FILE");
  command.add_flag("--resume", a.resume, "Go on from the checkpoint if it exists");
  command.add_option("--seed", a.seed, "Of everything (default 0)")->type_name("N");
}

}  // namespace

void add_dsb(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "dsb", "Train a diffusion Schroedinger bridge between samples",
                  "  fortet dsb --data moons --sigma 2 --iterations 5 --output result\n"
                  "writes result/report.json, bridge.state, samples.npy (pairs by the forward\n"
                  "chain) and generated.npy (pairs by the backward chain).",
                  run_dsb);
  add_neural_options(*command.app, *command.arguments);
  command->add_option("--matching", command.arguments->matching, "mean (default) or drift: weight of a step")
      ->check(silent(CLI::IsMember({"mean", "drift"})))
      ->type_name("M");
  command->add_flag("--triangular", command.arguments->triangular, "Steps that grow towards the middle");
}

void add_dsbm(CLI::App& app, Invocation& invocation) {
  const auto command =
      add_command(app, invocation, "dsbm", "Train a Schroedinger bridge by matching of bridges",
                  "  fortet dsbm --data 8gaussians --target moons --sigma 1 --output result\n"
                  "writes what `fortet dsb` does.",
                  run_dsbm);
  add_neural_options(*command.app, *command.arguments);
  command
      ->add_option("--first", command.arguments->first,
                   "First coupling: reference (DSBM-IPF),\nindependent (DSBM-IMF, default) or entropic")
      ->check(silent(CLI::IsMember({"reference", "independent", "entropic"})))
      ->type_name("C");
  command->add_flag("--joint", command.arguments->joint, "Train both drifts at once");
}

}  // namespace fortet::program
