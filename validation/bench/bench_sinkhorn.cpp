// Throughput of the Sinkhorn kernels in kernel entries (pairs) per second, beside what this machine can do.
//   bench_sinkhorn [--quick]
// Every figure is a median of interleaved repetitions. Atoms are in space order where the solver puts them in
// it.
//   half       one marginal, max-free (ratios)
//   soft_min   one marginal with a running maximum
//   full       a full iteration with one exponential a pair (sweep, recomputed)
//   stored     a full iteration that reads each entry once (sweep, stored in 16, 32 and 64 bits), and its
//              share of the rate at which this many bytes can be read and summed
//   limit      d fused multiply-adds and one exponential a pair at the machine's measured rates, for half
//              and full
// Then the same from one thread to all, and from ten thousand atoms to a hundred thousand with the memory
// taken.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "fortet/impl/small_work.hpp"
#include "fortet/impl/stored_kernel.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/sampler.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "measure/memory.hpp"
#include "timing.hpp"
#include "yardstick.hpp"

namespace {

using namespace fortet;
using bench::median, bench::seconds_of;
using Kernel = std::shared_ptr<const impl::HalfBridgeKernel<DefaultExec>>;

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
const char* name_of() {
  return std::is_same_v<Real, float> ? "float" : "double";
}

/// A kernel between two normal clouds of n atoms and potentials near its fixed point.
template <class Real>
struct Problem {
  std::size_t n;
  DefaultExec exec;
  Kernel kernel;
  Vector<double> f{"fortet::bench::f", n}, g{"fortet::bench::g", n};
  Vector<double> rows{"fortet::bench::rows", n}, columns{"fortet::bench::columns", n};

  Problem(std::size_t atoms, int d) : n(atoms) {
    const auto x = draw<Real>(exec, normal_points(d), n, {.seed = 1}),
               y = draw<Real>(exec, normal_points(d), n, {.seed = 2});
    kernel = impl::make_kernel(exec, x, y, brownian_with_epsilon(0.3 * d));
    Vector<int> source, target;
    if (Kernel ordered = kernel->in_space_order(exec, source, target)) kernel = ordered;
    kernel->soft_min(exec, impl::Side::source, g, f);
  }

  double pairs() const { return static_cast<double>(n) * static_cast<double>(n); }
  double rate(const std::vector<double>& seconds) const { return pairs() / median(seconds) / 1e9; }
  Kernel stored(double tolerance) const {
    return impl::make_stored<DefaultExec>(exec, kernel, tolerance, f, g, true, nullptr);
  }
  double seconds_of_half(const DefaultExec& space) const {
    return seconds_of([&] {
      kernel->ratios(space, impl::Side::source, f, g, rows);
      space.fence();
    });
  }
  double seconds_of_sweep(const Kernel& by, const DefaultExec& space) const {
    return seconds_of([&] {
      by->sweep(space, f, g, 1.0, rows, columns);
      space.fence();
    });
  }
};

/// A buffer that is read once by all threads of the host.
struct Reading {
  static constexpr std::size_t run = 8192;
  Vector<double, Kokkos::HostSpace> values;

  explicit Reading(double bytes)
      : values(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::bench::values"),
               static_cast<std::size_t>(bytes / sizeof(double)) / run * run + run) {
    fortet::detail::prefer_large_pages(values.data(), values.extent(0) * sizeof(double));  // as entries have
    Kokkos::deep_copy(values, 0.0);
  }

  double seconds() const {
    const HostExec exec;
    return seconds_of([&] {
      double total = 0;
      Kokkos::parallel_reduce(
          "fortet::bench::read", Kokkos::RangePolicy<HostExec>(exec, 0, values.extent(0) / run),
          [&](const std::size_t r, double& sum) { sum += bench::sum_of(values.data() + r * run, run); },
          total);
      if (total != 0) std::abort();  // so that the sum is needed
    });
  }
};

template <class Real>
void bench_rates(const bench::Yardstick& machine, std::size_t n, int d, int repeats) {
  const Problem<Real> p(n, d);
  const bool is_float = std::is_same_v<Real, float>;
  const std::size_t widths = is_float ? 2 : 3;  // of entries: 2, 4 and 8 bytes
  const Kernel kept[] = {p.stored(1e-3), p.stored(1e-6), p.stored(1e-9)};
  const Reading bytes[] = {Reading(2 * p.pairs()), Reading(4 * p.pairs()),
                           Reading(is_float ? 0 : 8 * p.pairs())};
  std::vector<double> half, soft_min, full, stored[3], read[3];
  for (int r = 0; r < repeats; ++r) {
    half.push_back(p.seconds_of_half(p.exec));
    soft_min.push_back(seconds_of([&] {
      p.kernel->soft_min(p.exec, impl::Side::source, p.g, p.rows);
      p.exec.fence();
    }));
    full.push_back(p.seconds_of_sweep(p.kernel, p.exec));
    for (std::size_t k = 0; k < widths; ++k) {
      stored[k].push_back(p.seconds_of_sweep(kept[k], p.exec));
      read[k].push_back(bytes[k].seconds());
    }
  }
  const double limit = bench::limit_seconds(machine, p.pairs(), d, is_float);
  std::printf("%8zu %5d  %-6s %9.3f %9.3f %9.3f %9.3f %6.0f %%", n, d, name_of<Real>(), p.rate(half),
              p.rate(soft_min), p.rate(full), p.pairs() / limit / 1e9, 100 * limit / median(full));
  for (std::size_t k = 0; k < widths; ++k)
    std::printf(" %9.3f %5.0f %%", p.rate(stored[k]), 100 * median(read[k]) / median(stored[k]));
  std::printf("\n");
}

/// Recomputed, on one thread and on all.
template <class Real>
void bench_threads(std::size_t n, int d, int repeats) {
  const Problem<Real> p(n, d);
  const DefaultExec one = impl::space_for(p.exec, 0.0);
  std::vector<double> half[2], full[2];
  for (int r = 0; r < repeats; ++r)
    for (const int all : {0, 1}) {
      const DefaultExec& space = all ? p.exec : one;
      half[all].push_back(p.seconds_of_half(space));
      full[all].push_back(p.seconds_of_sweep(p.kernel, space));
    }
  std::printf("%8zu %5d  %-6s %9.3f %9.3f %8.2fx %9.3f %9.3f %8.2fx\n", n, d, name_of<Real>(),
              p.rate(half[0]), p.rate(half[1]), median(half[0]) / median(half[1]), p.rate(full[0]),
              p.rate(full[1]), median(full[0]) / median(full[1]));
}

/// Of this process, as far as the system tells.
double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Recomputed, at two sizes. Memory is that of clouds, kernel, potentials and sweeps.
template <class Real>
void bench_size(std::size_t small, std::size_t large, int d, int repeats) {
  const Problem<Real> few(small, d);
  few.seconds_of_sweep(few.kernel, few.exec);
  const double before = resident_bytes();
  const Problem<Real> many(large, d);
  std::vector<double> half[2], full[2];
  for (int r = 0; r < repeats; ++r)
    for (const Problem<Real>* p : {&few, &many}) {
      half[p == &many].push_back(p->seconds_of_half(p->exec));
      full[p == &many].push_back(p->seconds_of_sweep(p->kernel, p->exec));
    }
  std::printf("%8zu %5d  %-6s %9.3f %9.3f %8.2f  %9.3f %9.3f %8.2f  %9.0f\n", large, d, name_of<Real>(),
              few.rate(half[0]), many.rate(half[1]), many.rate(half[1]) / few.rate(half[0]),
              few.rate(full[0]), many.rate(full[1]), many.rate(full[1]) / few.rate(full[0]),
              (resident_bytes() - before) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  const int threads = DefaultExec().concurrency(), repeats = quick ? 3 : 9;
  const bench::Yardstick machine = bench::measure_yardstick(threads);
  std::printf("machine (%d threads): %.0f / %.0f Gfma/s float / double, %.1f / %.1f Gexp2/s\n\n", threads,
              machine.fma_float / 1e9, machine.fma_double / 1e9, machine.exp2_float / 1e9,
              machine.exp2_double / 1e9);
  std::printf("%8s %5s  %-6s %9s %9s %9s %9s %8s %9s %7s %9s %7s %9s %7s\n", "n = m", "d", "real", "half",
              "soft_min", "full", "limit", "full", "stored", "16 bits", "stored", "float", "stored",
              "double");
  std::printf("%8s %5s  %-6s %9s %9s %9s %9s %8s %9s %7s %9s %7s %9s %7s\n", "", "", "", "Gpair/s", "Gpair/s",
              "Gpair/s", "Gpair/s", "of limit", "Gpair/s", "of read", "Gpair/s", "of read", "Gpair/s",
              "of read");
  for (const std::size_t n : {std::size_t{1000}, std::size_t{10000}}) {
    if (quick && n > 1000) break;
    for (const int d : {1, 2, 3, 16, 64, 128}) {
      bench_rates<float>(machine, n, d, repeats);
      bench_rates<double>(machine, n, d, repeats);
    }
  }
  if (quick) return 0;
  std::printf("\n%8s %5s  %-6s %9s %9s %9s %9s %9s %9s   Gpair/s on one thread and on all\n", "n = m", "d",
              "real", "half", "half", "speed-up", "full", "full", "speed-up");
  for (const int d : {2, 3, 16, 64}) {
    bench_threads<float>(10000, d, 7);
    bench_threads<double>(10000, d, 7);
  }
  std::printf("\n%8s %5s  %-6s %9s %9s %8s  %9s %9s %8s  %9s   Gpair/s at n = 10000 and here\n", "n = m", "d",
              "real", "half", "half", "ratio", "full", "full", "ratio", "memory/MB");
  bench_size<float>(10000, 100000, 3, 3);
  bench_size<double>(10000, 100000, 3, 3);
  return 0;
}
