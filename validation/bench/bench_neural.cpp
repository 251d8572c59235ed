// Training and sampling of the networks beside what this machine's multiply-adds allow.
//   bench_neural [--quick] [NAME]       only what has NAME in its name
// A training step is loss, gradient, Adam and moving average of the network [x, 16 time features] -> W -> W
// -> 2 on a batch that is there already, as validation/bench/peers_neural.py times it for PyTorch and JAX.
// Figures are medians (and minima) of repetitions of 50 steps, all configurations interleaved.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "fortet/nn/adam.hpp"
#include "fortet/nn/mlp.hpp"
#include "yardstick.hpp"

namespace {

using namespace fortet;
using Clock = std::chrono::steady_clock;

constexpr int steps_timed = 50, chain_length = 20;
constexpr std::size_t sampled = 10000;

struct Timing {
  std::string name;
  double flops;  // of one run of `work`
  double runs;   // how many steps that is
  std::function<void()> work;
  std::vector<double> seconds = {};
};

template <class View>
void fill_normal(const View& view, std::uint64_t seed) {
  auto host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, view);
  for (std::size_t i = 0; i < host.size(); ++i)
    host.data()[i] = static_cast<float>(random_normal({.seed = seed}, i, 0));
  Kokkos::deep_copy(view, host);
}

/// Multiply-adds of one row through 18-W-W-2.
double weights(int width) { return 18.0 * width + 1.0 * width * width + 2.0 * width; }

Timing training(int width, int rows) {
  const Mlp<float> model(2, plain_network({width, width}));
  const Vector<float> start("fortet::bench::parameters", model.parameter_count());
  model.initialise({.seed = 1}, start);
  Adam<float> adam(start);
  const auto n = static_cast<std::size_t>(rows);
  const Batch<float> batch{Vector<float>("fortet::bench::times", n), Points<float>("fortet::bench::x", n, 2),
                           Points<float>("fortet::bench::target", n, 2),
                           Vector<float>("fortet::bench::weights", n)};
  fill_normal(batch.x, 2);
  fill_normal(batch.target, 3);
  Kokkos::deep_copy(batch.times, 0.5f);
  Kokkos::deep_copy(batch.weights, 1.0f);
  const Vector<float> gradient("fortet::bench::gradient", model.parameter_count());
  ModelScratch<float> scratch;
  // the first layer needs no cotangent of its input
  const double flops = 2.0 * rows * (3 * weights(width) - 18.0 * width);
  return {"train W=" + std::to_string(width) + " B=" + std::to_string(rows), flops * steps_timed, steps_timed,
          [=]() mutable {
            const DefaultExec exec;
            for (int step = 0; step < steps_timed; ++step) {
              model.loss_gradient(exec, adam.parameters, batch, gradient, scratch);
              adam.step(exec, {.learning_rate = 1e-4}, steps_timed, gradient);
            }
            exec.fence();
          }};
}

Timing sampling(int width) {
  const Mlp<float> model(2, plain_network({width, width}));
  const Vector<float> parameters("fortet::bench::parameters", model.parameter_count());
  model.initialise({.seed = 1}, parameters);
  const Points<float> x("fortet::bench::x", sampled, 2);
  std::vector<ChainStep> steps;
  for (int k = 0; k < chain_length; ++k) steps.push_back({k / 20.0, 0.05, 0.2236});
  return {"sample W=" + std::to_string(width) + " 10000x20", 2.0 * weights(width) * sampled * chain_length, 1,
          [=] {
            const DefaultExec exec;
            Kokkos::deep_copy(exec, x, 0.0f);
            model.walk(exec, parameters, steps, {.seed = 4}, x, {}, {});
            exec.fence();
          }};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const std::string wanted = argc > 1 + quick ? argv[1 + quick] : "";
  const int threads = DefaultExec().concurrency();
  std::vector<Timing> timings;
  for (const int width : {128, 256})
    for (const int rows : {128, 512, 4096}) timings.push_back(training(width, rows));
  for (const int width : {128, 256}) timings.push_back(sampling(width));
  std::erase_if(timings, [&](const Timing& timing) { return timing.name.find(wanted) == std::string::npos; });
  const bench::Yardstick before = bench::measure_yardstick(threads);
  const int repeats = quick ? 3 : 15;
  for (Timing& timing : timings) timing.work();
  for (int r = 0; r < repeats; ++r)
    for (Timing& timing : timings) {
      const auto start = Clock::now();
      timing.work();
      timing.seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
  const bench::Yardstick after = bench::measure_yardstick(threads);
  const double peak = 2 * std::max(before.fma_float, after.fma_float);
  std::printf("machine (%d threads): %.0f GFLOP/s of float multiply-adds before, %.0f after\n\n", threads,
              2 * before.fma_float / 1e9, 2 * after.fma_float / 1e9);
  std::printf("%-26s %12s %12s %12s %10s\n", "", "median us", "minimum us", "at peak us", "of peak");
  for (const Timing& timing : timings) {
    const double typical = median(timing.seconds);
    std::printf("%-26s %12.1f %12.1f %12.1f %8.0f %%\n", timing.name.c_str(), 1e6 * typical / timing.runs,
                1e6 * *std::min_element(timing.seconds.begin(), timing.seconds.end()) / timing.runs,
                1e6 * timing.flops / peak / timing.runs, 100 * timing.flops / peak / typical);
  }
  return 0;
}
