#include "solver/entropic_pairs.hpp"

#include <algorithm>

#include "fortet/measure/draw.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "instantiate.hpp"

namespace fortet::impl {

template <class Real, class Memory>
void draw_entropic_pairs(const NeuralProblem<Real, Memory>& problem, std::size_t minibatch, RandomKey key,
                         Points<Real, Memory> x0, Points<Real, Memory> x1) {
  using Exec = typename Memory::execution_space;
  // the sampling error of a minibatch is far above this
  const Sinkhorn<Real, Exec> sinkhorn({.tolerance = 1e-4});
  const auto& [exec, source, target, reference, model] = problem;
  const std::size_t rows = x0.extent(0);
  for (std::size_t first = 0; first < rows; first += minibatch) {
    const RandomKey own = key.child(first);
    const auto from = draw<Real>(exec, source, minibatch, own.child(0));
    const auto to = draw<Real>(exec, target, minibatch, own.child(1));
    const auto part = std::make_pair(first, std::min(first + minibatch, rows));
    const auto sample = [&](const auto& process) {
      const auto solution = sinkhorn.solve(exec, Problem{from, to, process});
      solution.coupling.sample(exec, own.child(2), Kokkos::subview(x0, part, Kokkos::ALL),
                               Kokkos::subview(x1, part, Kokkos::ALL));
    };
    if (reference.rate == 0)
      sample(Brownian{.sigma = reference.sigma, .horizon = reference.horizon});
    else
      sample(OrnsteinUhlenbeck{reference.rate, reference.mean, reference.sigma, reference.horizon});
  }
  exec.fence("fortet::dsbm::entropic_pairs");
}

#define FORTET_INSTANTIATE(Real, Memory)                                                        \
  template void draw_entropic_pairs(const NeuralProblem<Real, Memory>&, std::size_t, RandomKey, \
                                    Points<Real, Memory>, Points<Real, Memory>);
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet::impl
