#include "networks.hpp"

#include <stdexcept>

#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"

namespace fortet::validation {

Solution<Network> train(const Setting& setting, Method method,
                        const Problem<Sampler<double>, Sampler<double>, Brownian>& problem,
                        const Training& training, std::uint64_t seed) {
  NeuralOptions options{.iterations = training.iterations,
                        .tolerance = 0,
                        .network = plain_network({training.width, training.width})};
  options.schedule.steps = training.chain;
  options.training.steps = training.steps;
  options.training.batch = 256;
  options.training.adam.schedule = LearningRate::cosine;
  options.training.adam.learning_rate = 2e-3;
  options.training.adam.average = 0.99;
  options.seed = seed;
  const bool chains = method == Method::dsb;  // whose targets are noisy along one path: refreshed more often
  options.training.particles = chains ? 4000 : 10000;
  options.training.refresh = chains ? 250 : training.steps;
  auto solution = chains ? Dsb<float>(DsbOptions{options}).solve(setting.exec, problem)
                         : Dsbm<float>(DsbmOptions{options}).solve(setting.exec, problem);
  if (solution.report.status == Status::diverged) throw std::runtime_error("the training diverged");
  return solution;
}

}  // namespace fortet::validation
