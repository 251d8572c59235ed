#include "solver/sinkhorn_run.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "fortet/impl/stored_kernel.hpp"
#include "instantiate.hpp"
#include "solver/anderson.hpp"
#include "solver/certificate.hpp"
#include "solver/newton.hpp"
#include "solver/relaxation.hpp"

namespace fortet::impl {
namespace {

/// Float arithmetic may do the work where the noise in its entries is below this, about that of entries in
/// half precision, or below this share of the tolerance. The noise is an upper bound, seldom attained.
constexpr double float_noise = 0x1p-9, noise_share = 0.1;

/// A faster method at work: it goes on while it halves the error every so many iterations, and rests for as
/// long as it worked in vain.
struct Attempt {
  int from = 0;  // not before this iteration
  int begun = -1;
  double error = INFINITY;  // when it begun

  void begin(int iteration, double at) {
    if (begun >= 0) return;
    begun = iteration;
    error = at;
  }
  bool goes_on(int iteration, double now, int patience) {
    if (iteration - begun <= patience) return true;
    if (!(now < error / 2)) {
      rest(iteration);
      return false;
    }
    begun = iteration;
    error = now;
    return true;
  }
  void rest(int iteration) {
    from = iteration + std::max(iteration - begun, 30);
    begun = -1;
  }
};

/// One solve: which phase works on the state, at which epsilon and with which kernel.
template <class Exec>
class Run {
 public:
  using Kernel = typename SinkhornState<Exec>::Kernel;
  using In = typename SinkhornState<Exec>::In;

  Run(const Exec& exec, Kernel kernel, const SinkhornOptions& options, Clock::time_point begin)
      : options_(options),
        begin_(begin),
        state_(exec, kernel),
        relaxation_(options.largest_relaxation),
        base_(kernel),
        in_float_(kernel->in_float(exec)),
        in_double_(kernel->single_precision() ? kernel->in_double(exec) : kernel) {}

  /// `levels` of epsilon end at the kernel's; those before `first` are skipped unless the last one stalls.
  SinkhornResult<Exec> solve(In start, const std::vector<double>& levels, std::size_t first);

 private:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  /// `far`: from the fixed point, where no acceleration works and another start is better.
  enum class Ended { tolerance, limit, cancelled, floor, stalled, far };
  static bool may_go_on(Ended ended) { return ended != Ended::limit && ended != Ended::cancelled; }
  struct Level {
    double tolerance;
    int from;
    int best_iteration, storing_from;
    double error = INFINITY, best = INFINITY;
  };
  std::optional<Ended> judge(Level& level, const char* phase, double error);
  std::optional<Ended> accelerate(Level& level, Attempt& attempt);
  Ended run_level(double tolerance, const char* phase, bool fresh);
  double half_step(Side side, const SideStatistics& statistics, double omega);
  bool report_progress(const char* phase, double error, double tolerance, bool force);
  Ended finish(Report& report, bool warm);
  void work_at(double epsilon, double tolerance);
  void store_entries();
  /// Whether what is at work is good for large errors only, or when calibrated.
  bool rough() const {
    return entry_tolerance_ >= half_tolerance &&
           (state_.kernel == stored_ || state_.kernel->single_precision() != base_->single_precision());
  }
  /// Whether the kernel at work is single, in arithmetic or entries, and what it does may be finished in
  /// double.
  bool may_double() const {
    return state_.kernel->single_precision() && (options_.finish_in_double || !base_->single_precision());
  }
  double attainable() const;
  void refine();

  const SinkhornOptions& options_;
  Clock::time_point begin_;
  SinkhornState<Exec> state_;
  solver::Relaxation relaxation_;
  std::vector<HistoryEntry> history_;
  bool may_anneal_again_ = false;             // where this does not lead to the end
  double damping_ = 0;                        // of Newton's method
  const Kernel base_, in_float_, in_double_;  // the kernel; null in_float_: it is in float, or cannot be
  double entry_tolerance_ = 0;                // that arithmetic and entries at work are good for
  Kernel stored_;                             // the last one that was stored, for its memory
};

/// The kernel at `epsilon`, with arithmetic and entries that are good for errors down to `tolerance`.
template <class Exec>
void Run<Exec>::work_at(double epsilon, double tolerance) {
  entry_tolerance_ = tolerance;
  const auto at = [&](const Kernel& kernel) {
    return kernel->epsilon() == epsilon ? kernel : kernel->with_epsilon(state_.exec, epsilon);
  };
  const bool in_float =
      tolerance >= half_tolerance && in_float_ &&
      in_float_->noise() * in_float_->epsilon() / epsilon < std::max(float_noise, noise_share * tolerance);
  state_.kernel = at(in_float ? in_float_ : base_);
}

/// Keeps the entries of the kernel in memory where that pays, or as the options say.
template <class Exec>
void Run<Exec>::store_entries() {
  if (options_.entries == KernelEntries::recomputed) return;
  const Kernel stored = make_stored<Exec>(state_.exec, state_.kernel, entry_tolerance_, state_.f, state_.g,
                                          options_.entries == KernelEntries::stored, stored_);
  if (stored) state_.kernel = stored_ = stored;
}

/// What the kernel at work says of smaller errors is not to be relied on.
template <class Exec>
double Run<Exec>::attainable() const {
  return std::max(may_double() ? state_.kernel->noise() : 0,
                  rough() && !state_.is_calibrated() ? half_tolerance : 0);
}

/// Ends the use of arithmetic and entries that are good for large errors only.
template <class Exec>
void Run<Exec>::refine() {
  stored_ = nullptr;  // memory that is of no more use
  work_at(state_.kernel->epsilon(), std::min(options_.tolerance, half_tolerance / 2));
  store_entries();
}

/// One over-relaxed half-step, at a factor up to omega that does not lower the dual; returns the factor
/// taken.
template <class Exec>
double Run<Exec>::half_step(Side side, const SideStatistics& statistics, double omega) {
  if (!statistics.in_range) omega = 1.0;
  while (omega > 1 && statistics.smallest < solver::safe_log_ratio(omega)) {
    const auto weights = to_host(In(state_.masses(side))), ratio = to_host(In(state_.log_ratio(side)));
    double gain = 0;
    for (std::size_t i = 0; i < ratio.size(); ++i)
      if (weights[i] > 0) gain += weights[i] * solver::dual_gain(ratio[i], omega);
    if (gain >= 0) break;
    relaxation_.refuse();
    omega = relaxation_.factor() < 1.01 ? 1.0 : relaxation_.factor();
  }
  state_.update(side, omega);
  return omega;
}

template <class Exec>
bool Run<Exec>::report_progress(const char* phase, double error, double tolerance, bool force) {
  if (!force && state_.iteration % options_.check_every != 0) return true;
  history_.push_back({state_.iteration, state_.kernel->epsilon(), error, seconds(), phase});
  if (!options_.observer) return true;
  return options_.observer({.phase = phase,
                            .iteration = state_.iteration,
                            .max_iterations = options_.max_iterations,
                            .epsilon = state_.kernel->epsilon(),
                            .error = error,
                            .tolerance = tolerance,
                            .rate = relaxation_.rate(),
                            .seconds = seconds()}) == Continue::yes;
}

/// Books the error of the current plan, and says whether the level ends with it.
template <class Exec>
std::optional<typename Run<Exec>::Ended> Run<Exec>::judge(Level& level, const char* phase, double error) {
  level.error = error;
  const double tolerance = std::max(level.tolerance, attainable());
  const bool go_on = report_progress(phase, error, tolerance, error <= tolerance);
  if (error <= tolerance) return Ended::tolerance;
  if (!go_on) return Ended::cancelled;
  if (state_.iteration >= options_.max_iterations) return Ended::limit;
  if (error < 0.99 * level.best) {
    level.best = error;
    level.best_iteration = state_.iteration;
  }
  const int without_progress = state_.iteration - level.best_iteration;
  if (error < 20 * state_.kernel->noise() && without_progress > 50) return Ended::floor;
  if (without_progress > (may_anneal_again_ ? 400 : 2000)) return Ended::stalled;
  // near the fixed point fewer tiles matter: storing may pay now
  if (state_.iteration >= level.storing_from && state_.kernel != stored_) {
    level.storing_from += 4 * (state_.iteration - level.from);
    store_entries();
  }
  return {};
}

/// Anderson's steps for as long as they help, then a line search; leaves the error of the plan in the level.
template <class Exec>
std::optional<typename Run<Exec>::Ended> Run<Exec>::accelerate(Level& level, Attempt& attempt) {
  Anderson<Exec> anderson(state_.f.extent(0), state_.g.extent(0));
  for (double lowest = level.error;;) {
    const double now = anderson.measure(state_);
    const bool measured = now < INFINITY;
    if (const auto ended = judge(level, "anderson", measured ? now : level.error)) return ended;
    lowest = std::min(lowest, now);
    if (!measured) {
      attempt.rest(state_.iteration);
      return {};
    }
    if (!attempt.goes_on(state_.iteration, lowest, 50)) return judge(level, "line search", ascend(state_));
    anderson.extrapolate(state_);
  }
}

/// Iterates at the kernel's epsilon until the marginal error of the current plan (f, g) is at most
/// `tolerance`. `fresh`: epsilon has just changed, so that the first step is the largest.
template <class Exec>
typename Run<Exec>::Ended Run<Exec>::run_level(double tolerance, const char* phase, bool fresh) {
  relaxation_.restart();
  Level level{.tolerance = tolerance,
              .from = state_.iteration,
              .best_iteration = state_.iteration,
              .storing_from = state_.iteration + 5};
  double target_error = 0;  // what the last over-relaxed step left on the columns
  bool robust = false;      // the last max-free pass left its range
  double rate = 1;          // of the relaxed iteration, once known
  Attempt newton{.from = state_.iteration + 30}, anderson{.from = state_.iteration};
  damping_ = 1e-3;
  for (bool first = true;; first = false) {
    const double omega = first && fresh ? 1.0 : relaxation_.factor();
    SideStatistics rows{.in_range = false}, columns;
    if (!robust) std::tie(rows, columns) = state_.measure_both(omega);
    const bool swept = rows.in_range;
    if (!swept) rows = state_.measure(Side::source, true);
    const double error = std::max(rows.error, target_error);
    if (!first) {
      if (const auto ended = judge(level, phase, error)) return *ended;
      relaxation_.observe(error);
    }

    if (relaxation_.rate() < 1) rate = relaxation_.rate();
    const double to_go = rate < 1 ? std::log(error / tolerance) / -std::log(rate) : 0;
    const bool slow = swept && to_go > 1000;
    if (may_anneal_again_ && slow && error >= 0.1 && state_.iteration - level.from > 100) return Ended::far;
    if (rough() && (slow || state_.iteration - level.best_iteration > 50)) {
      refine();
      continue;
    }
    if (options_.anderson && slow && error < 0.1 && state_.iteration >= anderson.from) {
      anderson.begin(state_.iteration, error);
      if (const auto ended = accelerate(level, anderson)) return *ended;
      target_error = level.error;
      continue;
    }
    if (options_.newton && state_.kernel->has_round_trip() && slow && error < 1e-2 &&
        state_.iteration >= newton.from) {
      newton.begin(state_.iteration, error);
      target_error = newton_step(state_, damping_, static_cast<int>(std::clamp(to_go / 2, 20.0, 300.0)));
      report_progress("newton", target_error, tolerance, true);
      if (!newton.goes_on(state_.iteration, target_error, 200))
        relaxation_ = solver::Relaxation(options_.largest_relaxation);
      continue;
    }

    // columns hold if the source takes the step that the sweep assumed
    const bool as_assumed = half_step(Side::source, rows, omega) == omega && swept;
    if (!as_assumed || !columns.in_range)
      columns = state_.measure(Side::target, robust || (as_assumed && !columns.in_range));
    target_error = (half_step(Side::target, columns, relaxation_.factor()) - 1) * columns.error;
    robust = !swept && !robust;
    ++state_.iteration;
    if (!first) continue;
    if (as_assumed && omega == 1 && columns.in_range && columns.error <= tolerance)
      if (const auto ended = judge(level, phase, columns.error)) return *ended;  // of rows that are exact
    if (state_.kernel != stored_) store_entries();
  }
}

/// The last level: with rough arithmetic and entries, corrected by checks in double, as far as that goes,
/// then with finer ones, until the error that a check finds is at most the tolerance. `warm`: the start may
/// be so good that rough arithmetic would spoil it.
template <class Exec>
typename Run<Exec>::Ended Run<Exec>::finish(Report& report, bool warm) {
  const bool is_float = base_->single_precision();
  work_at(base_->epsilon(), std::max(options_.tolerance, half_tolerance));
  if (warm) state_.kernel = base_;
  double target = options_.tolerance, found = INFINITY;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const Ended ended = run_level(target, "iterating", attempt == 0);
    report.kernel = state_.kernel->description();
    if (!may_go_on(ended) || ended == Ended::far) return ended;
    if (ended == Ended::tolerance) {
      const double before = std::exchange(found, error_by(state_, in_double_));
      report.marginal_error = found;
      if (found <= options_.tolerance) return ended;
      target = 0.8 * options_.tolerance;
      if (found < before / 2 && state_.kernel->noise() < found && may_double()) {
        state_.calibrate();
        if (is_float) report.precision = "float, corrected in double";
        continue;
      }
    }
    // on to what is finer
    if (rough()) {
      refine();
    } else if (may_double()) {
      if (is_float) report.precision = "float, finished in double";
      entry_tolerance_ = 0;
      state_.kernel = in_double_;
      store_entries();
    } else if (ended == Ended::tolerance && !state_.kernel->single_precision()) {
      target = std::min(target, found) / 2;  // what ended the level was below what the check finds
    } else {
      return ended == Ended::stalled ? ended : Ended::floor;
    }
  }
  return Ended::floor;
}

template <class Exec>
SinkhornResult<Exec> Run<Exec>::solve(In start, const std::vector<double>& levels, std::size_t first) {
  const double epsilon = state_.kernel->epsilon();
  if (start.extent(0) > 0) {
    detail::require(
        start.extent(0) == state_.g.extent(0), "fortet::Sinkhorn::solve", "start.size()", start.extent(0),
        "expected one value for each of the " + std::to_string(state_.g.extent(0)) + " target atoms");
    Kokkos::deep_copy(state_.exec, state_.g, start);
  }

  Report report;
  report.solver = "sinkhorn";
  report.n = state_.f.extent(0);
  report.m = state_.g.extent(0);
  report.epsilon = epsilon;
  report.kernel = state_.kernel->description();
  const bool is_float = base_->single_precision();
  report.precision = is_float ? "float" : "double";

  // An imbalance between far clusters below the annealing tolerance is not seen until epsilon is so small
  // that hardly any mass can cross: where the last level stalls, anneal again to a finer tolerance.
  Ended ended = Ended::tolerance;
  double level_tolerance = options_.annealing.tolerance;
  for (int round = 0; round < 3; ++round, level_tolerance /= 30) {
    may_anneal_again_ = levels.size() > 1 && round < 2;
    for (std::size_t level = round == 0 ? first : 0; level + 1 < levels.size() && may_go_on(ended); ++level) {
      work_at(levels[level], level_tolerance);
      ended = run_level(level_tolerance, "annealing", true);
    }
    if (!may_go_on(ended)) break;
    ended = finish(report, start.extent(0) > 0 && levels.size() == 1);
    if (levels.size() == 1 || (ended != Ended::stalled && ended != Ended::far)) break;
  }
  state_.kernel = base_;
  for (const Side side : {Side::source, Side::target}) state_.extend_to_zero_weights(side);
  state_.shift((state_.integral(Side::target) - state_.integral(Side::source)) / 2);
  if (ended != Ended::tolerance) report.marginal_error = error_by(state_, in_double_);
  state_.kernel = in_double_;
  certify(state_, options_.certify, report);

  report.iterations = state_.iteration;
  report.history = std::move(history_);
  if (ended == Ended::cancelled)
    report.status = Status::cancelled;
  else if (!std::isfinite(report.marginal_error))
    report.status = Status::diverged;
  else if (report.marginal_error <= options_.tolerance)
    report.status = Status::converged;
  else if (ended == Ended::limit)
    report.status = Status::iteration_limit;
  else
    report.status = options_.tolerance < 100 * state_.kernel->noise() || is_float ? Status::precision_limit
                                                                                  : Status::stalled;
  report.seconds = seconds();
  return {state_.f, state_.g, std::move(report)};
}

}  // namespace

template <class Exec>
SinkhornResult<Exec> run_sinkhorn(const Exec& exec, std::shared_ptr<const HalfBridgeKernel<Exec>> kernel,
                                  const SinkhornOptions& options, Clock::time_point begin,
                                  ConstVector<double, typename Exec::memory_space> start,
                                  const std::vector<double>& levels, std::size_t first) {
  return Run<Exec>(exec, std::move(kernel), options, begin).solve(start, levels, first);
}

#define FORTET_INSTANTIATE(Exec)                                                                             \
  template SinkhornResult<Exec> run_sinkhorn(                                                                \
      const Exec&, std::shared_ptr<const HalfBridgeKernel<Exec>>, const SinkhornOptions&, Clock::time_point, \
      ConstVector<double, Exec::memory_space>, const std::vector<double>&, std::size_t);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
