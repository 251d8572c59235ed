#pragma once
// What the files of the family "mixtures" share: scores of any coupling against the exact one.
#include "fortet/compare/comparison.hpp"
#include "mixture_pair.hpp"
#include "sides.hpp"

namespace fortet::validation {

/// How much is drawn for a score.
struct MixtureDraws {
  std::size_t starts, draws, targets;
  explicit MixtureDraws(bool full) : starts(64), draws(full ? 1000 : 500), targets(full ? 20000 : 5000) {}
};

/// Means and covariances of X1 given each of the starts.
using ConditionalMoments = std::function<std::vector<Moments>(ConstPoints<double> starts)>;

struct MixtureFigures {
  Estimate conditional, target;  ///< cBW2-UVP and BW2-UVP, with their sampling floors
  double drift = 0;              ///< relative error at half time; NaN where the side is no bridge
};

/// Scores a side against the pair. `moments` are its exact conditional moments where they are known; else
/// they are estimated from draws, and so is the floor.
MixtureFigures score_mixture(const Setting& setting, const MixturePair& pair, const Side& side,
                             const ConditionalMoments& moments = {});
/// Puts the two figures into the family's tables.
void add_cells(Record& record, const MixturePair& pair, const std::string& row,
               const MixtureFigures& figures);
/// Puts the figures into the record, each with its standard error and sampling floor; and, where given, with
/// those of the exact drift on the same steps.
void add_scores(Record& record, const MixtureFigures& figures,
                const std::optional<MixtureFigures>& exact_steps = {});
std::string mixture_name(int dimension, double epsilon, const std::string& method);

void add_mixture_oracles(std::vector<Case>& cases, int dimension, double epsilon);
void add_mixture_sinkhorn(std::vector<Case>& cases, int dimension, double epsilon);
void add_mixture_grid(std::vector<Case>& cases, double epsilon);
void add_mixture_dsbm(std::vector<Case>& cases, int dimension, double epsilon);

}  // namespace fortet::validation
