// Family "mixtures": pairs made from a known bridge, as in the benchmark of Gushchin et al. (2023).
#include "mixtures.hpp"

#include <cmath>

#include "fortet/coupling/independent_coupling.hpp"

namespace fortet::validation {
namespace {

Points<double> fresh(std::size_t n, std::size_t d) {
  return Points<double>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::validation::points"), n, d);
}

double trace(const Matrix& m) {
  double sum = 0;
  for (std::size_t k = 0; k < m.rows(); ++k) sum += m(k, k);
  return sum;
}

/// What others printed for their own pairs of this construction (benchmark of Gushchin et al. 2023, its
/// parameters): cBW2-UVP in percent at D = 2, 16, 64, 128. LightSB: Korotin, Gushchin, Burnaev 2024.
/// LightSB-M with independent pairs: Gushchin, Kholkin, Burnaev, Korotin 2024. DSBM: method of Shi et al.
/// 2023; BM2: Peluchetti 2024.
struct PublishedRow {
  const char* row;
  double epsilon, values[4];
};
constexpr PublishedRow published[] = {
    {"exact drift, 200 Euler steps", 0.1, {0.04, 0.07, 0.35, 0.92}},
    {"exact drift, 200 Euler steps", 1, {0.10, 0.17, 0.45, 1.18}},
    {"exact drift, 200 Euler steps", 10, {0.12, 1.15, 5.38, 10.48}},
    {"LightSB", 0.1, {0.03, 0.08, 0.28, 0.60}},
    {"LightSB", 1, {0.05, 0.09, 0.24, 0.62}},
    {"LightSB", 10, {0.07, 0.11, 0.21, 0.37}},
    {"LightSB-M", 0.1, {0.04, 0.18, 0.77, 1.66}},
    {"LightSB-M", 1, {0.09, 0.18, 0.47, 1.2}},
    {"LightSB-M", 10, {0.12, 0.19, 0.36, 0.71}},
    {"BM2", 0.1, {0.73, 4.64, 6.84, 8.28}},
    {"BM2", 1, {0.14, 0.41, 1.72, 8.30}},
    {"BM2", 10, {0.14, 2.30, 41, 264}},
    {"DSBM", 0.1, {5.2, 16.8, 37.3, 35}},
    {"DSBM", 1, {0.3, 1.1, 9.7, 31}},
    {"DSBM", 10, {3.7, 105, 3557, 15000}},
};

std::string short_number(double value) {
  std::string out = std::to_string(value);
  out.erase(out.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}
std::string table_name(const std::string& metric, double epsilon) {
  return metric + " in percent, epsilon = " + short_number(epsilon);
}
std::string column(int dimension) { return "D = " + std::to_string(dimension); }

void add_published(Record& record, int dimension, double epsilon) {
  const int dimensions[] = {2, 16, 64, 128};
  for (const PublishedRow& row : published)
    for (std::size_t k = 0; k < 4; ++k)
      if (row.epsilon == epsilon && dimensions[k] == dimension)
        record.cell({table_name("cBW2-UVP", epsilon), row.row, column(dimension), row.values[k], true});
}

void score(Record& record, const std::string& metric, double value, const Estimate& estimate,
           std::optional<double> discretisation_floor = {}) {
  record.score(metric, value,
               {.standard_error = estimate.standard_error,
                .sampling_floor = estimate.floor,
                .discretisation_floor = discretisation_floor});
}

/// The rows that every method is to be read against: exact draws, the exact drift in steps, no coupling.
void oracles(const Setting& setting, Record& record, int dimension, double epsilon) {
  const MixturePair pair(dimension, epsilon);
  const auto row = [&](const std::string& name, const auto& coupling) {
    const MixtureFigures figures = score_mixture(setting, pair, side_of(setting, coupling));
    add_cells(record, pair, name, figures);
    return figures;
  };
  const int count = setting.full ? 200 : 50;
  const auto exact = row("exact, fresh draws (the floor)", pair);
  const auto steps =
      row("exact drift, " + std::to_string(count) + " Euler steps (oracle)", EulerChain(pair, count));
  const auto independent =
      row("independent coupling (baseline)", IndependentCoupling(pair.source(), MixtureTarget(pair)));
  score(record, "fresh draws: cBW2-UVP over the floor", exact.conditional.value / *exact.conditional.floor,
        exact.conditional);
  score(record, "Euler steps: cBW2-UVP over the floor", steps.conditional.value / *steps.conditional.floor,
        steps.conditional);
  score(record, "Euler steps: BW2-UVP, %", steps.target.value, steps.target);
  score(record, "independent: cBW2-UVP, %", independent.conditional.value, independent.conditional);
  add_published(record, dimension, epsilon);
}

}  // namespace

std::string mixture_name(int dimension, double epsilon, const std::string& method) {
  return "mixtures/d-" + std::to_string(dimension) + "/epsilon-" + short_number(epsilon) + "/" + method;
}

MixtureFigures score_mixture(const Setting& setting, const MixturePair& pair, const Side& side,
                             const ConditionalMoments& moments_of) {
  const MixtureDraws size(setting.full);
  const DefaultExec& exec = setting.exec;
  const auto d = static_cast<std::size_t>(pair.source_dimension());
  const auto starts = fresh(size.starts, d);
  pair.source().sample(exec, setting.key.child(0), starts);
  exec.fence("fortet::validation::starts");
  const auto x0 = fresh(size.targets, d), truth = fresh(size.targets, d), again = fresh(size.targets, d),
             ours = fresh(size.targets, d);
  pair.sample(exec, setting.key.child(1), x0, truth);
  pair.sample(exec, setting.key.child(2), x0, again);
  side.sample(setting.key.child(3), x0, ours);

  const double variance = trace(moments(exec, PointCloud<double>(truth)).covariance);
  const auto exact = pair.conditional_moments(starts);
  const Side truth_side = side_of(setting, pair);
  MixtureFigures out;
  if (moments_of) {
    out.conditional = cbw2_uvp(moments_of(starts), exact, variance);
    out.conditional.floor = 0;
  } else {
    const auto drawn = [&](const Side& from, std::uint64_t stream) {
      return cbw2_uvp(drawn_moments(setting, from, starts, size.draws, setting.key.child(stream)), exact,
                      variance);
    };
    out.conditional = drawn(side, 4);
    out.conditional.floor = drawn(truth_side, 6).value;
  }
  out.target = bw2_uvp(exec, PointCloud<double>(ours), PointCloud<double>(truth));
  out.target.floor =
      bw2_uvp(exec, PointCloud<double>(again), PointCloud<double>(truth), {.batches = 0}).value;
  out.drift =
      side.forward_drift ? drift_error(side, truth_side, 0.5, 1000, setting.key.child(5)) : std::nan("");
  return out;
}

void add_cells(Record& record, const MixturePair& pair, const std::string& row,
               const MixtureFigures& figures) {
  const std::string where = column(pair.source_dimension());
  record.cell({table_name("cBW2-UVP", pair.epsilon()), row, where, figures.conditional.value});
  record.cell({table_name("BW2-UVP of the target", pair.epsilon()), row, where, figures.target.value});
}

void add_scores(Record& record, const MixtureFigures& figures,
                const std::optional<MixtureFigures>& exact_steps) {
  const auto floor = [&](Estimate MixtureFigures::*which) {
    return exact_steps ? std::optional((*exact_steps.*which).value) : std::nullopt;
  };
  score(record, "cBW2-UVP, %", figures.conditional.value, figures.conditional,
        floor(&MixtureFigures::conditional));
  score(record, "BW2-UVP, %", figures.target.value, figures.target, floor(&MixtureFigures::target));
  record.score("drift", figures.drift);
}

void add_mixture_oracles(std::vector<Case>& cases, int dimension, double epsilon) {
  cases.push_back({mixture_name(dimension, epsilon, "oracles"),
                   "A pair made from its bridge: fresh exact draws, the exact drift in Euler steps, and the "
                   "independent coupling",
                   [=](const Setting& s, Record& r) { oracles(s, r, dimension, epsilon); }, dimension > 16});
}

std::vector<Case> mixture_cases() {
  std::vector<Case> cases;
  for (const int dimension : {2, 16, 64, 128})
    for (const double epsilon : {0.1, 1.0, 10.0}) {
      add_mixture_oracles(cases, dimension, epsilon);
      if (dimension == 2) add_mixture_grid(cases, epsilon);
      add_mixture_sinkhorn(cases, dimension, epsilon);
      add_mixture_dsbm(cases, dimension, epsilon);
    }
  return cases;
}

}  // namespace fortet::validation
