// Family "grid": multimodal problems in the plane, where a fine grid is the truth for samples.
#include <cmath>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian_mixture.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "networks.hpp"
#include "sides.hpp"

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
  const auto starts = draw(setting.exec, problem.source, 300, setting.key.child(0)).points();
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
              .series = {{"against the grid", {}, {}},
                         {"between two runs", {}, {}},
                         {"n^-1/2", {}, {}, Curve::Style::truth}}};
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

// ---- every other solver against the finer grid

/// The bridge of the finer grid, and where solvers are asked about it.
struct Truth {
  Mixtures problem;
  GridBridge<Brownian> bridge;
  Points<double> starts;

  explicit Truth(const Setting& setting)
      : bridge(fortet::bridge(setting.exec, on_grid(setting, problem, 160).coupling)),
        starts("fortet::validation::starts", 64, 2) {
    problem.source.sample(setting.exec, setting.key.child(0), starts);
    setting.exec.fence("fortet::validation::starts");
  }
};

/// E[X1 | X0] at the starts, from as many draws at each.
std::vector<double> drawn_map(const Setting& setting, const Truth& truth, const Side& side,
                              std::uint64_t stream) {
  std::vector<double> means;
  for (const Moments& law : drawn_moments(setting, side, truth.starts, 500, setting.key.child(stream)))
    means.insert(means.end(), law.mean.begin(), law.mean.end());
  return means;
}

Points<double> half_way(const Side& side, RandomKey key) {
  const Points<double> x("fortet::validation::half_way", 2000, 2);
  side.sample_marginal(key, side.horizon / 2, x);
  return x;
}

/// Map, drift at three times and law half-way of a solver.
void score_against_grid(const Setting& setting, Record& record, const Truth& truth, const std::string& solver,
                        const Side& side) {
  const DefaultExec& exec = setting.exec;
  const Side exact = side_of(setting, truth.bridge);
  const auto map = map_at(setting, truth.bridge, truth.starts), ours = drawn_map(setting, truth, side, 1);
  record.score("map", relative_error(ours, map),
               {.sampling_floor = relative_error(drawn_map(setting, truth, exact, 2), map)});
  for (const int quarter : {1, 2, 3}) {
    record.score("drift at " + std::to_string(quarter) + "/4 T",
                 drift_error(side, exact, quarter * exact.horizon / 4, 1000,
                             setting.key.child(static_cast<std::uint64_t>(10 + quarter))));
  }
  const PointCloud<double> fresh(half_way(exact, setting.key.child(20)));
  const auto distance = [&](const Side& other, std::uint64_t stream) {
    return energy_distance(exec, PointCloud<double>(half_way(other, setting.key.child(stream))), fresh);
  };
  const Estimate found = distance(side, 21);
  record.score("law of X at T/2, energy distance", found.value,
               {.standard_error = found.standard_error, .sampling_floor = distance(exact, 22).value});

  Curve picture{.title = "Transport map in the plane, " + solver,
                .x_label = "first coordinate",
                .y_label = "second coordinate",
                .caption = "From 64 starts a line to E[X1 | X0] of the grid, and a point at that of " +
                           solver + " from 500 draws. A good picture has a point at the end of every line.",
                .log_x = false,
                .log_y = false};
  const auto starts = to_host(truth.starts);
  Curve::Series points{solver, {}, {}, Curve::Style::points};
  for (std::size_t i = 0; i < map.size(); i += 2) {
    picture.series.push_back({"grid", {starts[i], map[i]}, {starts[i + 1], map[i + 1]}, Curve::Style::truth});
    points.x.push_back(ours[i]);
    points.y.push_back(ours[i + 1]);
  }
  picture.series.push_back(std::move(points));
  record.curve(std::move(picture));
}

void by_samples(const Setting& setting, Record& record) {
  const Truth truth(setting);
  const auto solved = lift(on_samples(setting, truth.problem, setting.full ? 8000 : 2000, 30));
  score_against_grid(setting, record, truth, "Sinkhorn", side_of(setting, solved));
  // f, up to its constant
  const auto potential = [&](const auto& side) {
    const Vector<double> f("fortet::validation::potential", truth.starts.extent(0));
    side.source_potential(setting.exec, truth.starts, f);
    setting.exec.fence("fortet::validation::potential");
    auto values = to_host(f);
    double mean = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (double& v : values) v -= mean;
    return values;
  };
  record.score("potential", relative_error(potential(solved), potential(truth.bridge)));
}

void by_networks(const Setting& setting, Record& record, Method method) {
  const Truth truth(setting);
  const Training training = setting.full ? Training{.iterations = 6, .steps = 3000, .width = 128, .chain = 50}
                                         : Training{.iterations = 3, .steps = 600, .width = 64, .chain = 30};
  const auto solved = train(setting, method,
                            {as_sampler<double>(truth.problem.source),
                             as_sampler<double>(truth.problem.target), truth.problem.reference},
                            training, setting.key.seed)
                          .coupling;
  score_against_grid(setting, record, truth, method == Method::dsb ? "DSB" : "DSBM",
                     side_of(setting, solved));
}

}  // namespace

std::vector<Case> grid_cases() {
  const std::string against = "Two to three Gaussians in the plane, against IPF on the finer grid: ";
  const std::string dynamic = "map, drift at three times, law half-way";
  return {
      {"grid/mixtures",
       "Two to three Gaussians in the plane: IPF on two grids, Sinkhorn on nodes and on samples", mixtures},
      {"grid/mixtures/sinkhorn", against + "the lift of Sinkhorn on samples, " + dynamic + ", potential",
       by_samples},
      {"grid/mixtures/dsb", against + "DSB, " + dynamic,
       [](const Setting& s, Record& r) { by_networks(s, r, Method::dsb); }},
      {"grid/mixtures/dsbm", against + "DSBM, " + dynamic,
       [](const Setting& s, Record& r) { by_networks(s, r, Method::dsbm); }}};
}

}  // namespace fortet::validation
