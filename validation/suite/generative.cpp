// Family "generative": planar sets by short trainings. No closed form: exact W2 to fresh draws of the target,
// beside that of two fresh draws.
#include <cmath>

#include "fortet/compare/metrics.hpp"
#include "fortet/measure/datasets.hpp"
#include "fortet/measure/gaussian.hpp"
#include "networks.hpp"

namespace fortet::validation {
namespace {

struct Task {
  const char* name;
  Shape target;
  bool from_moons = false;
  double published[4];  // DSBM-IPF, DSBM-IMF, DSB, OT-CFM, as printed by Shi et al. 2023
};
constexpr Task tasks[] = {{"moons", Shape::moons, false, {.140, .144, .190, .111}},
                          {"s-curve", Shape::s_curve, false, {.140, .145, .272, .102}},
                          {"8gaussians", Shape::eight_gaussians, false, {.315, .338, .411, .253}},
                          {"moons-to-8gaussians", Shape::eight_gaussians, true, {.812, .838, .987, .716}}};

double w2_of(const Points<double>& x, const Points<double>& y) {
  return w2(PointCloud<double>(x), PointCloud<double>(y)).value;
}

Points<double> draws(const DefaultExec& exec, const Sampler<double>& measure, std::size_t n, RandomKey key) {
  const Points<double> x("fortet::validation::draws", n, 2);
  measure.sample(exec, key, x);
  exec.fence("fortet::validation::draws");
  return x;
}

struct Summary {
  double mean = 0, error = 0;  ///< standard error of the mean
};
Summary summary(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  Summary out;
  for (const double v : values) out.mean += v / n;
  for (const double v : values) out.error += (v - out.mean) * (v - out.mean);
  out.error = n > 1 ? std::sqrt(out.error / (n - 1) / n) : std::nan("");
  return out;
}

void planar(const Setting& setting, Record& record, const Task& task, Method method) {
  if (!has_exact_transport()) throw Skipped("built without LEMON: no exact W2");
  const DefaultExec& exec = setting.exec;
  const std::size_t n = setting.full ? 2000 : 500;
  const int seeds = setting.full ? 5 : 1;
  const auto target = as_sampler<double>(PlanarDataset(task.target));
  const auto source = task.from_moons ? as_sampler<double>(PlanarDataset(Shape::moons))
                                      : as_sampler<double>(Gaussian({0, 0}, isotropic(2, 1.0)));
  const Training training = setting.full ? Training{.iterations = 4, .steps = 1000, .width = 128}
                                         : Training{.iterations = 2, .steps = 500, .width = 64};
  std::vector<double> found, floors;
  for (int seed = 0; seed < seeds; ++seed) {
    const RandomKey key = setting.key.child(static_cast<std::uint64_t>(seed));
    const auto bridge =
        train(setting, method, {source, target, Brownian{}}, training, key.child(0).stream % 1000000)
            .coupling;
    Points<float> x0("fortet::validation::x0", n, 2), x1("fortet::validation::x1", n, 2);
    bridge.sample(exec, key.child(1), x0, x1);
    exec.fence("fortet::validation::sample");
    const auto rows = to_host(x1);
    const auto ours = points_from_host<double>(std::span<const double>(rows), n, 2);
    const auto fresh = draws(exec, target, n, key.child(2));
    found.push_back(w2_of(ours, fresh));
  }
  for (std::uint64_t k = 0; k < 5; ++k)
    floors.push_back(w2_of(draws(exec, target, n, setting.key.child(100 + 2 * k)),
                           draws(exec, target, n, setting.key.child(101 + 2 * k))));
  const Summary w = summary(found), floor = summary(floors);
  record.score("W2", w.mean, {.standard_error = w.error, .sampling_floor = floor.mean});
  const std::string table = "W2, mean over seeds (ours: " + std::to_string(n) +
                            " draws a side; published: 10,000, whose floors are lower)";
  record.cell({table, "two fresh draws of the target (the floor)", task.name, floor.mean});
  record.cell({table,
               std::string(method == Method::dsb ? "DSB" : "DSBM") + ", " +
                   std::to_string(training.iterations) + " rounds of " + std::to_string(training.steps) +
                   " steps, " + std::to_string(seeds) + " seeds",
               task.name, w.mean});
  const char* rows[] = {"DSBM-IPF", "DSBM-IMF", "DSB", "OT-CFM"};
  for (std::size_t k = 0; k < 4; ++k) record.cell({table, rows[k], task.name, task.published[k], true});
}

}  // namespace

std::vector<Case> generative_cases() {
  std::vector<Case> cases;
  for (const Task& task : tasks)
    for (const Method method : {Method::dsbm, Method::dsb})
      cases.push_back({std::string("generative/") + task.name + (method == Method::dsb ? "/dsb" : "/dsbm"),
                       "Exact W2 of trained chains to fresh draws of a planar set",
                       [=](const Setting& s, Record& r) { planar(s, r, task, method); },
                       method == Method::dsb || task.target != Shape::moons});
  add_digits(cases);
  return cases;
}

}  // namespace fortet::validation
