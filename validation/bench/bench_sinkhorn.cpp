// Throughput of the Sinkhorn kernels in kernel entries (pairs) per second, beside what this machine can do.
//   bench_sinkhorn [--quick]
// Every figure is a median of interleaved repetitions.
//   half       one marginal, max-free (ratios)
//   soft_min   one marginal with a running maximum
//   full       a full iteration with one exponential a pair (sweep, recomputed)
//   stored     a full iteration that reads each entry once (sweep, stored in float; in double)
//   limit      d fused multiply-adds and one exponential a pair at the machine's measured rates, for half and
//              full; a difference form needs 2d + 1 operations for the d that are counted
//   read       the entries' bytes at the machine's measured read rate (beyond cache), for stored
#include <cstdio>
#include <cstring>
#include <vector>

#include "fortet/impl/stored_kernel.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/sampler.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "timing.hpp"
#include "yardstick.hpp"

namespace {

using namespace fortet;
using bench::median, bench::seconds_of;

Sampler<double> normal_points(int dimension) {
  return {dimension, [](const DefaultExec& exec, RandomKey key, Points<double> out) {
            Kokkos::parallel_for(
                "fortet::bench::normal_points", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
                KOKKOS_LAMBDA(const std::size_t i) {
                  for (std::size_t k = 0; k < out.extent(1); ++k)
                    out(i, k) = random_normal(key, i, static_cast<std::uint32_t>(k));
                });
          }};
}

template <class Real>
void bench_half_iteration(const bench::Yardstick& machine, std::size_t n, int d, int repeats) {
  const DefaultExec exec;
  const auto x = draw<Real>(exec, normal_points(d), n, {.seed = 1}),
             y = draw<Real>(exec, normal_points(d), n, {.seed = 2});
  const auto kernel = impl::make_kernel(exec, x, y, brownian_with_epsilon(0.3 * d));
  Vector<double> f("fortet::bench::f", n), g("fortet::bench::g", n), out("fortet::bench::out", n),
      columns("fortet::bench::columns", n);
  kernel->soft_min(exec, impl::Side::source, g, f);
  const auto stored = [&](double tolerance) {
    return impl::make_stored<DefaultExec>(exec, kernel, tolerance, f, g, true, nullptr);
  };
  const std::shared_ptr<const impl::HalfBridgeKernel<DefaultExec>> kernels[] = {kernel, stored(1e-6),
                                                                                stored(1e-9)};
  std::vector<double> halves, soft_mins, full[3];
  for (int r = 0; r < repeats; ++r) {
    halves.push_back(seconds_of([&] {
      kernel->ratios(exec, impl::Side::source, f, g, out);
      exec.fence();
    }));
    soft_mins.push_back(seconds_of([&] {
      kernel->soft_min(exec, impl::Side::source, g, out);
      exec.fence();
    }));
    for (int k = 0; k < 3; ++k)
      full[k].push_back(seconds_of([&] {
        kernels[k]->sweep(exec, f, g, 1.0, out, columns);
        exec.fence();
      }));
  }
  const bool is_float = std::is_same_v<Real, float>;
  const double pairs = static_cast<double>(n) * static_cast<double>(n);
  const double limit = bench::limit_seconds(machine, pairs, d, is_float);
  const auto rate = [pairs](const std::vector<double>& times) { return pairs / median(times) / 1e9; };
  std::printf("%8zu %5d  %-6s %9.3f %9.3f %9.3f %9.3f %6.0f %% %9.3f", n, d, is_float ? "float" : "double",
              rate(halves), rate(soft_mins), rate(full[0]), pairs / limit / 1e9,
              100 * limit / median(full[0]), rate(full[1]));
  if (is_float)
    std::printf(" %9s", "");
  else
    std::printf(" %9.3f", rate(full[2]));
  std::printf(" %9.3f\n", machine.read_bytes / 4e9);
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const int threads = DefaultExec().concurrency();
  const bench::Yardstick machine = bench::measure_yardstick(threads);
  std::printf(
      "machine (%d threads): %.0f / %.0f Gfma/s float / double, %.1f / %.1f Gexp2/s, %.1f GB/s read\n\n",
      threads, machine.fma_float / 1e9, machine.fma_double / 1e9, machine.exp2_float / 1e9,
      machine.exp2_double / 1e9, machine.read_bytes / 1e9);
  std::printf("%8s %5s  %-6s %9s %9s %9s %9s %8s %9s %9s %9s\n", "n = m", "d", "real", "half", "soft_min",
              "full", "limit", "full", "stored", "stored", "read");
  std::printf("%8s %5s  %-6s %9s %9s %9s %9s %8s %9s %9s %9s\n", "", "", "", "Gpair/s", "Gpair/s", "Gpair/s",
              "Gpair/s", "of limit", "float", "double", "float");
  const int repeats = quick ? 3 : 9;
  for (const std::size_t n : {std::size_t{1000}, std::size_t{10000}}) {
    if (quick && n > 1000) break;
    for (const int d : {1, 2, 3, 16, 64, 128}) {
      bench_half_iteration<float>(machine, n, d, repeats);
      bench_half_iteration<double>(machine, n, d, repeats);
    }
  }
  return 0;
}
