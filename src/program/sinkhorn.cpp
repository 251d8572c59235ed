#include "program/sinkhorn.hpp"

#include "fortet/io/coupling.hpp"
#include "fortet/io/json.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "program/input.hpp"
#include "program/interrupt.hpp"
#include "program/output.hpp"
#include "program/pairs.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {
namespace {

// Row by row: the plan need not fit in memory.
template <class C>
void write_plan(const DefaultExec& exec, const std::filesystem::path& path, const C& coupling) {
  const std::size_t n = coupling.source().size(), m = coupling.target().size();
  const std::size_t block = std::max<std::size_t>(1, (std::size_t{1} << 23) / m);
  NpyWriter<double> writer(path, {n, m});
  for (std::size_t first = 0; first < n; first += block) {
    const auto rows = coupling.plan_rows(exec, first, std::min(block, n - first));
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, rows);
    writer.append({host.data(), host.size()});
  }
  writer.finish();
}

// report.json comes last: where it is, the rest is complete. Files of an earlier run go first.
template <class C>
void write_results(const DefaultExec& exec, const SinkhornArguments& a, const C& coupling,
                   const Report& report) {
  const std::filesystem::path& folder = *a.output;
  std::error_code not_there;
  for (const char* name : {"report.json", "plan.npy", "map.npy", "samples.npy"})
    std::filesystem::remove(folder / name, not_there);
  write_coupling(folder, coupling);
  if (a.plan) write_plan(exec, folder / "plan.npy", coupling);
  if (a.map) write_npy(folder / "map.npy", coupling.barycentric_map(exec));
  if (a.samples) write_npy(folder / "samples.npy", sample_pairs(exec, coupling, a.samples, a.seed));
  write_json(folder / "report.json", report);
}

template <class Real>
Problem<PointCloud<Real>, PointCloud<Real>, Brownian> read_problem(const SinkhornArguments& a) {
  const Brownian reference = a.epsilon.reference();
  const Array source = read_array(a.source), target = read_array(a.target);
  const auto x = to_points<Real>(source, a.source), y = to_points<Real>(target, a.target);
  if (std::is_same_v<Real, float>) require_float_suffices(source, target, reference.epsilon());
  return {with_weights(x, a.source_weights), with_weights(y, a.target_weights), reference};
}

template <class Real>
int solve(const SinkhornArguments& a) {
  if ((a.plan || a.map || a.samples) && !a.output)
    throw InvalidArgument("--plan, --map and --samples write files: give --output too");
  const DefaultExec exec;
  const auto problem = reading([&] { return read_problem<Real>(a); });
  if (a.output) prepare_output(*a.output);
  if (a.plan) require_disk_space(*a.output, problem.source.size(), problem.target.size());

  catch_interrupts();
  ProgressBar progress(a.quiet);
  const Sinkhorn<Real> solver({.tolerance = a.tolerance,
                               .max_iterations = a.max_iterations,
                               .certify = a.certify,
                               .observer = progress.observer()});
  const auto [coupling, report] = solver.solve(exec, problem);
  progress.wipe();
  if (a.output) write_results(exec, a, coupling, report);
  if (!a.quiet) std::cout << report;
  return exit_code_of(report);
}

}  // namespace

int run_sinkhorn(const SinkhornArguments& arguments) {
  return arguments.precision == "float" ? solve<float>(arguments) : solve<double>(arguments);
}

}  // namespace fortet::program
