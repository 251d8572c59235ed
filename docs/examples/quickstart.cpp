#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;

  // Two Gaussians, Brownian motion between them, and their bridge in closed form.
  const fortet::Gaussian mu({0, 0}, fortet::isotropic(2, 1.0)), nu({3, 0}, fortet::isotropic(2, 0.25));
  const fortet::Problem problem{mu, nu, fortet::Brownian{.sigma = 1.0, .horizon = 1.0}};
  const auto exact = fortet::gaussian_bridge(problem);

  // The same from 1000 samples of each: solve, then lift the coupling to a bridge.
  const fortet::Problem samples{fortet::draw(exec, mu, 1000, {.seed = 1}),
                                fortet::draw(exec, nu, 1000, {.seed = 2}), problem.reference};
  const auto [coupling, report] = fortet::Sinkhorn<double>({.tolerance = 1e-6}).solve(exec, samples);
  std::cout << report << '\n';

  std::cout << fortet::compare(exec, fortet::lift(coupling), exact, {.pairs = 2000, .seed = 3}) << '\n';
  return report.converged() ? 0 : 3;
}
