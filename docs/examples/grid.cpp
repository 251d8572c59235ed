// Bridges between densities on a grid.
#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;

  // [solve]
  const fortet::RegularGrid grid{{-7, 7, 400}};  // lower, upper, nodes of each axis
  const auto mu = fortet::discretise(exec, fortet::Gaussian({0}, fortet::isotropic(1, 1.0)), grid);
  const auto nu =
      fortet::grid_measure(grid, [](std::span<const double> x) {  // a log density, up to a constant
        return std::log(std::exp(-4 * (x[0] - 2) * (x[0] - 2)) + std::exp(-4 * (x[0] + 2) * (x[0] + 2)));
      });
  const auto [coupling, report] =
      fortet::GridIpf<>().solve(exec, fortet::Problem{mu, nu, fortet::Brownian{}});
  // [/solve]

  // [bridge]
  const auto bridge = fortet::bridge(exec, coupling);
  const fortet::GridMeasure middle = bridge.marginal(exec, 0.5);  // the density at t = 0.5
  const fortet::ConstPoints<double> x = fortet::draw(exec, middle, 1000, {.seed = 1}).points();
  fortet::Points<double> drift("drift", 1000, 1);
  bridge.forward_drift(exec, 0.5, x, drift);
  // [/bridge]

  // [drift]
  const fortet::RegularGrid box{{-2.5, 2.5, 250}};
  const fortet::DriftDiffusion well{.drift = fortet::Drift::gradient([](std::span<const double> z) {
                                      return 2 * (z[0] * z[0] - 1) * (z[0] * z[0] - 1);
                                    }),
                                    .sigma = 1.0};
  const auto left = fortet::discretise(exec, fortet::Gaussian({-1}, fortet::isotropic(1, 0.05)), box);
  const auto right = fortet::discretise(exec, fortet::Gaussian({1}, fortet::isotropic(1, 0.05)), box);
  const auto [across, status] = fortet::GridIpf<>().solve(exec, fortet::Problem{left, right, well});
  const double over_the_barrier = across.marginal(exec, 0.5).entropy(exec);
  // [/drift]

  std::cout << report << status << over_the_barrier << "\nvariance half way " << middle.covariance(exec)(0, 0)
            << '\n';
  return report.converged() && status.converged() && std::abs(middle.mass() - 1) < 1e-6 ? 0 : 1;
}
