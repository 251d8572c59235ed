// Proportional fitting between the densities of a mixture pair in the plane.
#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "mixtures.hpp"

namespace fortet::validation {
namespace {

void grid(const Setting& setting, Record& record, double epsilon) {
  const MixturePair pair(2, epsilon);
  const DefaultExec& exec = setting.exec;
  const RegularGrid square{{-10, 10, 128}, {-10, 10, 128}};
  const auto source = discretise(exec, pair.source(), square);
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-11})
                                      .solve(exec, Problem{source, pair.target_on(source), pair.reference()});
  const auto solved = bridge(exec, coupling);
  const Side side = side_of(setting, solved);
  const auto figures = score_mixture(setting, pair, side);
  add_cells(record, pair, "GridIpf, 128 x 128 nodes", figures);

  const std::size_t n = 300;
  const Points<double> x("fortet::validation::x", n, 2), ours("fortet::validation::ours", n, 2),
      truth("fortet::validation::truth", n, 2);
  pair.source().sample(exec, setting.key.child(30), x);
  side.conditional_mean(x, ours);
  pair.conditional_mean(exec, x, truth);
  record.score("map", relative_error(to_host(ours), to_host(truth)));
  record.score("drift", figures.drift);
  record.score("cBW2-UVP over the floor", figures.conditional.value / *figures.conditional.floor,
               {.sampling_floor = figures.conditional.floor});
}

}  // namespace

void add_mixture_grid(std::vector<Case>& cases, double epsilon) {
  cases.push_back(
      {mixture_name(2, epsilon, "grid"),
       "GridIpf between the densities of a pair made from its bridge: map, drift, conditional laws",
       [=](const Setting& s, Record& r) { grid(s, r, epsilon); }});
}

}  // namespace fortet::validation
