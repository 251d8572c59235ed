// Family "grid": multimodal problems in the plane, where a fine grid is the truth for samples.
#include <cmath>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian_mixture.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "suite.hpp"

namespace fortet::validation {
namespace {

struct Mixtures {
  GaussianMixture source{{1, 2}, {Gaussian({-1, 0}, isotropic(2, 0.3)), Gaussian({1, 1}, isotropic(2, 0.4))}};
  GaussianMixture target{{1, 1, 1},
                         {Gaussian({2, 0}, isotropic(2, 0.3)), Gaussian({-2, 1}, isotropic(2, 0.4)),
                          Gaussian({0, -2}, isotropic(2, 0.3))}};
  Brownian reference = brownian_with_epsilon(1);
};

auto on_grid(const Setting& setting, const Mixtures& problem, int side) {
  const RegularGrid square{{-7, 7, side}, {-7, 7, side}};
  return GridIpf<double>({.tolerance = 1e-11})
      .solve(setting.exec, Problem{discretise(setting.exec, problem.source, square),
                                   discretise(setting.exec, problem.target, square), problem.reference});
}

template <class C>
std::vector<double> map_at(const Setting& setting, const C& coupling, const Points<double>& x) {
  Points<double> mean("fortet::validation::mean", x.extent(0), x.extent(1));
  coupling.conditional_mean(setting.exec, x, mean);
  setting.exec.fence();
  return to_host(mean);
}

auto on_samples(const Setting& setting, const Mixtures& problem, std::size_t n, std::uint64_t stream) {
  return Sinkhorn<double>({.tolerance = 1e-6})
      .solve(setting.exec,
             Problem{draw(setting.exec, problem.source, n, setting.key.child(stream)),
                     draw(setting.exec, problem.target, n, setting.key.child(stream + 1)), problem.reference})
      .coupling;
}

void mixtures(const Setting& setting, Record& record) {
  const Mixtures problem;
  const auto coarse = on_grid(setting, problem, 96), fine = on_grid(setting, problem, 160);
  const auto x = draw(setting.exec, problem.source, 300, setting.key.child(0)).points();
  const Points<double> starts("fortet::validation::starts", x.extent(0), 2);
  Kokkos::deep_copy(starts, x);
  const auto truth = map_at(setting, fine.coupling, starts);
  record.score("refinement of the map", relative_error(map_at(setting, coarse.coupling, starts), truth));
  record.score("refinement of the cost",
               std::abs(*coarse.report.transport_cost / *fine.report.transport_cost - 1));
  // the discrete problem on the coarse nodes, given to the other solver
  const auto discrete = Sinkhorn<double>({.tolerance = 1e-11})
                            .solve(setting.exec, Problem{atoms(coarse.coupling.source()),
                                                         atoms(coarse.coupling.target()), problem.reference});
  record.score("sinkhorn on the nodes",
               std::abs(*discrete.report.entropic_cost / *coarse.report.entropic_cost - 1),
               {.oracle = *coarse.report.entropic_cost});

  Curve curve{.title = "Map of Sinkhorn on samples",
              .x_label = "samples on each side",
              .y_label = "relative error of E[X1 | X0]",
              .caption =
                  "Against IPF on a grid of 160 x 160 nodes. A good curve falls like the dashed n^-1/2 and "
                  "lies near the distance of two runs on fresh samples.",
              .series = {{"against the grid", {}, {}}, {"between two runs", {}, {}}, {"n^-1/2", {}, {}}}};
  double ratio = 0;
  for (const std::size_t n : {250u, 500u, 1000u, 2000u}) {
    const auto first = map_at(setting, on_samples(setting, problem, n, 10 * n), starts),
               second = map_at(setting, on_samples(setting, problem, n, 10 * n + 2), starts);
    const double error = relative_error(first, truth), floor = relative_error(first, second);
    ratio = error / floor;
    for (auto& series : curve.series) series.x.push_back(static_cast<double>(n));
    curve.series[0].y.push_back(error);
    curve.series[1].y.push_back(floor);
    curve.series[2].y.push_back(curve.series[0].y.front() * std::sqrt(250.0 / static_cast<double>(n)));
  }
  record.score("sinkhorn map over floor", ratio, {.sampling_floor = 1 / std::sqrt(2.0)});
  record.curve(std::move(curve));
}

}  // namespace

std::vector<Case> grid_cases() {
  return {{"grid/mixtures",
           "Two to three Gaussians in the plane: IPF on two grids, Sinkhorn on nodes and on samples",
           mixtures}};
}

}  // namespace fortet::validation
