// A cost of your own: a functor, compiled with your program, or a matrix.
#include <fortet/fortet.hpp>
#include <iostream>

// [functor]
struct Manhattan {
  template <class X, class Y>
  KOKKOS_FUNCTION double operator()(const X& x, const Y& y) const {
    double sum = 0;
    for (int k = 0; k < x.dimension(); ++k) sum += Kokkos::abs(x[k] - y[k]);
    return sum;
  }
};
// [/functor]

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;
  const auto x = fortet::draw(exec, fortet::Gaussian({0, 0}, fortet::isotropic(2, 1.0)), 200, {.seed = 1});
  const auto y = fortet::draw(exec, fortet::Gaussian({2, 0}, fortet::isotropic(2, 0.5)), 200, {.seed = 2});

  // [solve]
  const fortet::Problem problem{x, y, fortet::GibbsCost{Manhattan{}, 0.1}};
  const auto solution = fortet::Sinkhorn<double>().solve(exec, problem);
  // [/solve]

  std::cout << solution.report << '\n';
  return solution.report.converged() ? 0 : 1;
}
