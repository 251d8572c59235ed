#pragma once
#include <memory>
#include <string>

#include "fortet/coupling/neural_bridge.hpp"
#include "fortet/measure/epochs.hpp"
#include "fortet/problem.hpp"

namespace fortet::impl {

/// What the neural solvers are given, in one precision and one memory.
template <class Real, class Memory>
struct NeuralProblem {
  typename Memory::execution_space exec;
  Sampler<Real, Memory> source, target;
  IsotropicReference reference;
  std::shared_ptr<const DriftModel<Real, Memory>> model;  ///< the user's own; null: NeuralOptions::network
};

/// A marginal as training draws from it: clouds of equal weights atom by atom in random order, everything
/// else independently.
template <class Real, class Memory, SamplableMeasure M>
Sampler<Real, Memory> training_sampler(const M& measure) {
  if constexpr (AtomicMeasure<M>)
    if (has_equal_weights(measure)) return as_sampler<Real, Memory>(Epochs(measure.points()));
  return as_sampler<Real, Memory>(measure);
}

/// Throws InvalidArgument, in the name of `function`, on unequal dimensions or an invalid reference.
template <class Real, class Memory, class P>
NeuralProblem<Real, Memory> neural_problem(const char* function, const typename Memory::execution_space& exec,
                                           const P& problem,
                                           std::shared_ptr<const DriftModel<Real, Memory>> model) {
  static_assert(SampledProblem<P>,
                "fortet::Dsb and fortet::Dsbm need source and target measures that can be sampled "
                "(SamplableMeasure)");
  detail::require_kokkos(function);
  problem.reference.validate(function);
  const int dimension = problem.source.dimension();
  detail::require(problem.target.dimension() == dimension, function, "target dimension",
                  problem.target.dimension(), "expected the source's dimension " + std::to_string(dimension));
  if (model)
    detail::require(model->dimension() == dimension, function, "model dimension", model->dimension(),
                    "expected the marginals' dimension " + std::to_string(dimension));
  return {exec, training_sampler<Real, Memory>(problem.source),
          training_sampler<Real, Memory>(problem.target), IsotropicReference(problem.reference),
          std::move(model)};
}

}  // namespace fortet::impl
