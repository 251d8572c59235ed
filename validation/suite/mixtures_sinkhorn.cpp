// Sinkhorn on samples of a mixture pair, lifted: its conditional laws are finite, so their moments are exact.
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "mixtures.hpp"

namespace fortet::validation {
namespace {

/// Mean and covariance of atoms y (m x d, row-major) with each row of weights.
std::vector<Moments> weighted_moments(const std::vector<double>& weights, const std::vector<double>& y,
                                      std::size_t d) {
  const std::size_t m = y.size() / d;
  std::vector<Moments> out(weights.size() / m);
  for (std::size_t i = 0; i < out.size(); ++i) {
    Moments& law = out[i] = {std::vector<double>(d), Matrix(d, d)};
    const double* w = weights.data() + i * m;
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t c = 0; c < d; ++c) law.mean[c] += w[j] * y[j * d + c];
    std::vector<double> z(d);
    for (std::size_t j = 0; j < m; ++j) {
      if (w[j] < 1e-14) continue;
      for (std::size_t c = 0; c < d; ++c) z[c] = y[j * d + c] - law.mean[c];
      for (std::size_t a = 0; a < d; ++a)
        for (std::size_t b = 0; b < d; ++b) law.covariance(a, b) += w[j] * z[a] * z[b];
    }
  }
  return out;
}

void sinkhorn(const Setting& setting, Record& record, int dimension, double epsilon) {
  const MixturePair pair(dimension, epsilon);
  const DefaultExec& exec = setting.exec;
  const std::size_t n = setting.full ? 2048 : 512;
  const auto bridge = lift(
      Sinkhorn<double>({.tolerance = 1e-5})
          .solve(exec, Problem{draw(exec, pair.source(), n, setting.key.child(20)),
                               draw(exec, MixtureTarget(pair), n, setting.key.child(21)), pair.reference()})
          .coupling);
  const auto target = bridge.coupling().target().points();
  Points<double> identity("fortet::validation::identity", n, n);
  Kokkos::parallel_for(
      "fortet::validation::identity", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) { identity(i, i) = 1; });
  exec.fence("fortet::validation::identity");
  const auto figures =
      score_mixture(setting, pair, side_of(setting, bridge), [&](ConstPoints<double> starts) {
        const auto weights = bridge.coupling().laws_from(exec, 0.0, starts).means(exec, identity);
        const Points<double> y("fortet::validation::atoms", n, target.extent(1));
        Kokkos::deep_copy(y, target);
        return weighted_moments(to_host(weights), to_host(y), y.extent(1));
      });
  add_cells(record, pair, "Sinkhorn on n = " + std::to_string(n) + " samples, lifted", figures);
  add_scores(record, figures);
}

}  // namespace

void add_mixture_sinkhorn(std::vector<Case>& cases, int dimension, double epsilon) {
  cases.push_back({mixture_name(dimension, epsilon, "sinkhorn"),
                   "Sinkhorn on samples of a pair made from its bridge: conditional laws, target, drift",
                   [=](const Setting& s, Record& r) { sinkhorn(s, r, dimension, epsilon); }, dimension > 16});
}

}  // namespace fortet::validation
