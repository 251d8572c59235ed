#include "program/compare.hpp"

#include <iostream>

#include "fortet/coupling/independent_coupling.hpp"
#include "fortet/io/atomic_file.hpp"
#include "fortet/io/points.hpp"
#include "fortet/io/problem_file.hpp"
#include "program/compare_problems.hpp"
#include "program/compare_samples.hpp"
#include "program/compare_solvers.hpp"
#include "program/input.hpp"

namespace fortet::program {

Sampler<double> sampler(const ComparedMeasure& measure) {
  return {dimension(measure), [measure](const DefaultExec& exec, RandomKey key, Points<double> out) {
            std::visit([&](const auto& m) { m.sample(exec, key, out); }, measure);
          }};
}

namespace {

using Memory = DefaultMemory;
constexpr std::size_t path_points = 61;

Solved solve(const std::string& name, Setting setting) {
  const std::string size = std::to_string(setting.atoms);
  if (name == "gaussian") return solve_in_closed_form(setting);
  if (name == "grid") return solve_on_grid(setting);
  if (name == "dsb" || name == "dsbm") return solve_by_network(setting, name);
  if (name == "sinkhorn")
    return solve_by_sinkhorn<double>(setting, name, "Sinkhorn between the atoms, lifted to a bridge");
  if (name == "sinkhorn-float")
    return solve_by_sinkhorn<float>(setting, name, "the same in single precision");
  if (name == "sinkhorn-fresh") {
    setting.key = setting.key.child(2);
    setting.atoms *= 3;
    return solve_by_sinkhorn<double>(setting, name, "Sinkhorn on three times as many fresh atoms");
  }
  return solved(setting.exec, "independent", "no coupling at all: the baseline",
                IndependentCoupling(sampler(setting.source), sampler(setting.target)));
}

std::vector<std::string> solvers_for(const Setting& setting) {
  const bool gaussian =
      std::holds_alternative<Gaussian>(setting.source) && std::holds_alternative<Gaussian>(setting.target);
  const bool fixed = std::holds_alternative<PointCloud<double>>(setting.source) ||
                     std::holds_alternative<PointCloud<double>>(setting.target);
  if (fixed) return {"independent", "sinkhorn"};
  std::vector<std::string> names{"independent", "sinkhorn", "dsb", "dsbm"};
  if (has_grid(setting)) names.push_back("grid");
  if (gaussian)
    names.push_back("gaussian");
  else if (!has_grid(setting))
    names.push_back("sinkhorn-fresh");
  return names;
}

std::vector<double> even_times(double horizon, std::size_t count) {
  std::vector<double> times(count);
  for (std::size_t k = 0; k < count; ++k)
    times[k] = horizon * static_cast<double>(k) / static_cast<double>(count - 1);
  return times;
}

Comparison measure(const Setting& setting, const Solved& first, const Solved& truth,
                   const CompareOptions& options) {
  Comparison comparison = impl::compare_sides<Memory>(setting.exec, first.side, truth.side, options);
  comparison.first = first.name;
  comparison.second = truth.name;
  return comparison;
}

/// Sinkhorn against the truth at growing numbers of atoms.
std::vector<SizeResult> sizes(Setting setting, const Solved& truth, const CompareOptions& options) {
  CompareOptions light = options;
  light.pairs = std::min<std::size_t>(options.pairs, 4000);
  light.pairwise_points = 500;
  light.transport_points = 0;
  light.conditional_samples = 500;
  light.times = 0;
  std::vector<SizeResult> results;
  for (std::size_t n = setting.atoms / 8; n <= setting.atoms; n *= 2) {
    if (n < 16) continue;
    Setting smaller = setting;
    smaller.atoms = n;
    const Solved solver = solve("sinkhorn", smaller);
    results.push_back({n, solver.seconds, measure(setting, solver, truth, light)});
  }
  return results;
}

void print_reports(const std::vector<Solved>& solvers) {
  for (const Solved& solver : solvers)
    if (solver.report) {
      const Report& r = *solver.report;
      std::cout << "  " << solver.name << ": " << to_string(r.status) << ", ";
      if (r.n > 0) std::cout << r.n << " x " << r.m << " atoms, ";
      std::cout << r.iterations << " iterations, " << r.seconds << " s, marginal error " << r.marginal_error
                << '\n';
    }
}

ProblemResult compare_on(const NamedProblem& problem, const CompareArguments& arguments, bool& converged) {
  Setting setting = compare_setting(problem.description);
  setting.atoms = arguments.atoms;
  setting.training = arguments.training;
  setting.key = {.seed = arguments.seed};
  setting.quiet = arguments.quiet;
  detail::require(dimension(setting.source) == dimension(setting.target), "fortet compare",
                  "dimension of the target", dimension(setting.target),
                  "expected the source's dimension " + std::to_string(dimension(setting.source)));
  const auto names = arguments.solvers.empty() ? solvers_for(setting) : arguments.solvers;
  detail::require(names.size() >= 2, "fortet compare", "number of --solver options", names.size(),
                  "expected two or more; the last is the truth");
  ProblemResult result{.name = problem.name, .title = problem.title, .what = problem.what};
  result.dimension = dimension(setting.source);
  std::visit(
      [&](const auto& reference) {
        result.epsilon = reference.epsilon();
        result.sigma = reference.sigma;
        result.horizon = reference.horizon;
      },
      setting.reference);
  result.path_times = even_times(result.horizon, path_points);
  result.marginal_times = even_times(result.horizon, 5);

  std::vector<Solved> solvers;
  for (const std::string& name : names) solvers.push_back(solve(name, setting));
  if (!arguments.quiet) std::cout << problem.title << '\n';
  for (const Solved& solver : solvers) converged = converged && solver.good;
  if (!arguments.quiet) print_reports(solvers);
  const CompareOptions options{.pairs = arguments.pairs,
                               .seed = arguments.seed,
                               .conditional_points = 32,
                               .conditional_samples = 500,
                               .times = 5};
  const Solved& truth = solvers.back();
  for (std::size_t k = 0; k + 1 < solvers.size(); ++k) {
    result.comparisons.push_back(measure(setting, solvers[k], truth, options));
    if (!arguments.quiet) std::cout << result.comparisons.back() << '\n' << std::flush;
  }
  if (!arguments.report) return result;
  for (std::size_t k = 0; k < solvers.size(); ++k)
    result.solvers.push_back(plotted_samples(solvers[k], result, setting.key.child(10 + k)));
  if (truth.name == "gaussian" || truth.name == "grid") result.sizes = sizes(setting, truth, options);
  return result;
}

}  // namespace

int run_compare(const CompareArguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  bool converged = true;
  CompareResult result{.problems = {}, .pairs = arguments.pairs, .seed = arguments.seed};
  for (const NamedProblem& problem : compare_problems(arguments.problem))
    result.problems.push_back(compare_on(problem, arguments, converged));
  result.seconds = seconds_since(begin);
  if (arguments.json) write_text(*arguments.json, to_json(result));
  if (arguments.report) {
    const auto page = write_report(*arguments.report, result);
    if (!arguments.quiet) std::cout << page.string() << '\n';
  }
  return converged ? exit_code::converged : exit_code::not_converged;
}

}  // namespace fortet::program
