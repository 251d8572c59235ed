#include "solver/neural_training.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "fortet/compare/metrics.hpp"
#include "fortet/io/state_file.hpp"
#include "fortet/measure/point_cloud.hpp"
#include "fortet/nn/mlp.hpp"
#include "instantiate.hpp"

namespace fortet {

long TrainingOptions::steps_of(int iteration) const {
  return std::lround(std::min(1e9, steps * std::pow(growth, iteration - 1)));
}

void TrainingOptions::validate(const char* function) const {
  detail::require(steps >= 1, function, "training.steps", steps, "expected at least 1");
  detail::require(std::isfinite(growth) && growth >= 1, function, "training.growth", growth,
                  "expected a finite number >= 1");
  detail::require(batch >= 1, function, "training.batch", batch, "expected at least 1");
  detail::require(particles >= 2, function, "training.particles", particles, "expected at least 2");
  detail::require(refresh >= 1, function, "training.refresh", refresh, "expected at least 1");
  adam.validate(function);
}

void NeuralOptions::validate(const char* function) const {
  detail::require(iterations >= 1, function, "iterations", iterations, "expected at least 1");
  detail::require(std::isfinite(tolerance) && tolerance >= 0, function, "tolerance", tolerance,
                  "expected a finite number >= 0");
  detail::require(check_every >= 1, function, "check_every", check_every, "expected at least 1");
  detail::require(checkpoint_seconds >= 0, function, "checkpoint_seconds", checkpoint_seconds,
                  "expected a number >= 0");
  detail::require(!resume || !checkpoint.empty(), function, "resume", "true",
                  "expected a checkpoint to resume from");
  network.validate(function);
  training.validate(function);
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

namespace {

/// A copy that later training cannot reach.
template <class Real, class Memory>
Vector<Real, Memory> snapshot(ConstVector<Real, Memory> parameters) {
  Vector<Real, Memory> copy(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::neural::parameters"),
                            parameters.extent(0));
  Kokkos::deep_copy(copy, parameters);
  return copy;
}

}  // namespace

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
  if (!last.empty()) judgement.moved = root_mean_square(ends, last, samples) / (scale > 0 ? scale : 1);
  last = ends;
  return judgement;
}

template <class Real, class Memory>
std::shared_ptr<const DriftModel<Real, Memory>> network(const NeuralProblem<Real, Memory>& problem,
                                                        const NeuralOptions& options) {
  if (problem.model) return problem.model;
  return std::make_shared<Mlp<Real, Memory>>(problem.source.dimension(), options.network);
}

template <class Real, class Memory>
Alternation<Real, Memory>::Alternation(const char* solver, const NeuralProblem<Real, Memory>& problem,
                                       const NeuralOptions& options, std::shared_ptr<const Model> forward,
                                       std::shared_ptr<const Model> backward)
    : problem_(problem),
      grid_(options.schedule.grid(problem.reference.horizon)),
      options_(options),
      solver_(solver),
      key_{.seed = options.seed},
      started_(std::chrono::steady_clock::now()),
      sides_{make_side(std::move(forward), key_.child(0)), make_side(std::move(backward), key_.child(1))},
      ends_{{problem.source, problem.target, chain_steps(grid_, problem.reference, Direction::forward),
             key_.child(2)},
            {problem.target, problem.source, chain_steps(grid_, problem.reference, Direction::backward),
             key_.child(3)}} {}

template <class Real, class Memory>
typename Alternation<Real, Memory>::Side Alternation<Real, Memory>::make_side(
    std::shared_ptr<const Model> model, RandomKey key) const {
  const Vector<Real, Memory> parameters("fortet::neural::parameters", model->parameter_count());
  model->initialise(key, parameters);
  return {model, Adam<Real, Memory>(parameters), {model, snapshot<Real, Memory>(parameters)}};
}

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> Alternation<Real, Memory>::solve() {
  report_.solver = solver_;
  report_.epsilon = problem_.reference.epsilon();
  report_.dimension = problem_.source.dimension();
  report_.precision = sizeof(Real) == 4 ? "float" : "double";
  report_.kernel = sides_[0].model->describe();
  if (options_.resume && std::filesystem::exists(options_.checkpoint)) load_checkpoint();
  report_.status = iterate();
  report_.seconds = seconds();
  return {Bridge(problem_.source, problem_.target, problem_.reference, grid_,
                 {sides_[0].model, snapshot<Real, Memory>(sides_[0].trained.parameters)},
                 {sides_[1].model, snapshot<Real, Memory>(sides_[1].trained.parameters)}),
          std::move(report_)};
}

template <class Real, class Memory>
std::vector<std::vector<typename Alternation<Real, Memory>::Round>> Alternation<Real, Memory>::parts(
    int iteration) const {
  const auto round = [&](Direction direction) {
    const auto i = static_cast<std::uint64_t>(2 * iteration + (direction == Direction::forward));
    return Round{iteration, direction, key_.child(4).child(i)};
  };
  if (joint()) return {{round(Direction::backward), round(Direction::forward)}};
  return {{round(Direction::backward)}, {round(Direction::forward)}};
}

template <class Real, class Memory>
Status Alternation<Real, Memory>::iterate() {
  if (finished_) return Status::converged;
  while (at_.iteration <= options_.iterations) {
    const auto all = parts(at_.iteration);
    while (at_.part < all.size()) {
      const std::vector<Round>& rounds = all[at_.part];
      const Drift last_good[2] = {sides_[0].trained, sides_[1].trained};
      const TrainingEnd end = fit(rounds);
      if (end == TrainingEnd::cancelled) return Status::cancelled;
      const bool good = end == TrainingEnd::finished &&
                        std::all_of(rounds.begin(), rounds.end(), [&](const auto& r) { return judge(r); });
      if (!good) {
        for (int i : {0, 1}) sides_[i].trained = last_good[i];
        return Status::diverged;
      }
      at_ = {at_.iteration, at_.part + 1, 0};
      if (at_.part < all.size()) save_checkpoint();
    }
    report_.iterations = at_.iteration;
    report_.marginal_error = energy_;
    if (std::isfinite(moving_)) moved_ = moving_;
    finished_ = moving_ <= options_.tolerance;
    moving_ = energy_ = 0;
    at_ = {at_.iteration + 1, 0, 0};
    save_checkpoint();
    if (finished_) return Status::converged;
  }
  return Status::iteration_limit;
}

template <class Real, class Memory>
bool Alternation<Real, Memory>::judge(const Round& round) {
  const auto judgement =
      ends_[round.direction == Direction::backward].judge(problem_.exec, side(round.direction).trained);
  if (!std::isfinite(judgement.energy)) {
    note_divergence(round, "the end of its chain is not finite");
    return false;
  }
  energy_ = std::max(energy_, judgement.energy);
  moving_ = std::max(moving_, judgement.moved);
  report_.history.push_back({round.iteration, report_.epsilon, judgement.energy, seconds(), name(round)});
  return true;
}

template <class Real, class Memory>
void Alternation<Real, Memory>::note_divergence(const Round& round, const std::string& what) {
  report_.kernel +=
      "; diverged in iteration " + std::to_string(round.iteration) + ", " + name(round) + ": " + what;
}

template <class Real, class Memory>
void Alternation<Real, Memory>::begin(const Round& round) {
  Side& fitted = side(round.direction);
  Kokkos::deep_copy(problem_.exec, fitted.adam.parameters, fitted.adam.average);
  if (options_.training.fresh_start) {
    fitted.model->initialise(round.key.child(0), fitted.adam.parameters);
    Kokkos::deep_copy(problem_.exec, fitted.adam.average, fitted.adam.parameters);
  }
  fitted.adam.restart(problem_.exec);
}

template <class Real, class Memory>
TrainingEnd Alternation<Real, Memory>::train(std::span<const Round> rounds) {
  const TrainingOptions& training = options_.training;
  const long steps = training.steps_of(rounds.front().iteration);
  const auto rows = static_cast<std::size_t>(training.batch);
  const Batch<Real, Memory> batch{Vector<Real, Memory>("fortet::neural::batch_times", rows),
                                  Points<Real, Memory>("fortet::neural::batch_x", rows, dimension()),
                                  Points<Real, Memory>("fortet::neural::batch_target", rows, dimension()),
                                  Vector<Real, Memory>("fortet::neural::batch_weights", rows)};
  const Vector<Real, Memory> gradient("fortet::neural::gradient", sides_[0].model->parameter_count());
  ModelScratch<Real, Memory> scratch;
  for (const Round& round : rounds) {
    if (at_.step == 0) begin(round);
    if (rounds.size() > 1) side(round.direction).trained.parameters = side(round.direction).adam.average;
  }
  double sum = 0;
  int since = 0;
  for (; at_.step < steps; ++at_.step) {
    const auto step = static_cast<std::uint64_t>(at_.step);
    if (at_.step % training.refresh == 0) {
      if (at_.step > 0 && seconds() - last_saved_ >= options_.checkpoint_seconds) save_checkpoint();
      for (const Round& round : rounds) refresh(round, round.key.child(1).child(step));
    }
    for (const Round& round : rounds) {
      Side& fitted = side(round.direction);
      draw(round, at_.step, round.key.child(2).child(step), batch);
      const double loss =
          fitted.model->loss_gradient(problem_.exec, fitted.adam.parameters, batch, gradient, scratch);
      if (!std::isfinite(loss)) {
        note_divergence(round, "the loss is not finite at step " + std::to_string(at_.step + 1) + " of " +
                                   std::to_string(steps));
        return TrainingEnd::diverged;
      }
      fitted.adam.step(problem_.exec, training.adam, steps, gradient);
      sum += loss / static_cast<double>(rounds.size());
    }
    if (++since < options_.check_every && at_.step + 1 < steps) continue;
    if (report_progress(rounds.front(), at_.step + 1, sum / since) == Continue::no)
      return TrainingEnd::cancelled;
    sum = 0;
    since = 0;
  }
  for (const Round& round : rounds) {
    Side& fitted = side(round.direction);
    fitted.trained.parameters = snapshot<Real, Memory>(fitted.adam.average);
  }
  return TrainingEnd::finished;
}

template <class Real, class Memory>
void Alternation<Real, Memory>::simulate(Direction direction, RandomKey key, Points<Real, Memory> x,
                                         Paths<Real, Memory> path, Paths<Real, Memory> reversals) {
  const Drift& drift = side(direction).trained;
  start(direction).sample(problem_.exec, key.child(0), x);
  drift.model->walk(problem_.exec, drift.parameters, chain_steps(grid_, problem_.reference, direction),
                    key.child(1), x, path, reversals);
}

template <class Real, class Memory>
Continue Alternation<Real, Memory>::report_progress(const Round& round, long step, double loss) {
  if (!options_.observer) return Continue::yes;
  const auto steps_of = [&](int iteration) {
    return static_cast<double>(options_.training.steps_of(iteration));
  };
  double done = static_cast<double>(step), all = 0;  // gradient steps of both directions
  if (joint()) done *= 2;
  if (at_.part > 0) done += steps_of(at_.iteration);
  for (int i = 1; i <= options_.iterations; ++i) {
    if (i < at_.iteration) done += 2 * steps_of(i);
    all += 2 * steps_of(i);
  }
  Progress progress;
  progress.phase = joint()                                 ? "both drifts"
                   : round.direction == Direction::forward ? "forward drift"
                                                           : "backward drift";
  progress.iteration = round.iteration;
  progress.max_iterations = options_.iterations;
  progress.epsilon = report_.epsilon;
  progress.error = moved_;
  progress.tolerance = options_.tolerance;
  progress.seconds = seconds();
  progress.part = static_cast<double>(step) / steps_of(round.iteration);
  progress.done = done / all;
  progress.loss = loss;
  progress.marginal_error = report_.history.empty() ? 0 : report_.history.back().marginal_error;
  progress.samples_per_second = done * options_.training.batch / std::max(progress.seconds, 1e-9);
  return options_.observer(progress);
}

template <class Real, class Memory>
double Alternation<Real, Memory>::seconds() const {
  return seconds_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

// ---- checkpoints

namespace {

constexpr const char* checkpoint_kind = "neural checkpoint";

template <class T>
std::string text(const std::vector<T>& values) {
  std::ostringstream out;
  out.precision(17);
  for (std::size_t i = 0; i < values.size(); ++i) out << (i ? " " : "") << values[i];
  return out.str();
}

std::string describe(const IsotropicReference& r) {
  std::ostringstream out;
  out.precision(17);
  out << "rate " << r.rate << ", sigma " << r.sigma << ", horizon " << r.horizon << ", mean " << text(r.mean);
  return out.str();
}

std::string describe(const TrainingOptions& t) {
  std::ostringstream out;
  out.precision(17);
  out << t.steps << " steps";
  if (t.growth != 1) out << " growing by " << t.growth;
  out << ", batch " << t.batch << ", particles " << t.particles << ", refresh " << t.refresh
      << (t.fresh_start ? ", fresh start" : "") << ", adam " << t.adam.learning_rate << ' ' << t.adam.beta1
      << ' ' << t.adam.beta2 << ' ' << t.adam.epsilon << " decay " << t.adam.weight_decay << " clip "
      << t.adam.clip_norm << " average " << t.adam.average << " schedule "
      << static_cast<int>(t.adam.schedule) << " warmup " << t.adam.warmup;
  return out.str();
}

Array numbers(std::vector<double> values) { return {{values.size()}, std::move(values)}; }

template <class Real, class Memory>
Array values_of(ConstVector<Real, Memory> v) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, v);
  return {{host.extent(0)}, std::vector<Real>(host.data(), host.data() + host.extent(0))};
}

template <class Real, class Memory>
void set_values(const Array& from, Vector<Real, Memory> to, const std::filesystem::path& path) {
  const auto* values = std::get_if<std::vector<Real>>(&from.values);
  if (!values || values->size() != to.extent(0))
    throw InvalidArgument(path.string() + ": an array has another size or precision than this run needs");
  Kokkos::deep_copy(to, Kokkos::View<const Real*, Kokkos::HostSpace>(values->data(), values->size()));
}

/// The four vectors of a direction's optimiser, by name.
template <class Real, class Memory>
std::array<std::pair<const char*, Vector<Real, Memory>>, 4> vectors(const Adam<Real, Memory>& adam) {
  return {{{"parameters", adam.parameters},
           {"first", adam.first},
           {"second", adam.second},
           {"average", adam.average}}};
}

constexpr const char* direction_names[] = {"forward.", "backward."};

}  // namespace

template <class Real, class Memory>
StateFile Alternation<Real, Memory>::state(bool with_arrays) const {
  StateFile out{.kind = checkpoint_kind};
  out.facts = {{"solver", solver_},
               {"network", sides_[0].model->describe()},
               {"precision", report_.precision},
               {"reference", describe(problem_.reference)},
               {"grid", text(grid_)},
               {"training", describe(options_.training)},
               {"settings", settings()},
               {"seed", std::to_string(options_.seed)}};
  if (!with_arrays) return out;
  std::vector<double> errors, times;
  for (const HistoryEntry& entry : report_.history) {
    errors.push_back(entry.marginal_error);
    times.push_back(entry.seconds);
  }
  out.arrays = {{"position", numbers({double(at_.iteration), double(at_.part), double(at_.step)})},
                {"measured", numbers({moving_, energy_, moved_, report_.marginal_error,
                                      double(report_.iterations), double(finished_), seconds()})},
                {"history.marginal_error", numbers(errors)},
                {"history.seconds", numbers(times)}};
  for (int i : {0, 1}) {
    const std::string name = direction_names[i];
    for (const auto& [what, vector] : vectors(sides_[i].adam))
      out.arrays.push_back({name + what, values_of<Real, Memory>(vector)});
    out.arrays.push_back({name + "trained", values_of<Real, Memory>(sides_[i].trained.parameters)});
    out.arrays.push_back({name + "steps", numbers({double(sides_[i].adam.step_count)})});
    out.arrays.push_back({name + "end", numbers(ends_[i].last)});
  }
  return out;
}

template <class Real, class Memory>
void Alternation<Real, Memory>::save_checkpoint() {
  if (options_.checkpoint.empty()) return;
  problem_.exec.fence("fortet::neural::checkpoint");
  write_state(options_.checkpoint, state(true));
  last_saved_ = seconds();
}

template <class Real, class Memory>
void Alternation<Real, Memory>::load_checkpoint() {
  const auto& path = options_.checkpoint;
  const StateFile saved = read_state(path, checkpoint_kind);
  for (const auto& fact : state(false).facts)
    if (saved.fact(fact.name, path) != fact.value)
      throw InvalidArgument(path.string() + ": is of another run: " + fact.name + " = " +
                            saved.fact(fact.name, path) + ", expected " + fact.value);
  const Array &position = saved.array("position", path), &measured = saved.array("measured", path);
  at_ = {static_cast<int>(position[0]), static_cast<std::size_t>(position[1]),
         static_cast<long>(position[2])};
  moving_ = measured[0];
  energy_ = measured[1];
  moved_ = measured[2];
  report_.marginal_error = measured[3];
  report_.iterations = static_cast<int>(measured[4]);
  finished_ = measured[5] != 0 && moved_ <= options_.tolerance;
  seconds_before_ = last_saved_ = measured[6];
  for (int i : {0, 1}) {
    const std::string name = direction_names[i];
    for (const auto& [what, vector] : vectors(sides_[i].adam))
      set_values<Real, Memory>(saved.array(name + what, path), vector, path);
    const Vector<Real, Memory> trained("fortet::neural::parameters", sides_[i].model->parameter_count());
    set_values<Real, Memory>(saved.array(name + "trained", path), trained, path);
    sides_[i].trained.parameters = trained;
    sides_[i].adam.step_count = static_cast<long>(saved.array(name + "steps", path)[0]);
    ends_[i].last = std::get<std::vector<double>>(saved.array(name + "end", path).values);
  }
  const Array &errors = saved.array("history.marginal_error", path),
              &times = saved.array("history.seconds", path);
  for (int iteration = 1; report_.history.size() < errors.size(); ++iteration)
    for (const auto& part : parts(iteration))
      for (const Round& round : part) {
        const std::size_t i = report_.history.size();
        if (i < errors.size())
          report_.history.push_back({iteration, report_.epsilon, errors[i], times[i], name(round)});
      }
}

#define FORTET_INSTANTIATE(Real, Memory)                                                               \
  template std::shared_ptr<const DriftModel<Real, Memory>> network(const NeuralProblem<Real, Memory>&, \
                                                                   const NeuralOptions&);              \
  template void reference_walk(const Memory::execution_space&, const IsotropicReference&,              \
                               const std::vector<double>&, RandomKey, Points<Real, Memory>,            \
                               Paths<Real, Memory>, Paths<Real, Memory>);                              \
  template class ChainEnd<Real, Memory>;                                                               \
  template class Alternation<Real, Memory>;
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace impl
}  // namespace fortet
