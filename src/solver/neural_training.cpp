#include "solver/neural_training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fortet/compare/metrics.hpp"
#include "fortet/measure/point_cloud.hpp"

namespace fortet {

void TrainingOptions::validate(const char* function) const {
  detail::require(steps >= 1, function, "training.steps", steps, "expected at least 1");
  detail::require(batch >= 1, function, "training.batch", batch, "expected at least 1");
  detail::require(particles >= 2, function, "training.particles", particles, "expected at least 2");
  detail::require(refresh >= 1, function, "training.refresh", refresh, "expected at least 1");
  adam.validate(function);
}

namespace impl {

std::vector<ChainStep> chain_steps(const std::vector<double>& grid, const IsotropicReference& reference,
                                   Direction direction) {
  std::vector<ChainStep> steps;
  for (std::size_t k = 0; k + 1 < grid.size(); ++k) {
    const double from = direction == Direction::forward ? grid[k] : grid[k + 1];
    steps.push_back({from / reference.horizon, grid[k + 1] - grid[k],
                     std::sqrt(reference.variance(grid[k], grid[k + 1]))});
  }
  if (direction == Direction::backward) std::reverse(steps.begin(), steps.end());
  return steps;
}

namespace {

/// One exact transition x <- factor x + (1 - factor) mean + noise Z and its reversal target.
template <class Real, class Memory>
void reference_step(const typename Memory::execution_space& exec, Real factor, Real noise, Real length,
                    ConstVector<Real, Memory> mean, RandomKey key, Points<Real, Memory> x,
                    Points<Real, Memory> reversal) {
  const std::size_t d = x.extent(1);
  const bool keep = reversal.extent(0) > 0;
  Kokkos::parallel_for(
      "fortet::neural::reference_step",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; ++k) {
          const NormalPair z = random_normal_pair(key, r, static_cast<std::uint32_t>(k / 2));
          const Real before = x(r, k), shift = noise * static_cast<Real>(k % 2 ? z.second : z.first);
          const Real after = factor * before + (1 - factor) * mean(k) + shift;
          if (keep) reversal(r, k) = factor * (before - after) / length;
          x(r, k) = after;
        }
      });
}

template <class Real, class Memory>
Points<Real, Memory> slice(const Paths<Real, Memory>& paths, std::size_t s) {
  return Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, s);
}

}  // namespace

template <class Real, class Memory>
void reference_walk(const typename Memory::execution_space& exec, const IsotropicReference& reference,
                    const std::vector<double>& grid, RandomKey key, Points<Real, Memory> x,
                    Paths<Real, Memory> path, Paths<Real, Memory> reversals) {
  std::vector<double> mean(x.extent(1));
  for (std::size_t k = 0; k < mean.size(); ++k) mean[k] = reference.mean_of(static_cast<int>(k));
  const auto centre = vector_from_host<Real, Memory>(std::span<const double>(mean));
  const bool keep = path.extent(0) > 0;
  for (std::size_t s = 0; s + 1 < grid.size(); ++s) {
    if (keep) Kokkos::deep_copy(exec, slice(path, s), x);
    reference_step<Real, Memory>(exec, static_cast<Real>(reference.mean_factor(grid[s], grid[s + 1])),
                                 static_cast<Real>(std::sqrt(reference.variance(grid[s], grid[s + 1]))),
                                 static_cast<Real>(grid[s + 1] - grid[s]), centre, key.child(s), x,
                                 reversals.extent(0) > 0 ? slice(reversals, s) : Points<Real, Memory>());
  }
  if (keep) Kokkos::deep_copy(exec, slice(path, grid.size() - 1), x);
}

template <class Real, class Memory>
TrainingEnd train(const typename Memory::execution_space& exec, const DriftModel<Real, Memory>& model,
                  const TrainingOptions& options, int check_every, Adam<Real, Memory>& adam,
                  const std::function<void(long, const Batch<Real, Memory>&)>& fill,
                  const std::function<Continue(long, double)>& observe) {
  const auto rows = static_cast<std::size_t>(options.batch), d = static_cast<std::size_t>(model.dimension());
  const Batch<Real, Memory> batch{Vector<Real, Memory>("fortet::neural::batch_times", rows),
                                  Points<Real, Memory>("fortet::neural::batch_x", rows, d),
                                  Points<Real, Memory>("fortet::neural::batch_target", rows, d),
                                  Vector<Real, Memory>("fortet::neural::batch_weights", rows)};
  const Vector<Real, Memory> gradient("fortet::neural::gradient", model.parameter_count());
  ModelScratch<Real, Memory> scratch;
  double sum = 0;
  int since = 0;
  for (long step = 0; step < options.steps; ++step) {
    fill(step, batch);
    const double loss = model.loss_gradient(exec, adam.parameters, batch, gradient, scratch);
    if (!std::isfinite(loss)) return TrainingEnd::diverged;
    adam.step(exec, options.adam, options.steps, gradient);
    sum += loss;
    if (++since < check_every && step + 1 < options.steps) continue;
    if (observe(step + 1, sum / since) == Continue::no) return TrainingEnd::cancelled;
    sum = 0;
    since = 0;
  }
  return TrainingEnd::finished;
}

template <class Real, class Memory>
Vector<Real, Memory> snapshot(ConstVector<Real, Memory> parameters) {
  Vector<Real, Memory> copy(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::neural::parameters"),
                            parameters.extent(0));
  Kokkos::deep_copy(copy, parameters);
  return copy;
}

template <class Real, class Memory>
ChainEnd<Real, Memory>::ChainEnd(Sampler<Real, Memory> start, Sampler<Real, Memory> marginal,
                                 std::vector<ChainStep> steps, RandomKey key)
    : start_(std::move(start)), marginal_(std::move(marginal)), steps_(std::move(steps)), key_(key) {}

namespace {

template <class Memory>
PointCloud<double, Memory> cloud(const std::vector<double>& values, std::size_t d) {
  return PointCloud<double, Memory>(
      points_from_host<double, Memory>(std::span<const double>(values), values.size() / d, d));
}

/// sqrt of the mean over coordinates' sums of squares of a - b (both row-major, `rows` rows).
double root_mean_square(const std::vector<double>& a, const std::vector<double>& b, std::size_t rows) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(rows));
}

/// sqrt of the trace of the covariance.
double deviation(const std::vector<double>& values, std::size_t d) {
  const std::size_t rows = values.size() / d;
  std::vector<double> mean(values.size());
  for (std::size_t k = 0; k < d; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += values[i * d + k];
    for (std::size_t i = 0; i < rows; ++i) mean[i * d + k] = sum / static_cast<double>(rows);
  }
  return root_mean_square(values, mean, rows);
}

}  // namespace

template <class Real, class Memory>
typename ChainEnd<Real, Memory>::Judgement ChainEnd<Real, Memory>::judge(
    const typename Memory::execution_space& exec, const NeuralDrift<Real, Memory>& drift) {
  const auto d = static_cast<std::size_t>(start_.dimension());
  Points<Real, Memory> x("fortet::neural::chain_end", samples, d), y("fortet::neural::held_out", samples, d);
  start_.sample(exec, key_.child(0), x);
  drift.model->walk(exec, drift.parameters, steps_, key_.child(1), x, {}, {});
  marginal_.sample(exec, key_.child(2), y);
  exec.fence("fortet::neural::judge");
  const std::vector<double> ends = to_host(x), given = to_host(y);
  Judgement judgement{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  if (std::all_of(ends.begin(), ends.end(), [](double v) { return std::isfinite(v); }))
    judgement.energy = std::sqrt(
        std::max(0.0, energy_distance<Memory>(exec, cloud<Memory>(ends, d), cloud<Memory>(given, d)).value));
  // a marginal that is one point has no scale of its own
  const double scale = deviation(given, d);
  if (!last_.empty()) judgement.moved = root_mean_square(ends, last_, samples) / (scale > 0 ? scale : 1);
  last_ = ends;
  return judgement;
}

template <class Real, class Memory>
Alternation<Real, Memory>::Alternation(const Exec& exec, const Sampler<Real, Memory>& source,
                                       const Sampler<Real, Memory>& target,
                                       const IsotropicReference& reference, std::vector<double> grid,
                                       AlternationOptions options, std::shared_ptr<const Model> forward,
                                       std::shared_ptr<const Model> backward)
    : exec_(exec),
      source_(source),
      target_(target),
      reference_(reference),
      grid_(std::move(grid)),
      options_(options),
      key_{.seed = options.seed},
      started_(std::chrono::steady_clock::now()),
      sides_{make_side(std::move(forward), key_.child(0)), make_side(std::move(backward), key_.child(1))},
      forward_end_(source, target, chain_steps(grid_, reference, Direction::forward), key_.child(2)),
      backward_end_(target, source, chain_steps(grid_, reference, Direction::backward), key_.child(3)) {}

template <class Real, class Memory>
typename Alternation<Real, Memory>::Side Alternation<Real, Memory>::make_side(
    std::shared_ptr<const Model> model, RandomKey key) const {
  detail::require(model->dimension() == source_.dimension(), options_.solver, "model dimension",
                  model->dimension(),
                  "expected the marginals' dimension " + std::to_string(source_.dimension()));
  const Vector<Real, Memory> parameters("fortet::neural::parameters", model->parameter_count());
  model->initialise(key, parameters);
  return {model, Adam<Real, Memory>(parameters), {model, snapshot<Real, Memory>(parameters)}};
}

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> Alternation<Real, Memory>::solve() {
  report_.solver = options_.solver;
  report_.epsilon = reference_.epsilon();
  report_.dimension = source_.dimension();
  report_.precision = sizeof(Real) == 4 ? "float" : "double";
  report_.kernel = sides_[0].model->describe();
  report_.status = iterate();
  report_.seconds = seconds();
  return {Bridge(source_, target_, reference_, grid_, side(Direction::forward).trained,
                 side(Direction::backward).trained),
          std::move(report_)};
}

template <class Real, class Memory>
Status Alternation<Real, Memory>::iterate() {
  for (int iteration = 1; iteration <= options_.iterations; ++iteration) {
    double moved = 0, energy = 0;
    for (Direction direction : {Direction::backward, Direction::forward}) {
      const bool forwards = direction == Direction::forward;
      const RandomKey key = key_.child(4).child(static_cast<std::uint64_t>(2 * iteration + forwards));
      const Drift last_good = side(direction).trained;
      const TrainingEnd end = round(iteration, direction, key);
      if (end == TrainingEnd::cancelled) return Status::cancelled;
      if (end == TrainingEnd::diverged) return Status::diverged;
      const auto judgement = (forwards ? forward_end_ : backward_end_).judge(exec_, side(direction).trained);
      if (!std::isfinite(judgement.energy)) {
        side(direction).trained = last_good;
        return Status::diverged;
      }
      energy = std::max(energy, judgement.energy);
      moved = std::max(moved, judgement.moved);
      report_.history.push_back(
          {iteration, reference_.epsilon(), judgement.energy, seconds(), name(iteration, direction)});
    }
    report_.iterations = iteration;
    report_.marginal_error = energy;
    if (moved <= options_.tolerance) return Status::converged;
    if (std::isfinite(moved)) moved_ = moved;
  }
  return Status::iteration_limit;
}

template <class Real, class Memory>
TrainingEnd Alternation<Real, Memory>::train_round(
    int iteration, Direction direction, RandomKey key,
    const std::function<void(long, const Batch<Real, Memory>&)>& fill) {
  Side& fitted = side(direction);
  Kokkos::deep_copy(exec_, fitted.adam.parameters, fitted.adam.average);
  if (options_.training.fresh_start) {
    fitted.model->initialise(key, fitted.adam.parameters);
    Kokkos::deep_copy(exec_, fitted.adam.average, fitted.adam.parameters);
  }
  fitted.adam.restart(exec_);
  const auto observe = [&](long step, double loss) {
    return report_progress(iteration, direction, step, loss);
  };
  const TrainingEnd end = train<Real, Memory>(exec_, *fitted.model, options_.training, options_.check_every,
                                              fitted.adam, fill, observe);
  if (end == TrainingEnd::finished) fitted.trained.parameters = snapshot<Real, Memory>(fitted.adam.average);
  return end;
}

template <class Real, class Memory>
Continue Alternation<Real, Memory>::report_progress(int iteration, Direction direction, long step,
                                                    double loss) {
  if (!options_.observer) return Continue::yes;
  const bool forwards = direction == Direction::forward;
  const double half_bridges = 2.0 * (iteration - 1) + forwards;
  const double rounds = half_bridges + static_cast<double>(step) / options_.training.steps;
  Progress progress;
  progress.phase = forwards ? "forward drift" : "backward drift";
  progress.iteration = iteration;
  progress.max_iterations = options_.iterations;
  progress.epsilon = reference_.epsilon();
  progress.error = moved_;
  progress.tolerance = options_.tolerance;
  progress.seconds = seconds();
  progress.done = rounds / (2.0 * options_.iterations);
  progress.loss = loss;
  progress.samples_per_second =
      rounds * options_.training.steps * options_.training.batch / std::max(progress.seconds, 1e-9);
  return options_.observer(progress);
}

template <class Real, class Memory>
double Alternation<Real, Memory>::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

#define FORTET_INSTANTIATE(Real, Memory)                                                      \
  template void reference_walk(const Memory::execution_space&, const IsotropicReference&,     \
                               const std::vector<double>&, RandomKey, Points<Real, Memory>,   \
                               Paths<Real, Memory>, Paths<Real, Memory>);                     \
  template TrainingEnd train(const Memory::execution_space&, const DriftModel<Real, Memory>&, \
                             const TrainingOptions&, int, Adam<Real, Memory>&,                \
                             const std::function<void(long, const Batch<Real, Memory>&)>&,    \
                             const std::function<Continue(long, double)>&);                   \
  template Vector<Real, Memory> snapshot(ConstVector<Real, Memory>);                          \
  template class ChainEnd<Real, Memory>;                                                      \
  template class Alternation<Real, Memory>;
FORTET_INSTANTIATE(float, Kokkos::HostSpace)
FORTET_INSTANTIATE(double, Kokkos::HostSpace)
#if defined(KOKKOS_ENABLE_CUDA)
FORTET_INSTANTIATE(float, Kokkos::CudaSpace)
FORTET_INSTANTIATE(double, Kokkos::CudaSpace)
#endif

}  // namespace impl
}  // namespace fortet
