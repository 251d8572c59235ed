#include "solver/sinkhorn_run.hpp"

#include <cmath>
#include <tuple>

#include "fortet/impl/deterministic_sum.hpp"
#include "fortet/impl/small_work.hpp"
#include "fortet/impl/stored_kernel.hpp"
#include "solver/relaxation.hpp"

namespace fortet::impl {
namespace {

/// Sums over one side after a pass: what the next decision needs.
struct SideStatistics {
  double error = 0;      // L1 distance of this marginal from the given one
  double smallest = 0;   // of the log-ratios of atoms with weight
  bool in_range = true;  // false: the max-free pass left its range
};

/// The state of a run. Potentials in cost units on both sides; every half-step works on one of them.
template <class Exec>
class Run {
 public:
  using memory_space = typename Exec::memory_space;
  using Vec = Vector<double, memory_space>;
  using In = ConstVector<double, memory_space>;
  using Kernel = std::shared_ptr<const HalfBridgeKernel<Exec>>;
  static constexpr std::size_t chunk_size = 512;

  Run(const Exec& exec, Kernel kernel, const SinkhornOptions& options, Clock::time_point begin)
      : exec_(space_for(exec, 0.5 * static_cast<double>(kernel->size(Side::source)) *
                                  static_cast<double>(kernel->size(Side::target)))),
        vectors_(space_for(
            exec, 5.0 * static_cast<double>(kernel->size(Side::source) + kernel->size(Side::target)))),
        options_(options),
        kernel_(std::move(kernel)),
        begin_(begin),
        f_("fortet::sinkhorn::f", kernel_->size(Side::source)),
        g_("fortet::sinkhorn::g", kernel_->size(Side::target)),
        source_log_ratio_("fortet::sinkhorn::source_log_ratio", kernel_->size(Side::source)),
        target_log_ratio_("fortet::sinkhorn::target_log_ratio", kernel_->size(Side::target)),
        source_masses_(mass_of(Side::source)),
        target_masses_(mass_of(Side::target)),
        chunk_statistics_("fortet::sinkhorn::chunk_statistics",
                          std::max(f_.extent(0), g_.extent(0)) / chunk_size + 1),
        relaxation_(options.largest_relaxation) {}

  /// `levels` of epsilon end at the kernel's; those before `first` are skipped unless the last one stalls.
  SinkhornResult<Exec> solve(In start, const std::vector<double>& levels, std::size_t first);

  // Kernels below are public because nvcc asks for it.

  Vec mass_of(Side side) {
    const In log_weights = kernel_->log_weights(side);
    const Vec mass("fortet::sinkhorn::mass", log_weights.extent(0));
    Kokkos::parallel_for(
        "fortet::sinkhorn::mass", Kokkos::RangePolicy<Exec>(vectors_, 0, mass.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { mass(i) = Kokkos::exp(log_weights(i)); });
    return mass;
  }

  /// Log marginal ratios of `side` at the current potentials, by the max-free pass or, where that leaves its
  /// range, by the soft minimum.
  SideStatistics measure(Side side, bool robust) {
    const In own = potential(side), across = potential(other(side));
    if (!robust) {
      kernel_->ratios(exec_, side, own, across, log_ratio(side));
      const SideStatistics statistics = summarise(side);
      if (statistics.in_range) return statistics;
    }
    const Vec out = log_ratio(side);
    kernel_->soft_min(exec_, side, across, out);
    const double scale = 1 / kernel_->epsilon();
    Kokkos::parallel_for(
        "fortet::sinkhorn::ratio_from_soft_min", Kokkos::RangePolicy<Exec>(vectors_, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { out(i) = (own(i) - out(i)) * scale; });
    SideStatistics statistics = summarise(side, true);
    statistics.in_range = false;  // far from the fixed point: take the plain step
    return statistics;
  }

  /// Both sides from one sweep of the kernel: the source at (f, g), the target at f after an over-relaxed
  /// step, which is not taken here.
  std::pair<SideStatistics, SideStatistics> measure_both(double omega) {
    kernel_->sweep(exec_, f_, g_, omega, source_log_ratio_, target_log_ratio_);
    const SideStatistics source = summarise(Side::source);
    return {source, summarise(Side::target)};
  }

  /// What the ratios, or their logarithms, of a side come to; leaves the logarithms. Summed in fixed chunks,
  /// in order: bitwise the same for every thread count.
  SideStatistics summarise(Side side, bool are_logarithms = false) {
    const Vec ratio = log_ratio(side), weights = masses(side);
    const auto chunks = chunk_statistics_;
    const std::size_t n = ratio.extent(0), chunk_count = (n + chunk_size - 1) / chunk_size;
    Kokkos::parallel_for(
        "fortet::sinkhorn::summarise", Kokkos::RangePolicy<Exec>(vectors_, 0, chunk_count),
        KOKKOS_LAMBDA(const std::size_t chunk) {
          double error = 0, smallest = 0, largest = 0;
          for (std::size_t i = chunk * chunk_size; i < n && i < (chunk + 1) * chunk_size; ++i) {
            const double r = are_logarithms ? Kokkos::exp(Kokkos::fmin(ratio(i), 300.0)) : ratio(i);
            const double log_r = are_logarithms ? ratio(i) : Kokkos::log(r);
            ratio(i) = log_r;
            error += weights(i) * Kokkos::fabs(r - 1);
            // NaN, from the logarithm of a negative overflow, counts as out of range
            const double value = log_r == log_r ? log_r : 1e300;
            smallest = Kokkos::fmin(smallest, value);
            largest = Kokkos::fmax(largest, value);
          }
          chunks(chunk, 0) = error;
          chunks(chunk, 1) = smallest;
          chunks(chunk, 2) = largest;
        });
    vectors_.fence("fortet::sinkhorn::summarise");
    const auto values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, chunks);
    SideStatistics statistics;
    double largest = 0;
    for (std::size_t chunk = 0; chunk < chunk_count; ++chunk) {
      statistics.error += values(chunk, 0);
      statistics.smallest = std::min(statistics.smallest, values(chunk, 1));
      largest = std::max(largest, values(chunk, 2));
    }
    constexpr double limit = 41;  // 2^60
    statistics.in_range = statistics.smallest > -limit && largest < limit && std::isfinite(statistics.error);
    return statistics;
  }

  /// potential -= omega epsilon log_ratio.
  void update(Side side, double omega) {
    const Vec own = potential(side), ratio = log_ratio(side);
    const double step = omega * kernel_->epsilon();
    Kokkos::parallel_for(
        "fortet::sinkhorn::update", Kokkos::RangePolicy<Exec>(vectors_, 0, own.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { own(i) -= step * ratio(i); });
  }

  // The vector operations of newton_step.

  double inner(const Vec& x, const Vec& y) {
    const Vec weights = target_masses_;
    return deterministic_sum(
        vectors_, "fortet::sinkhorn::inner", x.extent(0),
        KOKKOS_LAMBDA(const std::size_t j) { return weights(j) * x(j) * y(j); });
  }
  /// From the target's log-ratios: c and the slope of the dual, 1 - c. Atoms without weight stay out of it.
  void set_slope(const Vec& c, const Vec& slope) {
    const Vec weights = target_masses_, log_ratio = target_log_ratio_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::set_slope", Kokkos::RangePolicy<Exec>(vectors_, 0, c.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) {
          c(j) = weights(j) > 0 ? Kokkos::exp(log_ratio(j)) : 1.0;
          slope(j) = 1 - c(j);
        });
  }
  /// c += damping, and the diagonal of the round trip becomes the inverse of that of c - T.
  void damp(const Vec& c, const Vec& diagonal) {
    const double damping = damping_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::damp", Kokkos::RangePolicy<Exec>(vectors_, 0, c.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) {
          c(j) += damping;
          // an atom that meets one source atom alone has a diagonal of zero but for rounding
          diagonal(j) = 1 / Kokkos::fmax(c(j) - diagonal(j), 1e-10);
        });
  }
  void precondition(const Vec& scale, const Vec& residual, const Vec& scaled) {
    Kokkos::parallel_for(
        "fortet::sinkhorn::precondition", Kokkos::RangePolicy<Exec>(vectors_, 0, scaled.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) { scaled(j) = scale(j) * residual(j); });
  }
  /// image = c direction - image.
  void subtract_from(const Vec& c, const Vec& direction, const Vec& image) {
    const Vec weights = target_masses_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::subtract_from", Kokkos::RangePolicy<Exec>(vectors_, 0, c.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) {
          image(j) = weights(j) > 0 ? c(j) * direction(j) - image(j) : 0.0;
        });
  }
  void advance(double step, const Vec& direction, const Vec& delta, const Vec& image, const Vec& residual) {
    Kokkos::parallel_for(
        "fortet::sinkhorn::advance", Kokkos::RangePolicy<Exec>(vectors_, 0, delta.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) {
          delta(j) += step * direction(j);
          residual(j) -= step * image(j);
        });
  }
  void turn(double share, const Vec& residual, const Vec& direction) {
    Kokkos::parallel_for(
        "fortet::sinkhorn::turn", Kokkos::RangePolicy<Exec>(vectors_, 0, direction.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) { direction(j) = residual(j) + share * direction(j); });
  }
  /// g = from + length delta.
  void move_target(double length, const Vec& from, const Vec& delta) {
    const Vec g = g_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::move_target", Kokkos::RangePolicy<Exec>(vectors_, 0, g.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) { g(j) = from(j) + length * delta(j); });
  }

  /// int potential d(weights of the side).
  double integral(Side side) {
    const Vec weights = masses(side), own = potential(side);
    return deterministic_sum(
        vectors_, "fortet::sinkhorn::integral", own.extent(0),
        KOKKOS_LAMBDA(const std::size_t i) { return weights(i) > 0 ? weights(i) * own(i) : 0.0; });
  }

  /// Mass of the plan, from the log-ratios of the source.
  double plan_mass() {
    const In log_weights = kernel_->log_weights(Side::source);
    const Vec ratio = source_log_ratio_;
    return deterministic_sum(
        vectors_, "fortet::sinkhorn::plan_mass", ratio.extent(0),
        KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::exp(log_weights(i) + ratio(i)); });
  }

  /// f += shift, g -= shift: the plan does not change.
  void shift(double amount) {
    const Vec f = f_, g = g_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::gauge_source", Kokkos::RangePolicy<Exec>(vectors_, 0, f.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { f(i) += amount; });
    Kokkos::parallel_for(
        "fortet::sinkhorn::gauge_target", Kokkos::RangePolicy<Exec>(vectors_, 0, g.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { g(i) -= amount; });
  }

  /// Potentials of atoms without weight: the soft minimum, which the iteration does not need.
  void extend_to_zero_weights(Side side) {
    const Vec own = potential(side), weights = masses(side),
              extension("fortet::sinkhorn::extension", own.extent(0));
    const double without = deterministic_sum(
        vectors_, "fortet::sinkhorn::without_weight", own.extent(0),
        KOKKOS_LAMBDA(const std::size_t i) { return weights(i) > 0 ? 0.0 : 1.0; });
    if (without == 0) return;
    kernel_->soft_min(exec_, side, potential(other(side)), extension);
    Kokkos::parallel_for(
        "fortet::sinkhorn::extend", Kokkos::RangePolicy<Exec>(vectors_, 0, own.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          if (!(weights(i) > 0)) own(i) = extension(i);
        });
  }

  void certify(Report& report);

 private:
  Vec& potential(Side side) { return side == Side::source ? f_ : g_; }
  Vec& masses(Side side) { return side == Side::source ? source_masses_ : target_masses_; }
  Vec& log_ratio(Side side) { return side == Side::source ? source_log_ratio_ : target_log_ratio_; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  enum class Ended { tolerance, limit, cancelled, floor, stalled };
  static bool may_go_on(Ended ended) { return ended != Ended::limit && ended != Ended::cancelled; }
  Ended run_level(double tolerance, const char* phase);
  double half_step(Side side, const SideStatistics& statistics, double omega);
  bool report_progress(const char* phase, double error, double tolerance, bool force);
  Ended finish(Report& report);
  double newton_step(int budget);
  void use_stored(double tolerance);
  double error_in_double();

  Exec exec_;     // for pairs
  Exec vectors_;  // for what has a value an atom
  const SinkhornOptions& options_;
  Kernel kernel_;
  Clock::time_point begin_;
  Vec f_, g_, source_log_ratio_, target_log_ratio_, source_masses_, target_masses_;
  Kokkos::View<double* [3], Kokkos::LayoutRight, memory_space> chunk_statistics_;
  solver::Relaxation relaxation_;
  int iteration_ = 0;
  std::vector<HistoryEntry> history_;
  int patience_ = 0;            // iterations without progress before a level counts as stalled
  double damping_ = 0;          // of Newton's method
  double entry_tolerance_ = 0;  // that stored entries are good for
  Kernel stored_;               // the last one, for its memory
};

/// Keeps the entries of the kernel in memory where that pays, or as the options say.
template <class Exec>
void Run<Exec>::use_stored(double tolerance) {
  entry_tolerance_ = tolerance;
  if (options_.entries == KernelEntries::recomputed) return;
  const Kernel stored = make_stored<Exec>(exec_, kernel_, tolerance, f_, g_,
                                          options_.entries == KernelEntries::stored, stored_);
  if (stored) kernel_ = stored_ = stored;
}

/// One over-relaxed half-step, at a factor up to omega that does not lower the dual; returns the factor
/// taken.
template <class Exec>
double Run<Exec>::half_step(Side side, const SideStatistics& statistics, double omega) {
  if (!statistics.in_range) omega = 1.0;
  while (omega > 1 && statistics.smallest < solver::safe_log_ratio(omega)) {
    const auto weights = to_host(ConstVector<double, memory_space>(masses(side))),
               ratio = to_host(ConstVector<double, memory_space>(log_ratio(side)));
    double gain = 0;
    for (std::size_t i = 0; i < ratio.size(); ++i)
      if (weights[i] > 0) gain += weights[i] * solver::dual_gain(ratio[i], omega);
    if (gain >= 0) break;
    relaxation_.refuse();
    omega = relaxation_.factor() < 1.01 ? 1.0 : relaxation_.factor();
  }
  update(side, omega);
  return omega;
}

template <class Exec>
bool Run<Exec>::report_progress(const char* phase, double error, double tolerance, bool force) {
  if (!force && iteration_ % options_.check_every != 0) return true;
  history_.push_back({iteration_, kernel_->epsilon(), error, seconds(), phase});
  if (!options_.observer) return true;
  return options_.observer({.phase = phase,
                            .iteration = iteration_,
                            .max_iterations = options_.max_iterations,
                            .epsilon = kernel_->epsilon(),
                            .error = error,
                            .tolerance = tolerance,
                            .rate = relaxation_.rate(),
                            .seconds = seconds()}) == Continue::yes;
}

/// One damped, truncated Newton step on the semi-dual in g (Brauer, Clason, Lorenz, Wirth 2017). At exact
/// rows, with c the ratios of the columns and T the round trip, it solves
///   (diag(c) - T + damping) delta = 1 - c
/// by conjugate gradients in L2(target), preconditioned by the diagonal, in at most `budget` sweeps, and
/// moves g by epsilon delta. The slope of the dual along delta, which falls from one end to the other, says
/// whether the step is kept and how the next is damped. Leaves (f, g) with exact rows, after a refused step
/// where they were, and returns the error of the columns there.
template <class Exec>
double Run<Exec>::newton_step(int budget) {
  const auto [rows, columns] = measure_both(1.0);
  ++iteration_;
  half_step(Side::source, rows, 1.0);
  if (!columns.in_range) return INFINITY;
  const std::size_t m = g_.extent(0);
  const auto vector = [m, this](const std::string& label) {
    return Vec(Kokkos::view_alloc(exec_, Kokkos::WithoutInitializing, label), m);
  };
  const Vec c = vector("fortet::sinkhorn::ratios"), slope = vector("fortet::sinkhorn::slope"),
            delta = vector("fortet::sinkhorn::delta"), residual = vector("fortet::sinkhorn::residual"),
            direction = vector("fortet::sinkhorn::direction"), image = vector("fortet::sinkhorn::image"),
            scale = vector("fortet::sinkhorn::preconditioner"), scaled = vector("fortet::sinkhorn::scaled");
  if (!kernel_->round_trip_diagonal(exec_, f_, g_, scale)) return columns.error;
  ++iteration_;
  set_slope(c, slope);
  damp(c, scale);
  Kokkos::deep_copy(exec_, delta, 0.0);
  Kokkos::deep_copy(exec_, residual, slope);
  precondition(scale, residual, scaled);
  Kokkos::deep_copy(exec_, direction, scaled);
  double norm = inner(residual, scaled);
  const double enough = 1e-4 * norm;  // of the square: the residual falls to a hundredth
  for (int k = 0; k < budget && norm > enough; ++k) {
    kernel_->round_trip(exec_, f_, g_, direction, image);
    ++iteration_;
    subtract_from(c, direction, image);
    const double curvature = inner(direction, image);
    if (!(curvature > 0)) break;
    const double step = norm / curvature;
    advance(step, direction, delta, image, residual);
    precondition(scale, residual, scaled);
    const double next = inner(residual, scaled);
    turn(next / norm, scaled, direction);
    norm = next;
  }
  const Vec f0("fortet::sinkhorn::f_before", f_.extent(0)), g0 = vector("fortet::sinkhorn::g_before");
  Kokkos::deep_copy(exec_, f0, f_);
  Kokkos::deep_copy(exec_, g0, g_);
  const double slope_before = inner(slope, delta);
  move_target(kernel_->epsilon(), g0, delta);
  const auto [new_rows, new_columns] = measure_both(1.0);
  ++iteration_;
  double change = -INFINITY;  // of the slope, from 1 to about 0 where the step is right
  if (new_rows.in_range && new_columns.in_range) {
    half_step(Side::source, new_rows, 1.0);
    set_slope(c, slope);
    change = inner(slope, delta) / slope_before;
  }
  damping_ *= change < -0.3 ? 10 : std::abs(change) < 0.3 ? 0.1 : change > 0.6 ? 0.3 : 1;
  damping_ = std::clamp(damping_, 1e-12, 1.0);
  if (change > -0.8) return new_columns.error;
  Kokkos::deep_copy(exec_, f_, f0);
  Kokkos::deep_copy(exec_, g_, g0);
  return columns.error;
}

/// Iterates at the kernel's epsilon until the marginal error of the current plan (f, g) is at most
/// `tolerance`.
template <class Exec>
typename Run<Exec>::Ended Run<Exec>::run_level(double tolerance, const char* phase) {
  relaxation_.restart();
  const double noise = kernel_->noise();
  double best = INFINITY, target_error = 0;
  int best_iteration = iteration_, storing_from = iteration_ + 5;
  const int level_from = iteration_;
  bool robust = false;  // the last max-free pass left its range
  double rate = 1;      // of the relaxed iteration, once known
  int newton_from = iteration_ + 30, newton_begun = -1;
  double newton_error = INFINITY;
  damping_ = 1e-3;
  for (bool first = true;; first = false) {
    const double omega = first ? 1.0 : relaxation_.factor();  // a new level starts far from its fixed point
    SideStatistics rows{.in_range = false}, columns;
    if (!robust) std::tie(rows, columns) = measure_both(omega);
    const bool swept = rows.in_range;
    if (!swept) rows = measure(Side::source, true);
    // the error of the plan as it stands is that of its rows, or what the last over-relaxed step left on the
    // columns
    const double error = std::max(rows.error, target_error);
    if (!first) {
      const bool go_on = report_progress(phase, error, tolerance, error <= tolerance);
      if (error <= tolerance) return Ended::tolerance;
      if (!go_on) return Ended::cancelled;
    }
    if (iteration_ >= options_.max_iterations) return Ended::limit;
    // near the fixed point fewer tiles matter: storing may pay now
    if (iteration_ == storing_from && kernel_ != stored_) {
      storing_from += 4 * (iteration_ - level_from);
      use_stored(entry_tolerance_);
    }
    if (error < 0.99 * best) {
      best = error;
      best_iteration = iteration_;
    }
    if (error < 20 * noise && iteration_ - best_iteration > 50) return Ended::floor;
    if (iteration_ - best_iteration > patience_) return Ended::stalled;
    if (!first) relaxation_.observe(error);

    if (relaxation_.rate() < 1) rate = relaxation_.rate();
    const double to_go = rate < 1 ? std::log(error / tolerance) / -std::log(rate) : 0;
    if (options_.newton && swept && error < 1e-2 && iteration_ >= newton_from && to_go > 1000) {
      if (newton_begun < 0) {
        newton_begun = iteration_;
        newton_error = error;
      }
      target_error = newton_step(static_cast<int>(std::clamp(to_go / 2, 20.0, 300.0)));
      report_progress("newton", target_error, tolerance, true);
      // on while it halves the error every 200 sweeps
      if (iteration_ - newton_begun > 200) {
        if (!(target_error < newton_error / 2)) {
          newton_from = iteration_ + (iteration_ - newton_begun);
          relaxation_ = solver::Relaxation(options_.largest_relaxation);
        }
        newton_begun = -1;
      }
      continue;
    }

    // columns hold if the source takes the step that the sweep assumed
    const bool as_assumed = half_step(Side::source, rows, omega) == omega && swept;
    if (!as_assumed || !columns.in_range)
      columns = measure(Side::target, robust || (as_assumed && !columns.in_range));
    target_error = (half_step(Side::target, columns, relaxation_.factor()) - 1) * columns.error;
    robust = !swept && !robust;
    ++iteration_;
  }
}

/// The L1 marginal error of the plan, by a pass of its own in double; leaves the log-ratios of both sides.
template <class Exec>
double Run<Exec>::error_in_double() {
  const Kernel working = kernel_;
  kernel_ = kernel_->in_double(exec_);
  auto [rows, columns] = measure_both(0.0);
  if (!rows.in_range) rows = measure(Side::source, true);
  if (!columns.in_range) columns = measure(Side::target, true);
  kernel_ = working;
  return std::max(rows.error, columns.error);
}

/// Costs of the plan and, on request, of the rounded plan, in double, after error_in_double().
template <class Exec>
void Run<Exec>::certify(Report& report) {
  kernel_ = kernel_->in_double(exec_);
  const double mass = plan_mass();
  const double epsilon = kernel_->epsilon();
  report.dual_value = integral(Side::source) + integral(Side::target) - epsilon * (mass - 1);

  const auto costs_of = [&](In f, In g, In alpha, In beta) {
    const std::size_t n = f_.extent(0);
    Vec transport("fortet::sinkhorn::transport", n), kl("fortet::sinkhorn::kl", n);
    kernel_->plan_costs(exec_, f, g, alpha, beta, transport, kl);
    exec_.fence("fortet::sinkhorn::costs");
    const auto log_a = to_host(kernel_->log_weights(Side::source));
    const auto c = to_host(transport), k = to_host(kl);
    std::pair<double, double> sums{0, 0};
    for (std::size_t i = 0; i < n; ++i) {
      const double weight = std::exp(log_a[i]);
      if (weight > 0) {
        sums.first += weight * c[i];
        sums.second += weight * k[i];
      }
    }
    return sums;
  };
  const std::size_t n = f_.extent(0), m = g_.extent(0);
  if (!options_.certify) {
    const auto [transport, kl] = costs_of(f_, g_, {}, {});
    report.transport_cost = transport;
    report.entropic_cost = transport + epsilon * (kl - mass + 1);
    return;
  }
  // Rounding (Altschuler, Weed, Rigollet 2017, algorithm 2): scale rows, then columns, down to their
  // marginals, and spread what is missing as a product: q_ij = e_ij + alpha_i beta_j.
  const Vec solved_f = f_, solved_g = g_;
  f_ = Vec("fortet::sinkhorn::rounded_f", n);
  g_ = Vec("fortet::sinkhorn::rounded_g", m);
  Kokkos::deep_copy(exec_, f_, solved_f);
  Kokkos::deep_copy(exec_, g_, solved_g);
  for (const Side side : {Side::source, Side::target}) {
    measure(side, false);
    const Vec ratio = log_ratio(side);
    Kokkos::parallel_for(
        "fortet::sinkhorn::only_down", Kokkos::RangePolicy<Exec>(vectors_, 0, ratio.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { ratio(i) = Kokkos::fmax(ratio(i), 0.0); });
    update(side, 1.0);
  }
  Vec missing[2];
  double total = 0;
  for (const Side side : {Side::source, Side::target}) {
    measure(side, false);
    const Vec ratio = log_ratio(side), share("fortet::sinkhorn::missing", ratio.extent(0));
    Kokkos::parallel_for(
        "fortet::sinkhorn::missing", Kokkos::RangePolicy<Exec>(vectors_, 0, ratio.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { share(i) = Kokkos::fmax(-Kokkos::expm1(ratio(i)), 0.0); });
    missing[side == Side::target] = share;
    if (side == Side::source) {
      const In log_weights = kernel_->log_weights(side);
      total = deterministic_sum(
          vectors_, "fortet::sinkhorn::missing_mass", share.extent(0),
          KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::exp(log_weights(i)) * share(i); });
    }
  }
  const Vec beta = missing[1];
  const double inverse = total > 0 ? 1 / total : 0.0;
  Kokkos::parallel_for(
      "fortet::sinkhorn::spread", Kokkos::RangePolicy<Exec>(vectors_, 0, beta.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { beta(j) *= inverse; });
  const auto [transport, kl] = costs_of(f_, g_, missing[0], beta);
  f_ = solved_f;
  g_ = solved_g;
  report.transport_cost = transport;
  report.entropic_cost = transport + epsilon * kl;
  report.duality_gap = *report.entropic_cost - *report.dual_value;
}

/// The last level: in float, or with entries in float, as far as that goes, then in double, until the error
/// that a check in double finds is at most the tolerance.
template <class Exec>
typename Run<Exec>::Ended Run<Exec>::finish(Report& report) {
  const bool is_float = kernel_->single_precision();
  use_stored(options_.tolerance);
  double target = options_.tolerance;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto refines = [&] {
      return kernel_->single_precision() && (options_.finish_in_double || !is_float);
    };
    const Ended ended = run_level(refines() ? std::max(target, kernel_->noise()) : target, "iterating");
    if (attempt == 0) report.kernel = kernel_->description();
    const bool rough = kernel_->single_precision(), refine = refines();
    if (!may_go_on(ended) || (ended == Ended::stalled && !refine)) return ended;
    if (ended == Ended::tolerance) report.marginal_error = error_in_double();
    if (ended == Ended::tolerance && report.marginal_error <= options_.tolerance) return ended;
    if (refine) {
      if (is_float) report.precision = "float, finished in double";
      kernel_ = kernel_->in_double(exec_);
      use_stored(0);
    } else if (ended == Ended::tolerance && !rough) {
      target /= 2;  // the estimate that ended the level was below what the check in double finds
    } else {
      break;
    }
  }
  return Ended::floor;
}

template <class Exec>
SinkhornResult<Exec> Run<Exec>::solve(In start, const std::vector<double>& levels, std::size_t first) {
  const double epsilon = kernel_->epsilon();
  if (start.extent(0) > 0) {
    detail::require(start.extent(0) == g_.extent(0), "fortet::Sinkhorn::solve", "start.size()",
                    start.extent(0),
                    "expected one value for each of the " + std::to_string(g_.extent(0)) + " target atoms");
    Kokkos::deep_copy(exec_, g_, start);
  }

  Report report;
  report.solver = "sinkhorn";
  report.n = f_.extent(0);
  report.m = g_.extent(0);
  report.epsilon = epsilon;
  report.kernel = kernel_->description();
  const Kernel base = kernel_;
  const bool is_float = base->single_precision();
  report.precision = is_float ? "float" : "double";

  // An imbalance between far clusters below the annealing tolerance is not seen until epsilon is so small
  // that hardly any mass can cross: where the last level stalls, anneal again to a finer tolerance.
  Ended ended = Ended::tolerance;
  double level_tolerance = options_.annealing.tolerance;
  for (int round = 0; round < 3; ++round, level_tolerance /= 30) {
    patience_ = levels.size() > 1 && round < 2 ? 400 : 2000;
    for (std::size_t level = round == 0 ? first : 0; level + 1 < levels.size() && may_go_on(ended); ++level) {
      kernel_ = base->with_epsilon(exec_, levels[level]);
      use_stored(level_tolerance);
      ended = run_level(level_tolerance, "annealing");
    }
    if (!may_go_on(ended)) break;
    kernel_ = base;
    ended = finish(report);
    if (ended != Ended::stalled || levels.size() == 1) break;
  }
  kernel_ = base;
  for (const Side side : {Side::source, Side::target}) extend_to_zero_weights(side);
  shift((integral(Side::target) - integral(Side::source)) / 2);
  if (ended != Ended::tolerance) report.marginal_error = error_in_double();
  certify(report);

  report.iterations = iteration_;
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
    report.status =
        options_.tolerance < 100 * kernel_->noise() || is_float ? Status::precision_limit : Status::stalled;
  report.seconds = seconds();
  return {f_, g_, std::move(report)};
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
FORTET_INSTANTIATE(HostExec)
#if defined(KOKKOS_ENABLE_CUDA)
FORTET_INSTANTIATE(Kokkos::Cuda)
#endif

}  // namespace fortet::impl
