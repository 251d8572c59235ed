// Grid kernels beside their limits: matrix products of the same size, a vectorised direct separable
// log-sum-exp, memory bandwidth.
//   bench_grid [--quick] [kernels] [solves] [drift]
// Every figure is a median of interleaved repetitions. A half-iteration takes logarithms of a density times
// exp(potential / epsilon) to the same after one application of the heat kernel, in double outside the tiles.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "fortet/solver/grid_ipf.hpp"
#include "grid/chain.hpp"
#include "grid/heat_kernel.hpp"
#include "grid_limits.hpp"
#include "timing.hpp"

namespace {

using namespace fortet;
using bench::median, bench::seconds_of;

GridMeasure blobs(const RegularGrid& grid, double phase) {
  return grid_measure(grid, [=](std::span<const double> x) {
    double sum = 0;
    for (int b = 0; b < 3; ++b) {
      double square = 0;
      for (std::size_t k = 0; k < x.size(); ++k) {
        const double centre = 0.5 + 0.25 * std::sin(phase + 2.1 * b + 1.7 * static_cast<double>(k));
        square += (x[k] - centre) * (x[k] - centre);
      }
      sum += std::exp(-square / (2 * 0.004));
    }
    return std::log(sum + 1e-6);
  });
}

std::vector<detail::HeatAxis> axes(const RegularGrid& grid, double epsilon) {
  std::vector<detail::HeatAxis> result;
  for (const GridAxis& axis : grid.axes()) {
    const grid::Nodes nodes{axis.node(0), axis.spacing(), axis.nodes};
    result.push_back({nodes, nodes, epsilon, Boundary::free});
  }
  return result;
}

/// What the kernel is given in a solve: the target's log masses and its potential after some iterations.
Vector<double> terms_of(const DefaultExec& exec, const RegularGrid& grid, double epsilon) {
  const auto target = blobs(grid, 1.0);
  const auto solution = GridIpf<float>({.tolerance = 1e-2, .max_iterations = 60})
                            .solve(exec, Problem{blobs(grid, 0.0), target, brownian_with_epsilon(epsilon)});
  const Vector<double> terms("fortet::bench::terms", grid.size());
  const auto g = solution.coupling.target_potential(), p = target.log_density();
  Kokkos::parallel_for(
      "fortet::bench::terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, terms.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { terms(i) = g(i) / epsilon + p(i); });
  exec.fence();
  return terms;
}

template <class Value>
Vector<Value, Kokkos::HostSpace> host_array(std::size_t n, Value value) {
  Vector<Value, Kokkos::HostSpace> array("fortet::bench::array", n);
  Kokkos::deep_copy(array, value);
  return array;
}

/// Of an n x n matrix with an n x m one, columns shared between the threads.
template <class Real>
class Product {
 public:
  Product(std::size_t n, std::size_t m)
      : n_(n),
        m_(m),
        a_(host_array<Real>(n * n, Real(0.5))),
        b_(host_array<Real>(n * m, Real(0.25))),
        c_(host_array<Real>(n * m, Real(0))) {}
  double seconds() const {
    return seconds_of([&] {
      const auto parts = static_cast<std::size_t>(HostExec().concurrency());
      Kokkos::parallel_for("fortet::bench::product", Kokkos::RangePolicy<HostExec>(0, parts),
                           [&](const std::size_t p) {
                             bench::multiply_columns(a_.data(), b_.data(), c_.data(), n_, m_ * p / parts,
                                                     m_ * (p + 1) / parts);
                           });
    });
  }

 private:
  std::size_t n_, m_;
  Vector<Real, Kokkos::HostSpace> a_, b_, c_;
};

/// Memory traffic in bytes per second: a[i] = b[i] + c a[i], three streams.
double stream_rate() {
  const std::size_t n = std::size_t{1} << 24;
  const auto a = host_array(n, 1.0), b = host_array(n, 2.0);
  std::vector<double> seconds;
  for (int r = 0; r < 7; ++r)
    seconds.push_back(seconds_of([&] {
      Kokkos::parallel_for(
          "fortet::bench::stream", Kokkos::RangePolicy<HostExec>(0, n),
          KOKKOS_LAMBDA(const std::size_t i) { a(i) = b(i) + 0.5 * a(i); });
    }));
  return 3.0 * 8.0 * static_cast<double>(n) / median(seconds);
}

template <class Real>
void bench_kernel(const RegularGrid& grid, double epsilon, int repeats) {
  const DefaultExec exec;
  const int threads = exec.concurrency();
  const int n = grid.axis(0).nodes;
  const auto in = terms_of(exec, grid, epsilon);
  const Vector<double> out("fortet::bench::out", grid.size());
  const bool is_float = std::is_same_v<Real, float>;
  const auto heat = detail::make_heat_kernel<Real>(axes(grid, epsilon), GridKernel::automatic);
  std::vector<double> ours, product;
  const std::size_t lines = grid.size() / static_cast<std::size_t>(n);
  const Product<Real> matrices(static_cast<std::size_t>(n), lines);
  for (int r = 0; r < repeats; ++r) {
    ours.push_back(seconds_of([&] {
      heat->apply(exec, in, out);
      exec.fence();
    }));
    product.push_back(grid.dimension() * matrices.seconds());
  }
  // a sixteenth of the direct sums: they take seconds
  const auto direct_in = host_array(grid.size(), 0.0f), direct_out = host_array(grid.size(), 0.0f);
  const auto host = to_host(in);
  for (std::size_t i = 0; i < host.size(); ++i)
    direct_in(i) = static_cast<float>(1.4426950408889634 * host[i]);
  const double h = grid.axis(0).spacing();
  const auto s = static_cast<float>(1.4426950408889634 * h * h / (2 * epsilon));
  const std::size_t chunk = 16,
                    part = std::max<std::size_t>(lines / 16, chunk * static_cast<std::size_t>(threads));
  const double direct =
      seconds_of([&] {
        Kokkos::parallel_for("fortet::bench::direct", Kokkos::RangePolicy<HostExec>(0, part / chunk),
                             [&](const std::size_t b) {
                               bench::direct_columns(direct_in.data(), direct_out.data(), n, lines, s,
                                                     b * chunk, (b + 1) * chunk);
                             });
      }) *
      static_cast<double>(lines) / static_cast<double>(part) * grid.dimension();
  const double a = median(ours), p = median(product);
  std::printf("%4d^%d %8.0e  %-6s %9.2f %9.2f %7.2f %9.1f %7.1f   %s\n", n, grid.dimension(), epsilon,
              is_float ? "float" : "double", 1e3 * a, 1e3 * p, a / p, 1e3 * direct, direct / a,
              heat->description().c_str());
  std::fflush(stdout);
}

/// Whole solves with and without a start on coarser grids.
template <class Real>
void bench_solve(const RegularGrid& grid, double epsilon, double tolerance, bool rough, int repeats) {
  const DefaultExec exec;
  const auto density = [&](double phase) {
    const GridMeasure smooth = blobs(grid, phase);
    if (!rough) return smooth;
    // noise from node to node, and a quarter of the cells empty
    std::vector<double> values = to_host(smooth.log_density());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] =
          random_uniform({.seed = 5}, i, 0) < 0.25 ? -INFINITY : values[i] + random_normal({.seed = 6}, i, 0);
    return GridMeasure(grid, vector_from_host<double>(std::span<const double>(values)));
  };
  const Problem problem{density(0.0), density(1.0), brownian_with_epsilon(epsilon)};
  std::vector<double> seconds[2];
  Report report[2];
  for (int r = 0; r < repeats; ++r)
    for (const int coarser : {0, 1}) {
      const GridIpf<Real> solver({.tolerance = tolerance, .multigrid = coarser ? 16 : 0});
      seconds[coarser].push_back(seconds_of([&] { report[coarser] = solver.solve(exec, problem).report; }));
    }
  const double plain = median(seconds[0]), nested = median(seconds[1]);
  std::printf("%4d^%d %-6s %8.0e %8.0e %-6s %7d %9.3f %7d %9.3f %7.2f%s\n", grid.axis(0).nodes,
              grid.dimension(), rough ? "rough" : "smooth", epsilon, tolerance,
              std::is_same_v<Real, float> ? "float" : "double", report[0].iterations, plain,
              report[1].iterations, nested, plain / nested,
              report[0].converged() && report[1].converged() ? "" : "  not converged");
  std::fflush(stdout);
}

void bench_chain(const RegularGrid& grid, int steps, double bandwidth, int repeats) {
  const DefaultExec exec;
  const DriftDiffusion process{.drift = Drift::field([](std::span<const double> x, std::span<double> b) {
                                 for (std::size_t k = 0; k < b.size(); ++k)
                                   b[k] = x[(k + 1) % b.size()] - 0.5;
                               }),
                               .sigma = 0.2};
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order}) {
    const grid::Chain chain(exec, grid, process, std::vector<Boundary>(3, Boundary::reflecting), stepper,
                            steps);
    Vector<double> x("fortet::bench::x", grid.size());
    Kokkos::deep_copy(x, 1.0);
    std::vector<double> seconds;
    for (int r = 0; r < repeats; ++r)
      seconds.push_back(seconds_of([&] {
        chain.backward(exec, 0, chain.steps(), x);
        exec.fence();
      }));
    // a stage reads values and three coefficients and writes values, whatever the solves in it
    const double stages = (2 * grid.dimension() - 1) * chain.steps(),
                 points = static_cast<double>(grid.size());
    const double bytes = 5 * 8 * stages * points, time = median(seconds);
    std::printf("%4d^%d %7d  %-14s %9.2f %9.2f %9.1f %9.0f %%\n", grid.axis(0).nodes, grid.dimension(),
                chain.steps(), stepper == Stepper::implicit_euler ? "implicit Euler" : "second order",
                1e3 * time, stages * points / time / 1e9, bytes / time / 1e9, 100 * bytes / time / bandwidth);
    std::fflush(stdout);
  }
}

RegularGrid square(int n) { return {{0, 1, n}, {0, 1, n}}; }

void all_kernels(bool quick) {
  const int repeats = quick ? 3 : 9;
  std::printf("half-iterations, %d threads\n", DefaultExec().concurrency());
  std::printf("%6s %8s  %-6s %9s %9s %7s %9s %7s   %s\n", "grid", "epsilon", "", "ms", "products", "ratio",
              "direct", "times", "kernel");
  for (const double epsilon : {1.0, 1e-1, 1e-2, 1e-3, 1e-4})
    bench_kernel<float>(square(512), epsilon, repeats);
  for (const double epsilon : {1e-1, 1e-3}) bench_kernel<double>(square(512), epsilon, repeats);
  if (quick) return;
  bench_kernel<float>(square(1024), 1e-3, 5);
  const GridAxis edge{0, 1, 64};
  bench_kernel<float>(RegularGrid{edge, edge, edge}, 1e-2, repeats);
}

void all_solves(bool quick) {
  std::printf("\nsolves without and with a start on coarser grids; iterations on all of them\n");
  std::printf("%6s %-6s %8s %8s %-6s %7s %9s %7s %9s %7s\n", "grid", "", "epsilon", "error", "", "plain", "s",
              "nested", "s", "times");
  for (const bool rough : {false, true})
    for (const double epsilon : {1e-1, 1e-2, 1e-3})
      for (const double tolerance : {1e-3, 1e-9}) {
        bench_solve<double>(RegularGrid{{0, 1, 1500}}, epsilon, tolerance, rough, quick ? 1 : 3);
        bench_solve<double>(square(256), epsilon, tolerance, rough, quick ? 1 : 3);
      }
}

void all_drifts(bool quick) {
  const double bandwidth = stream_rate();
  std::printf("\nsteps of a drift; memory %.1f GB/s\n", bandwidth / 1e9);
  std::printf("%6s %7s  %-14s %9s %9s %9s %11s\n", "grid", "steps", "", "ms", "Gpoint/s", "GB/s",
              "of memory");
  // four times the steps: four times the time
  for (const int steps : {16, 32, 64}) bench_chain(square(512), steps, bandwidth, quick ? 3 : 9);
  if (!quick) bench_chain(square(1024), 16, bandwidth, 5);
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto given = [&](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool quick = given("--quick"), all = !given("kernels") && !given("solves") && !given("drift");
  if (all || given("kernels")) all_kernels(quick);
  if (all || given("solves")) all_solves(quick);
  if (all || given("drift")) all_drifts(quick);
}
