#include "fortet/solver/grid_ipf.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "grid/cells.hpp"
#include "grid/chain_gibbs.hpp"
#include "grid/grid_gibbs.hpp"
#include "measure/allocate.hpp"
#include "solver/grid_multigrid.hpp"

namespace fortet {
namespace {

SinkhornOptions shared_options(const GridIpfOptions& options) {
  return {.tolerance = options.tolerance,
          .max_iterations = options.max_iterations,
          .largest_relaxation = options.largest_relaxation,
          .annealing = options.annealing,
          .certify = options.certify,
          .check_every = options.check_every,
          .observer = options.observer};
}

/// What the grid does to the problem, in words: empty when it resolves the kernel.
std::string resolution_warning(const impl::GridGeometry& geometry) {
  std::ostringstream text;
  text.precision(3);
  for (int k = 0; k < geometry.dimension(); ++k) {
    const double spacing =
        std::max(geometry.factor[k] * geometry.source.axis(k).spacing(), geometry.target.axis(k).spacing());
    const double ratio = spacing / std::sqrt(geometry.variance(k));
    if (ratio > 1)
      text << "; warning: spacing is " << ratio << " standard deviations of the reference on axis " << k
           << ", the grid does not resolve it";
  }
  return text.str();
}

/// First and last node of every axis that has mass, as coordinates.
struct Box {
  double lower[RegularGrid::max_dimension], upper[RegularGrid::max_dimension];
};
Box support(const GridMeasure& measure) {
  Box box;
  const RegularGrid& grid = measure.grid();
  const std::vector<double> log_density = to_host(measure.log_density());
  for (int k = 0; k < grid.dimension(); ++k) {
    box.lower[k] = grid.axis(k).upper;
    box.upper[k] = grid.axis(k).lower;
  }
  for (std::size_t i = 0; i < log_density.size(); ++i) {
    if (!std::isfinite(log_density[i])) continue;
    for (int k = 0; k < grid.dimension(); ++k) {
      box.lower[k] = std::min(box.lower[k], grid.coordinate(i, k));
      box.upper[k] = std::max(box.upper[k], grid.coordinate(i, k));
    }
  }
  return box;
}

/// How far apart the supports are, in words; empty where their boxes meet.
std::string distance_note(const GridMeasure& source, const GridMeasure& target,
                          const impl::GridGeometry& geometry) {
  const Box from = support(source), to = support(target);
  double square = 0;
  for (int k = 0; k < geometry.dimension(); ++k) {
    const double gap = std::max({0.0, to.lower[k] - geometry.pushed(k, from.upper[k]),
                                 geometry.pushed(k, from.lower[k]) - to.upper[k]});
    square += gap * gap / geometry.variance(k);
  }
  if (square == 0) return "";
  std::ostringstream text;
  text.precision(3);
  text << "; the supports are " << std::sqrt(square) << " standard deviations of the reference apart";
  return text.str();
}

bool in_free_space(const impl::GridGeometry& geometry) {
  for (int k = 0; k < geometry.dimension(); ++k)
    if (geometry.boundary[k] != Boundary::free) return false;
  return true;
}

}  // namespace

void GridIpfOptions::validate() const {
  shared_options(*this).validate();
  detail::require(multigrid >= 0 && multigrid != 1, "fortet::GridIpfOptions", "multigrid", multigrid,
                  "expected 0 (off) or at least 2 nodes");
  detail::require(chain.steps >= 0, "fortet::GridIpfOptions", "chain.steps", chain.steps,
                  "expected 0 (automatic) or more");
  detail::require(std::isfinite(chain.tolerance) && chain.tolerance > 0, "fortet::GridIpfOptions",
                  "chain.tolerance", chain.tolerance, "expected a finite number > 0");
}

namespace impl {

template <class Real>
GridSolution grid_ipf(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                      const GridGeometry& geometry, const GridIpfOptions& options,
                      ConstVector<double> start) {
  require_memory(geometry);
  const auto kernel = std::make_shared<GridGibbs<Real>>(exec, source, target, geometry, options.kernel);
  solver::SolveSequence solves(shared_options(options));
  const AnnealingOptions& annealing = options.annealing;
  if (options.multigrid > 0 && start.extent(0) == 0 && annealing.enabled &&
      geometry.epsilon < annealing.threshold * kernel->mean_cost(exec))
    start = solver::start_on_coarser_grids<Real>(exec, source, target, geometry, annealing, options.multigrid,
                                                 solves);
  const int on_coarser_grids = solves.iterations();
  auto result = sinkhorn<DefaultExec>(exec, kernel, solves.next(), start);
  solves.add(result.report);
  if (result.report.status == Status::stalled && on_coarser_grids > 0) {
    // annealing balances masses between far parts that a good start does not show to be unequal
    result = sinkhorn<DefaultExec>(exec, kernel, solves.next(), {});
    solves.add(result.report);
  }
  Report& report = result.report;
  report.solver = "grid_ipf";
  report.dimension = geometry.dimension();
  // the tiles used are known only after the work
  report.kernel =
      kernel->description() + resolution_warning(geometry) + distance_note(source, target, geometry);
  if (on_coarser_grids > 0)
    report.kernel += "; begun by " + std::to_string(on_coarser_grids) + " iterations on coarser grids";
  // between reflecting or periodic walls the cost is -epsilon log of a sum of images: no transport part
  if (!in_free_space(geometry)) report.transport_cost.reset();
  return {result.f, result.g, std::move(report)};
}

namespace {

std::string chain_notes(const grid::ChosenChain& chosen, const ChainGibbs& kernel,
                        const ChainBridge& bridge) {
  std::ostringstream text;
  text.precision(3);
  if (!std::isnan(chosen.error)) text << ", estimated L1 error in time " << chosen.error;
  text << ", wall contact " << bridge.wall_contact();
  if (kernel.mass_out_of_range() > 0)
    text << "; warning: nodes with mass " << kernel.mass_out_of_range()
         << " are out of reach of double precision; enlarge epsilon or shrink the box";
  return text.str();
}

}  // namespace

Solution<ChainBridge> chain_ipf(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                                const DriftDiffusion& reference, const GridIpfOptions& options,
                                ConstVector<double> start) {
  constexpr const char* where = "fortet::GridIpf";
  const RegularGrid states = grid::common_cells(source.grid(), target.grid());
  detail::require(!options.certify, where, "certify", "true", "not available with a DriftDiffusion");
  const auto boundary = boundaries(options.boundary, source.dimension());
  const GridGeometry nominal =  // the diffusion without its drift
      grid_geometry(states, states, boundary, reference.epsilon());
  const auto masses = grid::spread(exec, {source.grid(), states}, log_masses(exec, source));
  Kokkos::parallel_for(
      "fortet::grid::masses", Kokkos::RangePolicy<DefaultExec>(exec, 0, masses.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { masses(i) = Kokkos::exp(masses(i)); });
  const auto chosen = grid::choose_chain(exec, states, reference, boundary, options.chain, masses);
  const auto kernel = std::make_shared<ChainGibbs>(exec, source, target, chosen.chain, boundary);
  auto [f, g, report] = sinkhorn<DefaultExec>(exec, kernel, shared_options(options), start);
  const ChainBridge bridge(exec, source, target, chosen.chain, boundary, f, g);
  detail::require(
      !(bridge.wall_contact() > options.chain.largest_wall_contact), where, "wall contact",
      bridge.wall_contact(),
      "the bridge reaches the walls of a free axis; enlarge the box, or make the axis reflecting");
  report.solver = "grid_ipf";
  report.dimension = source.dimension();
  report.kernel += chain_notes(chosen, *kernel, bridge) + resolution_warning(nominal) +
                   distance_note(source, target, nominal);
  report.transport_cost.reset();
  return {bridge, std::move(report)};
}

template GridSolution grid_ipf<float>(const DefaultExec&, const GridMeasure&, const GridMeasure&,
                                      const GridGeometry&, const GridIpfOptions&, ConstVector<double>);
template GridSolution grid_ipf<double>(const DefaultExec&, const GridMeasure&, const GridMeasure&,
                                       const GridGeometry&, const GridIpfOptions&, ConstVector<double>);

}  // namespace impl

Vector<double> prolong(const DefaultExec& exec, const GridPlan& coarse, const RegularGrid& target) {
  detail::require(target.dimension() == coarse.target_dimension(), "fortet::prolong", "target.dimension()",
                  target.dimension(), "expected the coupling's dimension");
  Points<double> nodes(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::grid::nodes"),
                       target.size(), static_cast<std::size_t>(target.dimension()));
  detail::grid_points(exec, target, 0, nodes);
  const Vector<double> potential = detail::allocate(exec, "fortet::grid::prolonged", target.size());
  coarse.target_potential(exec, nodes, potential);
  exec.fence("fortet::prolong");
  return potential;
}

}  // namespace fortet
