// What to ask of Sinkhorn and of its answer.
#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;
  const auto x = fortet::draw(exec, fortet::Gaussian({0, 0}, fortet::isotropic(2, 1.0)), 300, {.seed = 1});
  const auto y = fortet::draw(exec, fortet::Gaussian({2, 0}, fortet::isotropic(2, 0.5)), 400, {.seed = 2});

  // [solve]
  const fortet::Problem problem{x, y, fortet::brownian_with_epsilon(0.1)};
  const fortet::Sinkhorn<double> solver({.tolerance = 1e-8, .certify = true});
  const auto [coupling, report] = solver.solve(exec, problem);
  if (!report.converged()) std::cerr << fortet::to_string(report.status) << '\n';
  // [/solve]

  // [plan]
  const auto map = coupling.barycentric_map(exec);      // E[Y | X = x_i], n x d
  const auto rows = coupling.plan_rows(exec, 0, 10);    // ten rows of the plan
  const auto moved = coupling.apply(exec, y.points());  // plan times y, the plan never stored
  fortet::Points<double> x0("pairs::x0", 1000, 2), x1("pairs::x1", 1000, 2);
  coupling.sample(exec, {.seed = 3}, x0, x1);              // pairs of atoms
  coupling.sample_conditional(exec, {.seed = 4}, x0, x1);  // X1 given any starting points
  // [/plan]

  // [watch]
  fortet::SinkhornOptions options;
  options.observer = [](const fortet::Progress& progress) {
    std::cerr << progress.iteration << ' ' << progress.error << '\n';
    return progress.seconds < 60 ? fortet::Continue::yes : fortet::Continue::no;  // then Status::cancelled
  };
  const auto watched = fortet::Sinkhorn<double>(options).solve(exec, problem);
  // [/watch]

  // [warm]
  const auto warm = solver.solve(exec, problem, coupling.target_potential());  // start from a known potential
  // [/warm]

  // [bridge]
  const auto bridge = fortet::lift(coupling);
  const std::vector<double> times{0, 0.25, 0.5, 0.75, 1};
  Kokkos::View<double***, Kokkos::LayoutLeft, fortet::DefaultMemory> paths("paths", 1000, 2, times.size());
  bridge.sample_paths(exec, {.seed = 5}, times, paths);  // exact at these times, however few
  fortet::Points<double> drift("drift", 1000, 2);
  bridge.forward_drift(exec, 0.5, x0, drift);  // b(t, x) at any points
  // [/bridge]

  std::cout << report << '\n' << warm.report.iterations << " iterations from a warm start\n";
  return report.converged() && watched.report.converged() && map.extent(0) == 300 && rows.extent(1) == 400 &&
                 moved.extent(0) == 300
             ? 0
             : 1;
}
