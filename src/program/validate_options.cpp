#include "program/command.hpp"
#include "program/validate.hpp"

namespace fortet::program {

void add_validate(CLI::App& app, Invocation& invocation) {
  const auto command = add_command(app, invocation, "validate",
                                   "Solve problems whose answers are known, and score the solvers",
                                   "  fortet validate --suite quick --report validation-report\n"
                                   "Exit code 0 only when every case passes.",
                                   run_validate);
  ValidateArguments& a = *command.arguments;
  command->add_option("--suite", a.suite, "quick or full (default quick)")
      ->check(silent(CLI::IsMember({"quick", "full"})))
      ->type_name("NAME");
  command->add_option("--filter", a.filter, "Only cases whose name matches")->type_name("REGEX");
  command->add_option("--precision", a.precision, "double, float or both (default both)")
      ->check(silent(CLI::IsMember({"double", "float", "both"})))
      ->type_name("P");
  command->add_option("--backend", a.backend, "Refuse to run on another, e.g. openmp (default any)")
      ->type_name("NAME");
  command->add_option("--seed", a.seed, "Of every random number (default 1)")->type_name("N");
  command->add_flag("--list", a.list, "Name the cases and stop");
  command->add_option("--alone", a.alone)->group("");  // how it starts itself for each case
  auto* pairs =
      command->add_option("--pairs", a.pairs, "Judge pairs: X0 in A, X1 in B")->expected(2)->type_name("A B");
  auto* problem =
      command->add_option("--problem", a.problem, "What they solve: a problem file")->type_name("FILE");
  pairs->needs(problem);
  problem->needs(pairs);
  command->add_option("--tolerance", a.tolerance, "Percent that --pairs may be off (default 0)")
      ->needs(pairs)
      ->type_name("P");
  for (const char* other : {"--suite", "--filter", "--precision", "--list"})
    pairs->excludes(command->get_option(other));
  command->add_option("--data", a.data, "Folder of data sets (default $FORTET_DATA)")->type_name("DIR");
  command->add_option("--report", a.report, "Write report.json, junit.xml, index.html here")
      ->type_name("DIR");
  command->add_option("--against", a.against, "An older report.json: say what changed")->type_name("FILE");
}

}  // namespace fortet::program
