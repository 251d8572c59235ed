#include "program/grid.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/io/grid.hpp"
#include "fortet/io/json.hpp"
#include "fortet/io/npy.hpp"
#include "fortet/io/pgm.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "program/input.hpp"
#include "program/interrupt.hpp"
#include "program/output.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {
namespace {

struct Densities {
  GridMeasure source, target;
};

Densities read_densities(const GridArguments& a) {
  return {read_grid_measure(a.source, a.lower, a.upper), read_grid_measure(a.target, a.lower, a.upper)};
}

/// An array at the nodes of `grid`, with `more` values a node.
std::vector<double> read_at_nodes(const std::filesystem::path& path, const RegularGrid& grid,
                                  std::size_t more) {
  const Array array = read_array(path);
  std::vector<std::size_t> shape;
  for (const GridAxis& axis : grid.axes()) shape.push_back(static_cast<std::size_t>(axis.nodes));
  if (more > 0) shape.push_back(more);
  if (array.shape != shape)
    throw InvalidArgument(path.string() + ": expected an array " + shape_text(shape) + ", not " +
                          shape_text(array.shape));
  require_finite<double>(array, path);
  std::vector<double> values(array.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = array[i];
  return values;
}

DriftDiffusion drift_diffusion(const GridArguments& a, const RegularGrid& grid) {
  if (a.rate) throw InvalidArgument("give either --rate or --drift and --killing, not both");
  const Brownian noise = a.epsilon.reference();
  DriftDiffusion reference{.sigma = noise.sigma, .horizon = noise.horizon};
  if (a.drift)
    reference.drift =
        Drift::array(grid, read_at_nodes(*a.drift, grid, static_cast<std::size_t>(grid.dimension())));
  if (a.killing) reference.killing = KillingRate::array(grid, read_at_nodes(*a.killing, grid, 0));
  return reference;
}

OrnsteinUhlenbeck ornstein_uhlenbeck(const GridArguments& a, const RegularGrid& grid) {
  if (a.epsilon.epsilon)
    throw InvalidArgument("--rate: give --sigma and --horizon, epsilon follows from them");
  if (!a.mean.empty() && a.mean.size() != a.lower.size())
    throw InvalidArgument("--mean: expected " + std::to_string(grid.dimension()) + " numbers");
  const Brownian noise = a.epsilon.reference();
  return {.rate = *a.rate, .mean = a.mean, .sigma = noise.sigma, .horizon = noise.horizon};
}

GridIpfOptions options(const GridArguments& a, ProgressBar& progress) {
  GridIpfOptions result{.tolerance = a.tolerance, .max_iterations = a.max_iterations};
  result.observer = progress.observer();
  result.kernel = a.kernel == "dense"      ? GridKernel::dense
                  : a.kernel == "tilted"   ? GridKernel::tilted
                  : a.kernel == "spectral" ? GridKernel::spectral
                  : a.kernel == "direct"   ? GridKernel::direct
                                           : GridKernel::automatic;
  result.chain.stepper = a.stepper == "euler"          ? Stepper::implicit_euler
                         : a.stepper == "second-order" ? Stepper::second_order
                                                       : Stepper::automatic;
  result.chain.steps = a.steps;
  result.chain.largest_wall_contact = a.largest_loss.value_or(result.chain.largest_wall_contact);
  for (const std::string& name : a.boundary)
    result.boundary.push_back(name == "periodic"     ? Boundary::periodic
                              : name == "reflecting" ? Boundary::reflecting
                                                     : Boundary::free);
  return result;
}

/// A density as a picture: a line is one row, a volume is seen along its last axis.
Array picture(const DefaultExec& exec, const GridMeasure& density) {
  Array result = density_array(density.dimension() == 3 ? density.marginal(exec, {0, 1}) : density);
  if (result.rank() == 1) result.shape = {1, result.size()};
  return result;
}

/// Pictures of lines below each other, others side by side; each scaled by its own maximum.
Array filmstrip(const std::vector<Array>& pictures) {
  const std::size_t rows = pictures[0].shape[0], columns = pictures[0].shape[1];
  const bool down = rows == 1;
  const std::size_t count = pictures.size(), height = down ? count : rows,
                    width = down ? columns : count * columns;
  std::vector<double> values(height * width);
  for (std::size_t p = 0; p < count; ++p) {
    const auto& from = std::get<std::vector<double>>(pictures[p].values);
    const double most = *std::max_element(from.begin(), from.end());
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        values[down ? p * columns + j : i * width + p * columns + j] = from[i * columns + j] / most;
  }
  return {{height, width}, std::move(values)};
}

/// The densities at equal times, both ends as given.
template <class B>
void write_slices(const DefaultExec& exec, const GridArguments& a, const B& bridge, double horizon) {
  const GridMeasure first = bridge.source(), last = bridge.target();
  Array shape = grid_array(first.grid(), first.log_density());
  shape.shape.insert(shape.shape.begin(), static_cast<std::size_t>(a.slices) + 1);
  NpyWriter<double> writer(*a.output / "slices.npy", shape.shape);
  std::vector<Array> pictures;
  std::vector<double> times;
  for (int k = 0; k <= a.slices; ++k) {
    times.push_back(horizon * k / a.slices);
    const GridMeasure density = k == 0 ? first : k == a.slices ? last : bridge.marginal(exec, times.back());
    auto values = std::get<std::vector<double>>(density_array(density).values);
    // between the ends, what left the box is missing
    if (k > 0 && k < a.slices)
      for (double& value : values) value *= density.mass();
    writer.append(values);
    pictures.push_back(picture(exec, density));
  }
  writer.finish();
  write_npy(*a.output / "times.npy", Array{{times.size()}, times});
  write_pgm(*a.output / "filmstrip.pgm", filmstrip(pictures), 1.0);
}

/// What the slices ask of a bridge, whichever solver it comes from.
template <class Ref>
struct SeparableSlices {
  GridBridge<Ref> bridge;
  GridMeasure source() const { return bridge.coupling().source(); }
  GridMeasure target() const { return on_source(DefaultExec(), bridge.coupling().target()); }
  GridMeasure marginal(const DefaultExec& exec, double t) const {
    return on_source(exec, bridge.marginal(exec, t));
  }
  /// All slices have the source's shape.
  GridMeasure on_source(const DefaultExec& exec, const GridMeasure& density) const {
    const RegularGrid& grid = bridge.coupling().source().grid();
    return density.grid() == grid ? density : density.resample(exec, grid);
  }
};
struct ChainSlices {
  const ChainBridge& bridge;
  GridMeasure source() const { return on_chain(bridge.source(), 0); }
  GridMeasure target() const { return on_chain(bridge.target(), bridge.reference().horizon); }
  GridMeasure marginal(const DefaultExec& exec, double t) const { return bridge.marginal(exec, t); }
  /// All slices have the chain's shape; within the cells of a coarser end it knows the density.
  GridMeasure on_chain(const GridMeasure& end, double t) const {
    return end.grid() == bridge.grid() ? end : bridge.marginal(DefaultExec(), t);
  }
};

/// The bridge of a coupling; the report tells what of it leaves the box. Throws InvalidArgument where that is
/// too much.
template <class Ref>
SeparableSlices<Ref> slices_of(const DefaultExec& exec, const GridArguments& a,
                               const GridCoupling<Ref>& coupling, Report& report) {
  const double largest = a.largest_loss.value_or(1e-3);
  SeparableSlices<Ref> slices{bridge(exec, coupling, std::numeric_limits<double>::infinity())};
  const double lost = slices.bridge.mass_lost();
  std::ostringstream text;
  text.precision(2);
  text << "mass outside the box half-way " << std::max(0.0, lost);
  report.kernel += ", " + text.str();
  text << ", above --largest-loss " << largest << ": enlarge the box, or give it walls (--boundary)";
  // a plan that has not converged may lack as much mass as its marginals do
  if (!(lost - report.marginal_error <= largest)) throw InvalidArgument(text.str());
  return slices;
}
/// A chain ends in walls: the solver itself has seen to its contact with them.
ChainSlices slices_of(const DefaultExec&, const GridArguments&, const ChainBridge& bridge, Report&) {
  return {bridge};
}

template <class Ref>
int solve(const GridArguments& a, const Densities& densities, const Ref& reference) {
  const DefaultExec exec;
  if (a.output) prepare_output(*a.output);
  catch_interrupts();
  ProgressBar progress(a.quiet);
  const Problem problem{densities.source, densities.target, reference};
  const auto options_given = options(a, progress);
  auto [coupling, report] = a.precision == "float" ? GridIpf<float>(options_given).solve(exec, problem)
                                                   : GridIpf<double>(options_given).solve(exec, problem);
  progress.wipe();
  const auto slices = slices_of(exec, a, coupling, report);
  if (a.output) {
    // report.json comes last: where it is, the rest is complete
    std::error_code not_there;
    for (const char* name : {"report.json", "slices.npy", "times.npy", "filmstrip.pgm"})
      std::filesystem::remove(*a.output / name, not_there);
    write_npy(*a.output / "source_potential.npy",
              grid_array(densities.source.grid(), coupling.source_potential()));
    write_npy(*a.output / "target_potential.npy",
              grid_array(densities.target.grid(), coupling.target_potential()));
    write_slices(exec, a, slices, reference.horizon);
    write_json(*a.output / "report.json", report);
  }
  if (!a.quiet) std::cout << report;
  return exit_code_of(report);
}

}  // namespace

int run_grid(const GridArguments& a) {
  const Densities densities = reading([&] { return read_densities(a); });
  const RegularGrid& grid = densities.source.grid();
  if (a.drift || a.killing) return solve(a, densities, reading([&] { return drift_diffusion(a, grid); }));
  if (!a.mean.empty() && !a.rate) throw InvalidArgument("--mean belongs to --rate");
  if (a.rate) return solve(a, densities, ornstein_uhlenbeck(a, grid));
  return solve(a, densities, a.epsilon.reference());
}

}  // namespace fortet::program
