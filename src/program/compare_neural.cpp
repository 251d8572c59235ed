#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"
#include "program/compare_solvers.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {

Solved solve_by_network(const Setting& setting, const std::string& name) {
  const auto begin = std::chrono::steady_clock::now();
  ProgressBar bar(setting.quiet);
  NeuralOptions options{.iterations = 5, .tolerance = 0, .network = plain_network({96, 96})};
  options.training.steps = setting.training;
  options.training.refresh = 250;
  options.training.particles = 4000;
  options.training.adam.schedule = LearningRate::cosine;
  options.seed = setting.key.seed;
  options.observer = bar.observer();
  return std::visit(
      [&](const auto& reference) {
        const Problem problem{sampler(setting.source), sampler(setting.target), reference};
        const auto finish = [&](auto solution, const std::string& what) {
          auto& [coupling, report] = solution;
          bar.wipe();
          // so many rounds are what was asked for
          const bool good = report.status != Status::diverged && report.status != Status::cancelled;
          Solved result = solved(setting.exec, name, what, std::move(coupling), std::move(report), begin);
          result.good = good;
          return result;
        };
        if (name == "dsb")
          return finish(Dsb<float>(DsbOptions{options}).solve(setting.exec, problem),
                        "diffusion Schroedinger bridge: drifts trained on 20-step chains");
        options.training.refresh = options.training.steps;
        options.training.particles = 10000;
        return finish(Dsbm<float>(DsbmOptions{options}).solve(setting.exec, problem),
                      "drifts trained by matching of bridges, 20 steps");
      },
      setting.reference);
}

}  // namespace fortet::program
