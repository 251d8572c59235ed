#pragma once
// Short trainings of the neural solvers, compiled once for the families that use them.
#include "fortet/coupling/neural_bridge.hpp"
#include "fortet/problem.hpp"
#include "fortet/reference/brownian.hpp"
#include "suite.hpp"

namespace fortet::validation {

using Network = NeuralBridge<float>;

/// What a run may cost.
struct Training {
  int iterations = 4, steps = 1000;  ///< rounds of a backward and a forward fit, gradient steps of each fit
  int width = 64;                    ///< of two hidden layers
  int chain = 20;                    ///< steps of the chain
};

enum class Method { dsb, dsbm };

/// `seed` fixes every draw. Throws std::runtime_error when the training diverged.
Solution<Network> train(const Setting& setting, Method method,
                        const Problem<Sampler<double>, Sampler<double>, Brownian>& problem,
                        const Training& training, std::uint64_t seed);

}  // namespace fortet::validation
