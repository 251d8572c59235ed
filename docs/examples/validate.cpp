// Is a solver of one's own right? Scores against the closed form of a Gaussian problem.
#include <cmath>
#include <fortet/fortet.hpp>
#include <iostream>

// [own]
// What one has: a sampler of pairs, here from the joint normal law of two numbers. Three typedefs, two
// dimensions and sample() make it a fortet::Coupling; a drift and X_t would make it a fortet::Bridge.
struct MySolver {
  using scalar_type = double;
  using execution_space = Kokkos::DefaultExecutionSpace;
  using memory_space = execution_space::memory_space;

  double slope, variance;  // of X1 given X0

  int source_dimension() const { return 1; }
  int target_dimension() const { return 1; }
  void sample(const execution_space& exec, fortet::RandomKey key, fortet::Points<double> x0,
              fortet::Points<double> x1) const {
    const double a = slope, deviation = std::sqrt(variance);
    Kokkos::parallel_for(
        "my_solver", Kokkos::RangePolicy<execution_space>(exec, 0, x0.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          const fortet::NormalPair z = fortet::random_normal_pair(key, i, 0);
          x0(i, 0) = z.first;
          x1(i, 0) = 2 + a * z.first + deviation * z.second;
        });
  }
};
// [/own]

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;
  // [validate]
  const fortet::Problem problem{fortet::Gaussian({0}, fortet::isotropic(1, 1.0)),
                                fortet::Gaussian({2}, fortet::isotropic(1, 1.0)),
                                fortet::Brownian{.sigma = 1}};
  const double slope = (std::sqrt(5.0) - 1) / 2;  // K of two unit variances at epsilon = 1
  const fortet::Validation right = fortet::validate(exec, MySolver{slope, slope}, problem, {.seed = 1});
  const fortet::Validation wrong = fortet::validate(exec, MySolver{0.9 * slope, slope}, problem, {.seed = 1});
  std::cout << right << '\n' << wrong;
  // [/validate]
  return right.passed() && !wrong.passed() ? 0 : 1;
}
