#pragma once
#include "fortet/solver/neural_problem.hpp"

namespace fortet::impl {

/// Fills the rows with pairs of the entropic coupling between minibatches: `minibatch` rows at a time, fresh
/// draws of both marginals are coupled by Sinkhorn under the problem's reference and pairs are drawn from the
/// plan. Blocking; O(rows minibatch d) an iteration of Sinkhorn.
template <class Real, class Memory>
void draw_entropic_pairs(const NeuralProblem<Real, Memory>& problem, std::size_t minibatch, RandomKey key,
                         Points<Real, Memory> x0, Points<Real, Memory> x1);

}  // namespace fortet::impl
