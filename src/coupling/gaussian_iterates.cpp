#include "fortet/coupling/gaussian_iterates.hpp"

#include <string>

#include "gaussian/iterates.hpp"

namespace fortet {
namespace {

gaussian::Moments moments(const Gaussian& g) { return {g.mean(), g.covariance()}; }

void require_same_dimension(const char* function, const Gaussian& source, const Gaussian& target) {
  detail::require(source.dimension() == target.dimension(), function, "target.dimension()",
                  target.dimension(),
                  "expected the source's dimension " + std::to_string(source.dimension()));
}

void require_iterations(const char* function, int iterations) {
  detail::require(iterations >= 0, function, "iterations", iterations, "expected a number >= 0");
}

void require_grid(const char* function, const std::vector<double>& times, double horizon) {
  detail::require(times.size() >= 2, function, "times.size()", times.size(), "expected at least two times");
  detail::require(times.front() == 0, function, "times.front()", times.front(), "expected 0");
  detail::require(times.back() == horizon, function, "times.back()", times.back(),
                  "expected the horizon " + std::to_string(horizon));
  for (std::size_t k = 1; k < times.size(); ++k)
    detail::require(times[k] > times[k - 1], function, "times[" + std::to_string(k) + "]", times[k],
                    "expected increasing times");
}

}  // namespace

template <LinearGaussianReference Ref>
std::vector<GaussianIterate> gaussian_ipf(const Problem<Gaussian, Gaussian, Ref>& problem, int iterations,
                                          IpfStart start) {
  constexpr const char* function = "fortet::gaussian_ipf";
  require_same_dimension(function, problem.source, problem.target);
  require_iterations(function, iterations);
  return gaussian::ipf(moments(problem.source), moments(problem.target), problem.reference, iterations,
                       start == IpfStart::zero_potential, function);
}

template <LinearGaussianReference Ref>
GaussianDsb gaussian_dsb(const Problem<Gaussian, Gaussian, Ref>& problem, const std::vector<double>& times,
                         int iterations, DsbTarget target) {
  constexpr const char* function = "fortet::gaussian_dsb";
  require_same_dimension(function, problem.source, problem.target);
  require_iterations(function, iterations);
  require_grid(function, times, problem.reference.horizon);
  return gaussian::dsb(moments(problem.source), moments(problem.target), problem.reference, times, iterations,
                       target == DsbTarget::drift_matching, function);
}

template <LinearGaussianReference Ref>
GaussianEnd gaussian_discretised_end(const GaussianBridge<Ref>& bridge, const std::vector<double>& times,
                                     SdeScheme scheme) {
  constexpr const char* function = "fortet::gaussian_discretised_end";
  const bool heun = scheme == SdeScheme::heun;
  require_grid(function, times, bridge.reference().horizon);
  detail::require(!heun || !bridge.target().singular(), function, "scheme", "heun",
                  "expected euler_maruyama, since the target is singular");
  return gaussian::discretised_end(moments(bridge.source()), bridge.reference(), bridge.closed_forms(), times,
                                   heun, function);
}

std::vector<double> uniform_times(double horizon, int steps) {
  detail::require(steps >= 1, "fortet::uniform_times", "steps", steps, "expected at least 1");
  std::vector<double> times(static_cast<std::size_t>(steps) + 1);
  for (int k = 0; k <= steps; ++k) times[static_cast<std::size_t>(k)] = horizon * k / steps;
  return times;
}

#define FORTET_INSTANTIATE(Ref)                                                                          \
  template std::vector<GaussianIterate> gaussian_ipf(const Problem<Gaussian, Gaussian, Ref>&, int,       \
                                                     IpfStart);                                          \
  template GaussianDsb gaussian_dsb(const Problem<Gaussian, Gaussian, Ref>&, const std::vector<double>&, \
                                    int, DsbTarget);                                                     \
  template GaussianEnd gaussian_discretised_end(const GaussianBridge<Ref>&, const std::vector<double>&,  \
                                                SdeScheme);
FORTET_INSTANTIATE(Brownian)
FORTET_INSTANTIATE(OrnsteinUhlenbeck)
FORTET_INSTANTIATE(LinearSde)

}  // namespace fortet
