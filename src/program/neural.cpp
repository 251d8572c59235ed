#include "program/neural.hpp"

#include <algorithm>
#include <cmath>

#include "fortet/io/bridge.hpp"
#include "fortet/io/json.hpp"
#include "fortet/measure/datasets.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"
#include "program/input.hpp"
#include "program/interrupt.hpp"
#include "program/output.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {
namespace {

bool is_shape(const std::string& name) {
  const auto names = shape_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// A marginal by the name of a shape or of a file.
template <class Real>
Sampler<Real> marginal(const std::string& name) {
  if (is_shape(name)) return as_sampler<Real>(PlanarDataset(shape_from_name(name)));
  if (!std::filesystem::exists(name)) {
    std::string all = "neither a file nor one of";
    for (const auto shape : shape_names()) all.append(1, ' ').append(shape);
    throw InvalidArgument("'" + name + "' is " + all);
  }
  return impl::training_sampler<Real, DefaultMemory>(PointCloud<Real>(read_points<Real>(name)));
}

/// Independent normal coordinates with the means and variances of the data.
template <class Real>
Gaussian normal_like(const DefaultExec& exec, const Sampler<Real>& data) {
  const std::size_t n = 20000, d = static_cast<std::size_t>(data.dimension());
  Points<Real> draws("fortet::program::draws", n, d);
  data.sample(exec, {.seed = 0x6e6f726d}, draws);
  exec.fence("fortet::program::draws");
  const auto x = to_host(draws);
  std::vector<double> mean(d);
  Matrix covariance(d, d);
  for (std::size_t i = 0; i < x.size(); ++i) mean[i % d] += x[i] / static_cast<double>(n);
  for (std::size_t i = 0; i < x.size(); ++i)
    covariance(i % d, i % d) += (x[i] - mean[i % d]) * (x[i] - mean[i % d]) / static_cast<double>(n);
  return {std::move(mean), std::move(covariance)};
}

template <class Real>
Problem<Sampler<Real>, Sampler<Real>, Brownian> read_problem(const DefaultExec& exec,
                                                             const NeuralArguments& a) {
  const Brownian reference = a.epsilon.reference();
  auto source = marginal<Real>(a.data);
  auto target = a.target == "normal" ? as_sampler<Real>(normal_like(exec, source)) : marginal<Real>(a.target);
  return {std::move(source), std::move(target), reference};
}

NeuralOptions options_of(const NeuralArguments& a, const Observer& observer) {
  NeuralOptions options{.iterations = a.iterations, .tolerance = a.tolerance};
  options.schedule.steps = a.steps;
  options.training = {.steps = a.training_steps,
                      .growth = a.growth,
                      .batch = a.batch,
                      .particles = a.particles,
                      .refresh = a.refresh,
                      .adam = {.learning_rate = a.rate}};
  if (!a.constant_rate) options.training.adam.schedule = LearningRate::cosine;
  if (!a.hidden.empty()) options.network = plain_network(a.hidden);
  options.seed = a.seed;
  options.observer = observer;
  options.checkpoint = a.checkpoint.value_or("");
  options.resume = a.resume;
  return options;
}

template <class Real>
void write_results(const DefaultExec& exec, const NeuralArguments& a, const NeuralBridge<Real>& bridge,
                   const Report& report) {
  const auto& folder = *a.output;
  std::error_code not_there;
  for (const char* name : {"report.json", "bridge.state", "samples.npy", "generated.npy", "paths.npy"})
    std::filesystem::remove(folder / name, not_there);
  write_bridge(folder / "bridge.state", bridge);
  const auto d = static_cast<std::size_t>(bridge.source_dimension());
  const RandomKey key = RandomKey{.seed = a.seed}.child(1);
  if (a.samples > 0) {
    const Points<Real> x0("fortet::program::x0", a.samples, d), x1("fortet::program::x1", a.samples, d);
    bridge.sample(exec, key.child(0), x0, x1);
    write_npy(folder / "samples.npy", stacked({to_array(x0), to_array(x1)}));
    bridge.target().sample(exec, key.child(1), x1);
    bridge.sample_backward(exec, key.child(2), x1, x0);
    write_npy(folder / "generated.npy", stacked({to_array(x0), to_array(x1)}));
  }
  if (a.paths > 0) {
    const auto& times = bridge.grid();
    const Points<Real> start("fortet::program::start", a.paths, d);
    const Paths<Real> paths("fortet::program::paths", a.paths, d, times.size());
    bridge.source().sample(exec, key.child(3), start);
    bridge.sample_paths(exec, key.child(4), times, start, paths);
    std::vector<Array> slices;
    for (std::size_t k = 0; k < times.size(); ++k)
      slices.push_back(to_array(Points<Real>(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k))));
    write_npy(folder / "paths.npy", stacked(slices));
  }
  write_json(folder / "report.json", report);
}

template <class Real, class MakeSolver>
int train(const NeuralArguments& a, const MakeSolver& make_solver) {
  if (a.paths > 0 && !a.output) throw InvalidArgument("--paths writes a file: give --output too");
  if (a.resume && !a.checkpoint) throw InvalidArgument("--resume needs --checkpoint, the file to go on from");
  const DefaultExec exec;
  const auto problem = reading([&] { return read_problem<Real>(exec, a); });
  if (a.output) prepare_output(*a.output);
  catch_interrupts();
  ProgressBar progress(a.quiet);
  const auto solver = make_solver(options_of(a, progress.observer()));
  const auto [bridge, report] = solver.solve(exec, problem);
  progress.wipe();
  if (a.output) write_results(exec, a, bridge, report);
  if (!a.quiet) std::cout << report;
  return exit_code_of(report);
}

template <class MakeFloat, class MakeDouble>
int train_in(const NeuralArguments& a, const MakeFloat& make_float, const MakeDouble& make_double) {
  return a.precision == "float" ? train<float>(a, make_float) : train<double>(a, make_double);
}

}  // namespace

int run_dsb(const DsbArguments& a) {
  const auto options = [&a](NeuralOptions common) {
    if (a.triangular) common.schedule.kind = StepSchedule::Kind::triangular;
    return DsbOptions{std::move(common), Regression::network,
                      a.matching == "mean" ? Matching::mean : Matching::drift};
  };
  return train_in(
      a, [&](NeuralOptions common) { return Dsb<float>(options(std::move(common))); },
      [&](NeuralOptions common) { return Dsb<double>(options(std::move(common))); });
}

int run_dsbm(const DsbmArguments& a) {
  const auto options = [&a](NeuralOptions common) {
    const FirstCoupling first = a.first == "reference"  ? FirstCoupling::reference
                                : a.first == "entropic" ? FirstCoupling::entropic
                                                        : FirstCoupling::independent;
    return DsbmOptions{std::move(common), first, a.joint ? Directions::joint : Directions::alternate};
  };
  return train_in(
      a, [&](NeuralOptions common) { return Dsbm<float>(options(std::move(common))); },
      [&](NeuralOptions common) { return Dsbm<double>(options(std::move(common))); });
}

}  // namespace fortet::program
