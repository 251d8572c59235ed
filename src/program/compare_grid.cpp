#include <algorithm>
#include <cmath>
#include <span>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "program/compare_solvers.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {
namespace {

constexpr int nodes = 96;             // an axis in the plane
constexpr std::size_t probes = 4000;  // draws that say where a measure lies

struct Extent {
  double lower, upper;
};

/// Where the two measures lie along coordinate k, and a margin for what the draws have missed and for the
/// bridges between, whose standard deviation half-way is at most sqrt(epsilon) / 2.
Extent extent(const Setting& setting, std::size_t k, double epsilon) {
  double low = 0, high = 0;
  bool first = true;
  for (const auto* side : {&setting.source, &setting.target}) {
    const Sampler<double> measure = sampler(*side);
    const Points<double> x("fortet::compare::probes", probes, static_cast<std::size_t>(measure.dimension()));
    measure.sample(setting.exec, setting.key.child(7), x);
    setting.exec.fence("fortet::compare::probes");
    const auto rows = to_host(x);
    for (std::size_t i = k; i < rows.size(); i += x.extent(1)) {
      low = first ? rows[i] : std::min(low, rows[i]);
      high = first ? rows[i] : std::max(high, rows[i]);
      first = false;
    }
  }
  const double margin = 0.3 * (high - low) + std::sqrt(epsilon);
  return {low - margin, high + margin};
}

template <class Ref>
GridMeasure on_grid(const Setting& setting, const ComparedMeasure& measure, const Ref& reference) {
  std::vector<GridAxis> axes;
  for (int k = 0; k < dimension(measure); ++k) {
    const auto [lower, upper] = extent(setting, static_cast<std::size_t>(k), reference.epsilon());
    axes.push_back({lower, upper, dimension(measure) == 1 ? 4 * nodes : nodes});
  }
  if (const auto* gaussian = std::get_if<Gaussian>(&measure))
    return discretise(setting.exec, *gaussian, RegularGrid(axes));
  return discretise(setting.exec, std::get<GaussianMixture>(measure), RegularGrid(axes));
}

/// A pair a path, then bridge steps of the reference towards its end: no discretisation in time.
template <class Ref>
auto paths_of(const DefaultExec& exec, const impl::ComparisonSide<DefaultMemory>& side,
              const Ref& reference) {
  return [=](RandomKey key, std::span<const double> times, const ComparedPaths& paths) {
    const Points<double> now("fortet::compare::now", paths.extent(0), paths.extent(1)),
        end("fortet::compare::end", paths.extent(0), paths.extent(1));
    side.sample(key.child(0), now, end);
    double mean[RegularGrid::max_dimension] = {};
    for (int k = 0; k < static_cast<int>(paths.extent(1)); ++k) mean[k] = reference.mean_of(k);
    double t = 0;
    for (std::size_t k = 0; k < times.size(); ++k) {
      if (times[k] > t)
        impl::bridge_points(exec, key.child(k + 1), bridge_step(reference, t, times[k], reference.horizon),
                            mean, now, end, now);
      t = times[k];
      Kokkos::deep_copy(exec, Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k), now);
    }
    exec.fence("fortet::compare::paths");
  };
}

}  // namespace

bool has_grid(const Setting& setting) {
  const auto dense = [](const ComparedMeasure& measure) {
    if (const auto* gaussian = std::get_if<Gaussian>(&measure)) return !gaussian->singular();
    return std::holds_alternative<GaussianMixture>(measure);
  };
  return dimension(setting.source) <= 2 && dense(setting.source) && dense(setting.target);
}

Solved solve_on_grid(const Setting& setting) {
  detail::require(has_grid(setting), "fortet compare", "--solver", "grid",
                  "it needs densities in one or two dimensions: Gaussians or mixtures of them");
  const auto begin = std::chrono::steady_clock::now();
  ProgressBar bar(setting.quiet);
  GridIpfOptions options;
  options.observer = bar.observer();
  return std::visit(
      [&](const auto& reference) {
        auto [coupling, report] = GridIpf<double>(options).solve(
            setting.exec, Problem{on_grid(setting, setting.source, reference),
                                  on_grid(setting, setting.target, reference), reference});
        Solved result = solved(setting.exec, "grid", "proportional fitting between the densities on a grid",
                               bridge(setting.exec, std::move(coupling)), std::move(report), begin);
        result.sample_paths = paths_of(setting.exec, result.side, reference);
        return result;
      },
      setting.reference);
}

}  // namespace fortet::program
