#include "solver/grid_multigrid.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "grid/grid_gibbs.hpp"
#include "measure/allocate.hpp"

namespace fortet::solver {
namespace {

using impl::GridGeometry;

// Marginal error at which a coarser grid is left, at the epsilon of the problem: measured, from 1e-1 to 1e-9,
// on smooth and rough densities (bench_grid).
constexpr double enough_on_coarser_grids = 1e-4;

/// One grid of the hierarchy.
struct Level {
  GridMeasure source, target;
  GridGeometry geometry;
};

/// Half the nodes of every axis that keeps at least `fewest`; the others as they are.
RegularGrid halved(const RegularGrid& grid, int fewest) {
  std::vector<GridAxis> axes = grid.axes();
  for (GridAxis& axis : axes)
    if (axis.nodes >= 2 * fewest) axis.nodes = (axis.nodes + 1) / 2;
  return RegularGrid(axes);
}

/// The smallest epsilon at which the kernel's standard deviation is the spacing: sums of such Gaussians are
/// smooth to e^{-2 pi^2} = 3e-9.
double resolved_epsilon(const GridGeometry& geometry) {
  double epsilon = 0;
  for (int k = 0; k < geometry.dimension(); ++k) {
    const double spacing =
        std::max(geometry.factor[k] * geometry.source.axis(k).spacing(), geometry.target.axis(k).spacing());
    epsilon = std::max(epsilon, geometry.weight[k] * spacing * spacing);
  }
  return epsilon;
}

/// From the coarsest to the finest but one.
std::vector<Level> coarser_levels(const DefaultExec& exec, const GridMeasure& source,
                                  const GridMeasure& target, const GridGeometry& geometry, int fewest) {
  std::vector<Level> levels;
  if (resolved_epsilon(geometry) > geometry.epsilon) return levels;  // the next would be a different problem
  Level level{source, target, geometry};
  for (;;) {
    const RegularGrid from = halved(level.geometry.source, fewest),
                      to = halved(level.geometry.target, fewest);
    if (from == level.geometry.source && to == level.geometry.target) break;
    level.geometry.source = from;
    level.geometry.target = to;
    level.geometry.epsilon = std::max(geometry.epsilon, resolved_epsilon(level.geometry));
    level.source = level.source.resample(exec, from);
    level.target = level.target.resample(exec, to);
    levels.insert(levels.begin(), level);
  }
  return levels;
}

/// The target potential of `level` at the nodes of another target.
template <class Real>
Vector<double> continued(const DefaultExec& exec, const Level& level, const GridMeasure& target,
                         const Vector<double>& source_potential) {
  GridGeometry geometry = level.geometry;
  geometry.target = target.grid();
  const impl::GridGibbs<Real> kernel(exec, level.source, target, geometry, GridKernel::automatic);
  const Vector<double> g = detail::allocate(exec, "fortet::grid::continued", target.size());
  kernel.soft_min(exec, impl::Side::target, source_potential, g);
  exec.fence("fortet::grid::continued");
  return g;
}

}  // namespace

SinkhornOptions SolveSequence::next(const std::string& phase) {
  SinkhornOptions options = options_;
  options.max_iterations = std::max(1, options_.max_iterations - iterations_);
  if (options_.observer)
    options.observer = [this, phase](Progress progress) {
      if (!phase.empty()) progress.phase = phase;
      progress.iteration += iterations_;
      progress.max_iterations = options_.max_iterations;
      progress.seconds += seconds_;
      cancelled_ = cancelled_ || options_.observer(progress) == Continue::no;
      return cancelled_ ? Continue::no : Continue::yes;
    };
  return options;
}

void SolveSequence::add(Report& report, const std::string& phase) {
  for (HistoryEntry entry : report.history) {
    entry.iteration += iterations_;
    entry.seconds += seconds_;
    if (!phase.empty()) entry.method = phase;
    history_.push_back(std::move(entry));
  }
  report.history = history_;
  report.iterations = iterations_ += report.iterations;
  report.seconds = seconds_ += report.seconds;
}

template <class Real>
ConstVector<double> start_on_coarser_grids(const DefaultExec& exec, const GridMeasure& source,
                                           const GridMeasure& target, const GridGeometry& geometry,
                                           const AnnealingOptions& annealing, int coarsest_nodes,
                                           SolveSequence& solves) {
  constexpr const char* phase = "coarser grid";
  const std::vector<Level> levels = coarser_levels(exec, source, target, geometry, coarsest_nodes);
  ConstVector<double> start;
  for (std::size_t l = 0; l < levels.size() && !solves.over(); ++l) {
    const Level& level = levels[l];
    SinkhornOptions options = solves.next(phase);
    options.certify = false;
    options.tolerance =
        std::max(options.tolerance,
                 level.geometry.epsilon > geometry.epsilon ? annealing.tolerance : enough_on_coarser_grids);
    const auto kernel = std::make_shared<impl::GridGibbs<Real>>(exec, level.source, level.target,
                                                                level.geometry, GridKernel::automatic);
    auto [f, g, report] = impl::sinkhorn<DefaultExec>(exec, kernel, options, start);
    solves.add(report, phase);
    const bool last = l + 1 == levels.size() || solves.over();
    start = continued<Real>(exec, level, last ? target : levels[l + 1].target, f);
  }
  return start;
}

template ConstVector<double> start_on_coarser_grids<float>(const DefaultExec&, const GridMeasure&,
                                                           const GridMeasure&, const GridGeometry&,
                                                           const AnnealingOptions&, int, SolveSequence&);
template ConstVector<double> start_on_coarser_grids<double>(const DefaultExec&, const GridMeasure&,
                                                            const GridMeasure&, const GridGeometry&,
                                                            const AnnealingOptions&, int, SolveSequence&);

}  // namespace fortet::solver
