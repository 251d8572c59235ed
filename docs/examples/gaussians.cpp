// The closed forms: everything about the bridge between two Gaussians.
#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);

  // [bridge]
  const fortet::Gaussian mu({0}, fortet::isotropic(1, 1.0)), nu({2}, fortet::isotropic(1, 0.5));
  const auto bridge =
      fortet::gaussian_bridge(fortet::Problem{mu, nu, fortet::OrnsteinUhlenbeck{.rate = 0.5, .sigma = 1.0}});
  const auto plan = bridge.plan();      // costs, maps, potentials
  const auto middle = bridge.at(0.5);   // mean, covariance and drifts at a time
  const auto law = bridge.marginal(1);  // nu again
  // [/bridge]

  std::cout << "entropic cost " << plan.entropic_cost << ", mean half way " << middle.mean[0] << '\n';
  return std::abs(law.mean()[0] - 2) < 1e-12 ? 0 : 1;
}
