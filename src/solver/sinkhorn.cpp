#include "fortet/solver/sinkhorn.hpp"

#include <chrono>
#include <cmath>
#include <sstream>

#include "fortet/impl/deterministic_sum.hpp"
#include "solver/relaxation.hpp"

namespace fortet {

void SinkhornOptions::validate() const {
  constexpr const char* where = "fortet::SinkhornOptions";
  const auto inside = [&](bool ok, const char* name, auto value, const char* allowed) {
    detail::require(ok, where, name, value, allowed);
  };
  inside(std::isfinite(tolerance) && tolerance > 0, "tolerance", tolerance, "expected a finite number > 0");
  inside(max_iterations >= 1, "max_iterations", max_iterations, "expected at least 1");
  inside(largest_relaxation >= 1 && largest_relaxation < 2, "largest_relaxation", largest_relaxation,
         "expected a number in [1, 2)");
  inside(annealing.factor > 0 && annealing.factor < 1, "annealing.factor", annealing.factor,
         "expected a number in (0, 1)");
  inside(annealing.tolerance > 0, "annealing.tolerance", annealing.tolerance, "expected a number > 0");
  inside(annealing.threshold >= 0, "annealing.threshold", annealing.threshold, "expected a number >= 0");
  inside(check_every >= 1, "check_every", check_every, "expected at least 1");
}

namespace impl {
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

  Run(const Exec& exec, Kernel kernel, const SinkhornOptions& options)
      : exec_(exec),
        options_(options),
        kernel_(std::move(kernel)),
        start_time_(std::chrono::steady_clock::now()),
        f_("fortet::sinkhorn::f", kernel_->size(Side::source)),
        g_("fortet::sinkhorn::g", kernel_->size(Side::target)),
        source_log_ratio_("fortet::sinkhorn::source_log_ratio", kernel_->size(Side::source)),
        target_log_ratio_("fortet::sinkhorn::target_log_ratio", kernel_->size(Side::target)),
        relaxation_(options.largest_relaxation) {}

  SinkhornResult<Exec> solve(In start);

  // Kernels below are public because nvcc asks for it.

  /// Log marginal ratios of `side` at the current potentials, by the max-free pass or, where that leaves its
  /// range, by the soft minimum.
  SideStatistics measure(Side side, bool robust) {
    const Vec out = log_ratio(side);
    const In own = potential(side), across = potential(other(side));
    if (!robust) {
      kernel_->ratios(exec_, side, own, across, out);
      Kokkos::parallel_for(
          "fortet::sinkhorn::log_ratio", Kokkos::RangePolicy<Exec>(exec_, 0, out.extent(0)),
          KOKKOS_LAMBDA(const std::size_t i) { out(i) = Kokkos::log(out(i)); });
      const SideStatistics statistics = summarise(side);
      if (statistics.in_range) return statistics;
    }
    kernel_->soft_min(exec_, side, across, out);
    const double scale = 1 / kernel_->epsilon();
    Kokkos::parallel_for(
        "fortet::sinkhorn::log_ratio_from_soft_min", Kokkos::RangePolicy<Exec>(exec_, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { out(i) = (own(i) - out(i)) * scale; });
    SideStatistics statistics = summarise(side);
    statistics.in_range = false;  // far from the fixed point: take the plain step
    return statistics;
  }

  SideStatistics summarise(Side side) {
    const In log_weights = kernel_->log_weights(side);
    const Vec ratio = log_ratio(side);
    constexpr double limit = 41;  // 2^60
    double low = 0, high = 0;
    Kokkos::parallel_reduce(
        "fortet::sinkhorn::range", Kokkos::RangePolicy<Exec>(exec_, 0, ratio.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i, double& smallest, double& largest) {
          // NaN, from the logarithm of a negative overflow, counts as out of range
          const double value = ratio(i) == ratio(i) ? ratio(i) : 1e300;
          smallest = Kokkos::fmin(smallest, value);
          largest = Kokkos::fmax(largest, value);
        },
        Kokkos::Min<double>(low), Kokkos::Max<double>(high));
    SideStatistics statistics;
    statistics.smallest = low;
    statistics.in_range = low > -limit && high < limit;
    statistics.error = deterministic_sum(
        exec_, "fortet::sinkhorn::error", ratio.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
          return Kokkos::exp(log_weights(i)) * Kokkos::fabs(Kokkos::expm1(Kokkos::fmin(ratio(i), 300.0)));
        });
    return statistics;
  }

  /// potential -= omega epsilon log_ratio.
  void update(Side side, double omega) {
    const Vec own = potential(side), ratio = log_ratio(side);
    const double step = omega * kernel_->epsilon();
    Kokkos::parallel_for(
        "fortet::sinkhorn::update", Kokkos::RangePolicy<Exec>(exec_, 0, own.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { own(i) -= step * ratio(i); });
  }

  /// int potential d(weights of the side).
  double integral(Side side) {
    const In log_weights = kernel_->log_weights(side);
    const Vec own = potential(side);
    return deterministic_sum(
        exec_, "fortet::sinkhorn::integral", own.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
          const double weight = Kokkos::exp(log_weights(i));
          return weight > 0 ? weight * own(i) : 0.0;
        });
  }

  /// int exp(log_ratio) h d(weights), h = the potential, or 1.
  double plan_integral(Side side, bool of_potential) {
    const In log_weights = kernel_->log_weights(side);
    const Vec own = potential(side), ratio = log_ratio(side);
    return deterministic_sum(
        exec_, "fortet::sinkhorn::plan_integral", own.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
          const double weight = Kokkos::exp(log_weights(i) + ratio(i));
          return weight > 0 ? weight * (of_potential ? own(i) : 1.0) : 0.0;
        });
  }

  /// f += shift, g -= shift: the plan does not change.
  void shift(double amount) {
    const Vec f = f_, g = g_;
    Kokkos::parallel_for(
        "fortet::sinkhorn::gauge_source", Kokkos::RangePolicy<Exec>(exec_, 0, f.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { f(i) += amount; });
    Kokkos::parallel_for(
        "fortet::sinkhorn::gauge_target", Kokkos::RangePolicy<Exec>(exec_, 0, g.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { g(i) -= amount; });
  }

  /// Potentials of atoms without weight: the soft minimum, which the iteration does not need.
  void extend_to_zero_weights(Side side) {
    const In log_weights = kernel_->log_weights(side);
    const Vec own = potential(side), extension = log_ratio(side);
    kernel_->soft_min(exec_, side, potential(other(side)), extension);
    Kokkos::parallel_for(
        "fortet::sinkhorn::extend", Kokkos::RangePolicy<Exec>(exec_, 0, own.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          if (!(log_weights(i) > -Kokkos::Experimental::infinity_v<double>)) own(i) = extension(i);
        });
  }

  void certify(Report& report);

 private:
  Vec& potential(Side side) { return side == Side::source ? f_ : g_; }
  Vec& log_ratio(Side side) { return side == Side::source ? source_log_ratio_ : target_log_ratio_; }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_time_).count();
  }

  enum class Ended { tolerance, limit, cancelled, floor };
  Ended run_level(double tolerance, const char* phase);
  double half_step(Side side, const SideStatistics& statistics);
  bool report_progress(const char* phase, double error, double tolerance, bool force);

  Exec exec_;
  const SinkhornOptions& options_;
  Kernel kernel_;
  std::chrono::steady_clock::time_point start_time_;
  Vec f_, g_, source_log_ratio_, target_log_ratio_;
  solver::Relaxation relaxation_;
  int iteration_ = 0;
  std::vector<HistoryEntry> history_;
};

/// One over-relaxed half-step, at a factor that does not lower the dual; returns the factor taken.
template <class Exec>
double Run<Exec>::half_step(Side side, const SideStatistics& statistics) {
  double omega = statistics.in_range ? relaxation_.factor() : 1.0;
  while (omega > 1 && statistics.smallest < solver::safe_log_ratio(omega)) {
    const auto weights = to_host(kernel_->log_weights(side)),
               ratio = to_host(ConstVector<double, memory_space>(log_ratio(side)));
    double gain = 0;
    for (std::size_t i = 0; i < ratio.size(); ++i)
      if (std::isfinite(weights[i])) gain += std::exp(weights[i]) * solver::dual_gain(ratio[i], omega);
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

/// Iterates at the kernel's epsilon until the marginal error of the current plan (f, g) is at most
/// `tolerance`.
template <class Exec>
typename Run<Exec>::Ended Run<Exec>::run_level(double tolerance, const char* phase) {
  relaxation_.restart();
  const double noise = kernel_->noise();
  double best = INFINITY, target_error = 0;
  int best_iteration = iteration_;
  bool source_robust = true, target_robust = true;
  for (bool first = true;; first = false) {
    // rows: the error of the plan as it stands is theirs, or what the last over-relaxed step left on the
    // columns
    const SideStatistics rows = measure(Side::source, source_robust);
    const double error = std::max(rows.error, target_error);
    if (!first || rows.in_range) {
      const bool go_on = report_progress(phase, error, tolerance, error <= tolerance);
      if (error <= tolerance) return Ended::tolerance;
      if (!go_on) return Ended::cancelled;
    }
    if (iteration_ >= options_.max_iterations) return Ended::limit;
    if (error < 0.99 * best) {
      best = error;
      best_iteration = iteration_;
    }
    const int patience = error < 100 * noise ? 50 : 2000;
    if (iteration_ - best_iteration > patience) return Ended::floor;
    if (!first) relaxation_.observe(error);
    source_robust = !rows.in_range && !source_robust;
    half_step(Side::source, rows);

    const SideStatistics columns = measure(Side::target, target_robust);
    target_robust = !columns.in_range && !target_robust;
    const double omega = half_step(Side::target, columns);
    target_error = (omega - 1) * columns.error;
    ++iteration_;
  }
}

/// Costs of the plan and, on request, of the rounded plan; the marginal error by a separate pass in double.
template <class Exec>
void Run<Exec>::certify(Report& report) {
  kernel_ = kernel_->in_double(exec_);
  const auto source = measure(Side::source, false), target = measure(Side::target, false);
  report.marginal_error = std::max(source.error, target.error);
  const double mass = plan_integral(Side::source, false);
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
    const Vec none_source("fortet::sinkhorn::no_correction", n),
        none_target("fortet::sinkhorn::no_correction", m);
    const auto [transport, kl] = costs_of(f_, g_, none_source, none_target);
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
        "fortet::sinkhorn::only_down", Kokkos::RangePolicy<Exec>(exec_, 0, ratio.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { ratio(i) = Kokkos::fmax(ratio(i), 0.0); });
    update(side, 1.0);
  }
  Vec missing[2];
  double total = 0;
  for (const Side side : {Side::source, Side::target}) {
    measure(side, false);
    const Vec ratio = log_ratio(side), share("fortet::sinkhorn::missing", ratio.extent(0));
    Kokkos::parallel_for(
        "fortet::sinkhorn::missing", Kokkos::RangePolicy<Exec>(exec_, 0, ratio.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { share(i) = Kokkos::fmax(-Kokkos::expm1(ratio(i)), 0.0); });
    missing[side == Side::target] = share;
    if (side == Side::source) {
      const In log_weights = kernel_->log_weights(side);
      total = deterministic_sum(
          exec_, "fortet::sinkhorn::missing_mass", share.extent(0),
          KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::exp(log_weights(i)) * share(i); });
    }
  }
  const Vec beta = missing[1];
  const double inverse = total > 0 ? 1 / total : 0.0;
  Kokkos::parallel_for(
      "fortet::sinkhorn::spread", Kokkos::RangePolicy<Exec>(exec_, 0, beta.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { beta(j) *= inverse; });
  const auto [transport, kl] = costs_of(f_, g_, missing[0], beta);
  f_ = solved_f;
  g_ = solved_g;
  report.transport_cost = transport;
  report.entropic_cost = transport + epsilon * kl;
  report.duality_gap = *report.entropic_cost - *report.dual_value;
}

template <class Exec>
SinkhornResult<Exec> Run<Exec>::solve(In start) {
  const double epsilon = kernel_->epsilon();
  const bool warm = start.extent(0) > 0;
  if (warm) {
    detail::require(start.extent(0) == g_.extent(0), "fortet::Sinkhorn::solve", "start.size()",
                    start.extent(0),
                    "expected one value for each of the " + std::to_string(g_.extent(0)) + " target atoms");
    Kokkos::deep_copy(exec_, g_, start);
  }
  std::vector<double> levels{epsilon};
  if (options_.annealing.enabled && !warm)
    levels = solver::annealing_levels(epsilon, kernel_->mean_cost(exec_), kernel_->largest_cost(exec_),
                                      options_.annealing.factor, options_.annealing.threshold);

  Report report;
  report.solver = "sinkhorn";
  report.n = f_.extent(0);
  report.m = g_.extent(0);
  report.epsilon = epsilon;
  report.kernel = kernel_->description();
  const bool is_float = kernel_->description().find("float") != std::string::npos;
  report.precision = is_float ? "float" : "double";

  Ended ended = Ended::tolerance;
  for (std::size_t level = 0; level + 1 < levels.size() && ended != Ended::cancelled && ended != Ended::limit;
       ++level) {
    kernel_ = kernel_->with_epsilon(exec_, levels[level]);
    ended = run_level(options_.annealing.tolerance, "annealing");
  }
  if (ended != Ended::cancelled && ended != Ended::limit) {
    kernel_ = kernel_->with_epsilon(exec_, epsilon);
    // the estimate that ends a level may be slightly below what the check in double finds: tighten and go on
    double target = options_.tolerance;
    for (int attempt = 0; attempt < 8; ++attempt) {
      ended = run_level(target, "iterating");
      if (ended == Ended::floor && report.precision == "float" && options_.finish_in_double) {
        report.precision = "float, finished in double";
        kernel_ = kernel_->in_double(exec_);
        continue;
      }
      if (ended != Ended::tolerance) break;
      const Kernel working = kernel_;
      kernel_ = kernel_->in_double(exec_);
      const double error = std::max(measure(Side::source, false).error, measure(Side::target, false).error);
      kernel_ = working;
      if (error <= options_.tolerance) break;
      if (report.precision == "float") {
        if (!options_.finish_in_double) {
          ended = Ended::floor;
          break;
        }
        report.precision = "float, finished in double";
        kernel_ = kernel_->in_double(exec_);
      } else {
        target /= 2;
      }
    }
  }
  kernel_ = kernel_->with_epsilon(exec_, epsilon);
  for (const Side side : {Side::source, Side::target}) extend_to_zero_weights(side);
  shift((integral(Side::target) - integral(Side::source)) / 2);
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

void require_equal_mass(double source, double target) {
  if (std::abs(source - target) <= 1e-6 * std::max(source, target)) return;
  std::ostringstream text;
  text.precision(10);
  text << "fortet::Sinkhorn::solve: the source has mass " << source << " and the target " << target
       << "; balanced transport needs equal masses (PointCloud::normalised() makes them one)";
  throw InvalidArgument(text.str());
}

template <class Exec>
SinkhornResult<Exec> sinkhorn(const Exec& exec, std::shared_ptr<const HalfBridgeKernel<Exec>> kernel,
                              const SinkhornOptions& options,
                              ConstVector<double, typename Exec::memory_space> start) {
  return Run<Exec>(exec, std::move(kernel), options).solve(start);
}

template SinkhornResult<HostExec> sinkhorn(const HostExec&, std::shared_ptr<const HalfBridgeKernel<HostExec>>,
                                           const SinkhornOptions&,
                                           ConstVector<double, HostExec::memory_space>);
#if defined(KOKKOS_ENABLE_CUDA)
template SinkhornResult<Kokkos::Cuda> sinkhorn(const Kokkos::Cuda&,
                                               std::shared_ptr<const HalfBridgeKernel<Kokkos::Cuda>>,
                                               const SinkhornOptions&,
                                               ConstVector<double, Kokkos::CudaSpace>);
#endif

}  // namespace impl
}  // namespace fortet
