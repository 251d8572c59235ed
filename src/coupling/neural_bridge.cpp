#include "fortet/coupling/neural_bridge.hpp"

#include <algorithm>
#include <cmath>

#include "instantiate.hpp"

namespace fortet {
namespace {

template <class Real, class Memory>
Points<Real, Memory> points_like(const typename Memory::execution_space& exec, const std::string& label,
                                 ConstPoints<Real, Memory> x) {
  return Points<Real, Memory>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), x.extent(0),
                              x.extent(1));
}

template <class Real, class Memory>
Vector<Real, Memory> constant(const typename Memory::execution_space& exec, std::size_t n, double value) {
  Vector<Real, Memory> out(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::neural::times"), n);
  Kokkos::deep_copy(exec, out, static_cast<Real>(value));
  return out;
}

/// y <- y + a x
template <class Real, class Memory>
void add(const typename Memory::execution_space& exec, double a, ConstPoints<Real, Memory> x,
         Points<Real, Memory> y) {
  const Real factor = static_cast<Real>(a);
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::neural::add", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; ++k) y(r, k) += factor * x(r, k);
      });
}

template <class Real, class Memory>
void add(const typename Memory::execution_space& exec, double a, ConstVector<Real, Memory> x,
         Vector<Real, Memory> y) {
  const Real factor = static_cast<Real>(a);
  Kokkos::parallel_for(
      "fortet::neural::add_scalar",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) { y(r) += factor * x(r); });
}

template <class Real, class Memory>
void add_noise(const typename Memory::execution_space& exec, double scale, RandomKey key,
               Points<Real, Memory> x) {
  const Real noise = static_cast<Real>(scale);
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::neural::add_noise",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; k += 2) {
          const NormalPair z = random_normal_pair(key, r, static_cast<std::uint32_t>(k / 2));
          x(r, k) += noise * static_cast<Real>(z.first);
          if (k + 1 < d) x(r, k + 1) += noise * static_cast<Real>(z.second);
        }
      });
}

template <class Real, class Memory>
void require_drift(const char* name, const NeuralDrift<Real, Memory>& drift, int dimension) {
  constexpr const char* where = "fortet::NeuralBridge";
  detail::require(drift.model != nullptr, where, name, "without a model", "expected a DriftModel");
  detail::require(drift.model->dimension() == dimension, where, name, drift.model->dimension(),
                  "expected the dimension " + std::to_string(dimension) + " of the source");
  detail::require(drift.parameters.extent(0) == drift.model->parameter_count(), where, name,
                  drift.parameters.extent(0),
                  "expected " + std::to_string(drift.model->parameter_count()) + " parameters");
}

/// Nodes of a simulation in the order they are visited, and which of them the caller asked for.
struct Nodes {
  std::vector<double> times;
  std::vector<std::size_t> wanted;  // index into times of each time asked for
};

Nodes make_nodes(const std::vector<double>& grid, std::span<const double> times, const PathOptions& options) {
  constexpr const char* where = "fortet::NeuralBridge::sample_paths";
  std::vector<double> all;
  for (std::size_t k = 0; k + 1 < grid.size(); ++k)
    for (int i = 0; i < options.refinement; ++i)
      all.push_back(grid[k] + (grid[k + 1] - grid[k]) * i / options.refinement);
  all.push_back(grid.back());
  for (std::size_t i = 0; i < times.size(); ++i) {
    detail::require(times[i] >= 0 && times[i] <= grid.back(), where, "time", times[i],
                    "expected a time in [0, horizon]");
    detail::require(i == 0 || times[i] > times[i - 1], where, "time", times[i],
                    "expected times that increase strictly");
    all.push_back(times[i]);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  // nothing is simulated beyond the last time asked for
  if (options.direction == Direction::forward) {
    if (!times.empty()) all.erase(std::upper_bound(all.begin(), all.end(), times.back()), all.end());
  } else {
    if (!times.empty()) all.erase(all.begin(), std::lower_bound(all.begin(), all.end(), times.front()));
    std::reverse(all.begin(), all.end());
  }
  Nodes nodes{all, {}};
  for (double t : times)
    nodes.wanted.push_back(static_cast<std::size_t>(std::find(all.begin(), all.end(), t) - all.begin()));
  return nodes;
}

std::vector<ChainStep> chain_steps(const std::vector<double>& nodes, const IsotropicReference& reference) {
  std::vector<ChainStep> steps;
  for (std::size_t k = 0; k + 1 < nodes.size(); ++k) {
    const auto [low, high] = std::minmax(nodes[k], nodes[k + 1]);
    steps.push_back({nodes[k] / reference.horizon, high - low, std::sqrt(reference.variance(low, high))});
  }
  return steps;
}

}  // namespace

void PathOptions::validate(const char* function) const {
  detail::require(std::isfinite(noise_level) && noise_level >= 0, function, "noise_level", noise_level,
                  "expected a finite number >= 0");
  detail::require(refinement >= 1, function, "refinement", refinement, "expected at least 1");
}

template <class Real, class Memory>
NeuralBridge<Real, Memory>::NeuralBridge(Marginal source, Marginal target, IsotropicReference reference,
                                         std::vector<double> grid, Drift forward, Drift backward)
    : source_(std::move(source)),
      target_(std::move(target)),
      reference_(std::move(reference)),
      grid_(std::move(grid)),
      forward_(std::move(forward)),
      backward_(std::move(backward)) {
  constexpr const char* where = "fortet::NeuralBridge";
  detail::require(target_.dimension() == source_.dimension(), where, "target dimension", target_.dimension(),
                  "expected the source's dimension " + std::to_string(source_.dimension()));
  const bool ends = grid_.size() >= 2 && grid_.front() == 0 && grid_.back() == reference_.horizon;
  detail::require(
      ends && std::adjacent_find(grid_.begin(), grid_.end(), std::greater_equal<>()) == grid_.end(), where,
      "grid.size()", grid_.size(),
      "expected at least two times that increase strictly from 0 "
      "to the horizon");
  require_drift("forward", forward_, source_.dimension());
  require_drift("backward", backward_, source_.dimension());
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample(const execution_space& exec, RandomKey key, Points<Real, Memory> x0,
                                        Points<Real, Memory> x1) const {
  source_.sample(exec, key.child(0), x0);
  sample_conditional(exec, key.child(1), x0, x1);
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample_conditional(const execution_space& exec, RandomKey key,
                                                    ConstPoints<Real, Memory> x0,
                                                    Points<Real, Memory> x1) const {
  Kokkos::deep_copy(exec, x1, x0);
  forward_.model->walk(exec, forward_.parameters, chain_steps(grid_, reference_), key, x1, {}, {});
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample_backward(const execution_space& exec, RandomKey key,
                                                 ConstPoints<Real, Memory> x1,
                                                 Points<Real, Memory> x0) const {
  const std::vector<double> reversed(grid_.rbegin(), grid_.rend());
  Kokkos::deep_copy(exec, x0, x1);
  backward_.model->walk(exec, backward_.parameters, chain_steps(reversed, reference_), key, x0, {}, {});
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample_marginal(const execution_space& exec, RandomKey key, double t,
                                                 Points<Real, Memory> out) const {
  const auto nodes = make_nodes(grid_, std::span(&t, 1), {});
  source_.sample(exec, key.child(0), out);
  forward_.model->walk(exec, forward_.parameters, chain_steps(nodes.times, reference_), key.child(1), out, {},
                       {});
}

namespace {

/// Drift of the family of PathOptions in one direction. `own` and `other` are the drifts of that direction
/// and of the opposite one.
template <class Real, class Memory>
void family_drift(const typename Memory::execution_space& exec, const NeuralDrift<Real, Memory>& own,
                  const NeuralDrift<Real, Memory>& other, double noise_level, double tau,
                  ConstPoints<Real, Memory> x, Points<Real, Memory> out) {
  const auto times = constant<Real, Memory>(exec, x.extent(0), tau);
  own.model->evaluate(exec, own.parameters, times, x, out);
  if (noise_level == 1) return;
  const double square = noise_level * noise_level, keep = (1 + square) / 2, mix = (square - 1) / 2;
  const auto opposite = points_like<Real, Memory>(exec, "fortet::neural::opposite", x);
  other.model->evaluate(exec, other.parameters, times, x, opposite);
  add<Real, Memory>(exec, keep - 1, ConstPoints<Real, Memory>(out), out);
  add<Real, Memory>(exec, mix, ConstPoints<Real, Memory>(opposite), out);
}

}  // namespace

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample_paths(const execution_space& exec, RandomKey key,
                                              std::span<const double> times, ConstPoints<Real, Memory> start,
                                              Paths<Real, Memory> paths, const PathOptions& options) const {
  constexpr const char* where = "fortet::NeuralBridge::sample_paths";
  options.validate(where);
  const bool shaped = paths.extent(0) == start.extent(0) && paths.extent(1) == start.extent(1);
  detail::require(shaped && paths.extent(2) == times.size(), where, "paths.extent(2)", paths.extent(2),
                  "expected paths of shape (rows, columns of start, number of times)");
  const Nodes nodes = make_nodes(grid_, times, options);
  const auto steps = chain_steps(nodes.times, reference_);
  const bool forwards = options.direction == Direction::forward;
  const Drift& own = forwards ? forward_ : backward_;
  const Drift& other = forwards ? backward_ : forward_;
  const auto x = points_like<Real, Memory>(exec, "fortet::neural::state", start);
  Kokkos::deep_copy(exec, x, start);
  const auto save = [&](std::size_t node) {
    for (std::size_t i = 0; i < nodes.wanted.size(); ++i)
      if (nodes.wanted[i] == node)
        Kokkos::deep_copy(exec, Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, i), x);
  };
  if (options.stepper == PathOptions::Stepper::euler && options.noise_level == 1) {
    for (std::size_t s = 0; s < steps.size(); ++s) {
      save(s);
      own.model->walk(exec, own.parameters, {steps[s]}, key.child(s), x, {}, {});
    }
    return save(steps.size());
  }
  const auto drift = points_like<Real, Memory>(exec, "fortet::neural::drift", start);
  const auto predicted = points_like<Real, Memory>(exec, "fortet::neural::predicted", start);
  for (std::size_t s = 0; s < steps.size(); ++s) {
    save(s);
    const double noise = options.noise_level * steps[s].noise;
    family_drift<Real, Memory>(exec, own, other, options.noise_level, steps[s].time, x, drift);
    if (noise > 0) add_noise<Real, Memory>(exec, noise, key.child(s), x);
    if (options.stepper == PathOptions::Stepper::euler) {
      add<Real, Memory>(exec, steps[s].length, ConstPoints<Real, Memory>(drift), x);
      continue;
    }
    Kokkos::deep_copy(exec, predicted, x);
    add<Real, Memory>(exec, steps[s].length, ConstPoints<Real, Memory>(drift), predicted);
    add<Real, Memory>(exec, steps[s].length / 2, ConstPoints<Real, Memory>(drift), x);
    family_drift<Real, Memory>(exec, own, other, options.noise_level, nodes.times[s + 1] / reference_.horizon,
                               predicted, drift);
    add<Real, Memory>(exec, steps[s].length / 2, ConstPoints<Real, Memory>(drift), x);
  }
  save(steps.size());
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::sample_paths(const execution_space& exec, RandomKey key,
                                              std::span<const double> times, Paths<Real, Memory> paths,
                                              const PathOptions& options) const {
  detail::require(options.direction == Direction::forward, "fortet::NeuralBridge::sample_paths", "direction",
                  "backward", "expected forward: paths that begin at the target need their starts");
  const Points<Real, Memory> start(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::neural::start"), paths.extent(0),
      paths.extent(1));
  source_.sample(exec, key.child(0), start);
  sample_paths(exec, key.child(1), times, start, paths, options);
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::forward_drift(const execution_space& exec, double t,
                                               ConstPoints<Real, Memory> x, Points<Real, Memory> out) const {
  family_drift<Real, Memory>(exec, forward_, backward_, 1, t / reference_.horizon, x, out);
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::backward_drift(const execution_space& exec, double t,
                                                ConstPoints<Real, Memory> x, Points<Real, Memory> out) const {
  family_drift<Real, Memory>(exec, backward_, forward_, 1, t / reference_.horizon, x, out);
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::probability_flow_drift(const execution_space& exec, double t,
                                                        ConstPoints<Real, Memory> x,
                                                        Points<Real, Memory> out) const {
  family_drift<Real, Memory>(exec, forward_, backward_, 0, t / reference_.horizon, x, out);
}

template <class Real, class Memory>
void NeuralBridge<Real, Memory>::pull_back(const execution_space& exec, double t, ConstPoints<Real, Memory> x,
                                           Points<Real, Memory> start, Vector<Real, Memory> integral,
                                           int steps, int probes, RandomKey key) const {
  constexpr const char* where = "fortet::NeuralBridge::pull_back";
  detail::require(t >= 0 && t <= reference_.horizon, where, "t", t, "expected a time in [0, horizon]");
  detail::require(steps >= 1, where, "steps", steps, "expected at least 1");
  detail::require(probes >= 0, where, "probes", probes, "expected at least 0");
  const std::size_t n = x.extent(0);
  const auto vector = [&](const std::string& label) {
    return Vector<Real, Memory>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), n);
  };
  const auto slope = points_like<Real, Memory>(exec, "fortet::neural::slope", x);
  const auto stage = points_like<Real, Memory>(exec, "fortet::neural::stage", x);
  const auto before = points_like<Real, Memory>(exec, "fortet::neural::before", x);
  const auto change = vector("fortet::neural::change"), part = vector("fortet::neural::part");
  const auto div_flow = [&](double at) {
    const auto times = constant<Real, Memory>(exec, n, at / reference_.horizon);
    Kokkos::deep_copy(exec, change, Real{0});
    for (const Drift* drift : {&forward_, &backward_}) {
      if (probes == 0)
        divergence<Real, Memory>(exec, *drift->model, drift->parameters, times, stage, part);
      else
        hutchinson_divergence<Real, Memory>(exec, *drift->model, drift->parameters, times, stage, key, probes,
                                            part);
      add<Real, Memory>(exec, drift == &forward_ ? 0.5 : -0.5, ConstVector<Real, Memory>(part), change);
    }
  };
  Kokkos::deep_copy(exec, start, x);
  Kokkos::deep_copy(exec, integral, Real{0});
  const double h = t / steps;
  constexpr double node[4] = {0, 0.5, 0.5, 1}, weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
  for (int s = 0; s < steps; ++s) {
    Kokkos::deep_copy(exec, before, start);
    for (int i = 0; i < 4; ++i) {
      const double at = std::max(0.0, t - (s + node[i]) * h);
      Kokkos::deep_copy(exec, stage, before);
      if (i > 0) add<Real, Memory>(exec, -node[i] * h, ConstPoints<Real, Memory>(slope), stage);
      div_flow(at);
      probability_flow_drift(exec, at, stage, slope);
      add<Real, Memory>(exec, -weight[i] * h, ConstPoints<Real, Memory>(slope), start);
      add<Real, Memory>(exec, weight[i] * h, ConstVector<Real, Memory>(change), integral);
    }
  }
}

#define FORTET_INSTANTIATE(Real, Memory) template class NeuralBridge<Real, Memory>;
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
