// DSBM on a mixture pair: trained drifts, judged only where a short training is known to be enough.
#include "mixtures.hpp"
#include "networks.hpp"

namespace fortet::validation {
namespace {

void dsbm(const Setting& setting, Record& record, int dimension, double epsilon) {
  const MixturePair pair(dimension, epsilon);
  const Training training = setting.full ? Training{.iterations = 6, .steps = 3000, .width = 128, .chain = 50}
                                         : Training{.iterations = 2, .steps = 600, .width = 64, .chain = 30};
  const auto trained =
      train(setting, Method::dsbm,
            {as_sampler<double>(pair.source()), as_sampler<double>(MixtureTarget(pair)), pair.reference()},
            training, setting.key.seed);
  const auto figures = score_mixture(setting, pair, side_of(setting, trained.coupling));
  add_cells(record, pair,
            "DSBM, " + std::to_string(training.iterations) + " rounds of " + std::to_string(training.steps) +
                " steps",
            figures);
  const EulerChain steps(pair, training.chain);
  add_scores(record, figures, score_mixture(setting, pair, side_of(setting, steps)));
}

}  // namespace

void add_mixture_dsbm(std::vector<Case>& cases, int dimension, double epsilon) {
  cases.push_back({mixture_name(dimension, epsilon, "dsbm"),
                   "DSBM on a pair made from its bridge: conditional laws, target, drift",
                   [=](const Setting& s, Record& r) { dsbm(s, r, dimension, epsilon); },
                   dimension > 2 || epsilon != 1});
}

}  // namespace fortet::validation
