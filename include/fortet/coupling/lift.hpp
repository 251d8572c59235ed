#pragma once
#include <span>
#include <utility>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/reference/bridge_step.hpp"

namespace fortet {

/// The dynamic bridge of a discrete coupling: the mixture over pairs (i, j) ~ pi of the reference's bridges,
/// and its Markov drift off the atoms,
///   b(t, x) = b_ref(t, x) + sigma^2 a (E[X_T | X_t = x] - m) / v,
/// with a, m, v mean factor, mean and variance of the reference from (t, x) to T, and the expectation over
/// weights b_j exp(g_j / epsilon) times the transition density to y_j. For Brownian motion b = (E[X_T | x] -
/// x) / (T - t) (Pooladian, Niles-Weed 2024, arXiv 2408.11686). Models Bridge. Made by lift().
template <class Real, class Exec, ReferenceProcess Ref>
class LiftedBridge {
 public:
  using scalar_type = Real;
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;
  using In = ConstPoints<Real, memory_space>;
  using Out = Points<Real, memory_space>;
  using Paths = Kokkos::View<Real***, Kokkos::LayoutLeft, memory_space>;  ///< n x d x times

  explicit LiftedBridge(DiscreteCoupling<Real, Exec, Ref> coupling) : coupling_(std::move(coupling)) {}

  const DiscreteCoupling<Real, Exec, Ref>& coupling() const { return coupling_; }
  const Ref& reference() const { return coupling_.reference(); }
  double epsilon() const { return coupling_.epsilon(); }
  int source_dimension() const { return coupling_.source_dimension(); }
  int target_dimension() const { return coupling_.target_dimension(); }

  // ---- what the static coupling already does

  void sample(const Exec& exec, RandomKey key, Out x0, Out x1) const { coupling_.sample(exec, key, x0, x1); }
  void sample_conditional(const Exec& exec, RandomKey key, In x0, Out x1) const {
    coupling_.sample_conditional(exec, key, x0, x1);
  }
  void conditional_mean(const Exec& exec, In x0, Out mean) const {
    coupling_.conditional_mean(exec, x0, mean);
  }
  void log_density_ratio(const Exec& exec, In x0, In x1, Vector<Real, memory_space> out) const {
    coupling_.log_density_ratio(exec, x0, x1, out);
  }
  void source_potential(const Exec& exec, In x, Vector<Real, memory_space> out) const {
    coupling_.source_potential(exec, x, out);
  }
  void target_potential(const Exec& exec, In y, Vector<Real, memory_space> out) const {
    coupling_.target_potential(exec, y, out);
  }

  // ---- the process

  /// b(t, x) for every row of x, 0 <= t < horizon. O(m d) a row. Blocking.
  void forward_drift(const Exec& exec, double t, In x, Out out) const {
    require_time("forward_drift", t, true);
    const Ref& r = reference();
    const auto y = impl::push_forward<double, Exec, Real>(exec, coupling_.target().points(), 1.0, {});
    const auto expected = coupling_.laws_from(exec, t, x).means(exec, y);
    const double a = r.mean_factor(t, r.horizon), gain = r.sigma * r.sigma * a / r.variance(t, r.horizon);
    const auto mean = reference_mean();
    // the reference's own drift is linear: d/ds of its mean at s = t, by its rate
    const double rate = -std::log(a) / (r.horizon - t);
    Kokkos::parallel_for(
        "fortet::coupling::lift_drift", Kokkos::RangePolicy<Exec>(exec, 0, x.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t k = 0; k < x.extent(1); ++k) {
            const double xi = static_cast<double>(x(i, k));
            out(i, k) = static_cast<Real>(-rate * (xi - mean(k)) +
                                          gain * (expected(i, k) - a * xi - (1 - a) * mean(k)));
          }
        });
    exec.fence("fortet::coupling::lift_drift");
  }

  /// Rows of `out` ~ X_t: a pair from pi, then its bridge. No discretisation error. Blocking.
  void sample_marginal(const Exec& exec, RandomKey key, double t, Out out) const {
    require_time("sample_marginal", t, false);
    Out end(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::path_end"),
            out.extent(0), out.extent(1));
    coupling_.sample(exec, key.child(0), out, end);
    move(exec, key.child(1), 0.0, t, out, end, out);
  }

  /// X_s | X_t = x for every row of x, t <= s <= horizon: X_T from its law given (t, x), then the reference's
  /// bridge. The exact transition of the Markov process. O(m d) a row. Blocking.
  void sample_transition(const Exec& exec, RandomKey key, double t, double s, In x, Out out) const {
    require_time("sample_transition", t, true);
    detail::require(t <= s && s <= reference().horizon, "fortet::LiftedBridge::sample_transition", "s", s,
                    "expected a time in [t, horizon]");
    Out end(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::path_end"), x.extent(0),
            x.extent(1));
    impl::gather<Exec, Real>(exec, coupling_.target().points(),
                             coupling_.laws_from(exec, t, x).draw(exec, key.child(0)), end);
    move(exec, key.child(1), t, s, x, end, out);
  }

  /// paths(:, :, k) = X at times[k] (increasing, in [0, horizon]), started from pi: one pair a path, then
  /// bridge steps towards its end. Exact joint law for any time grid. Blocking.
  void sample_paths(const Exec& exec, RandomKey key, std::span<const double> times, Paths paths) const {
    constexpr const char* where = "fortet::LiftedBridge::sample_paths";
    detail::require(paths.extent(2) == times.size(), where, "paths.extent(2)", paths.extent(2),
                    "expected the number of times");
    Out now(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::path_now"),
            paths.extent(0), paths.extent(1));
    Out end(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::path_end"),
            paths.extent(0), paths.extent(1));
    coupling_.sample(exec, key.child(0), now, end);
    double t = 0;
    for (std::size_t k = 0; k < times.size(); ++k) {
      detail::require(times[k] >= t && times[k] <= reference().horizon, where, "times", times[k],
                      "expected increasing times in [0, horizon]");
      if (times[k] > t) move(exec, key.child(k + 1), t, times[k], now, end, now);
      t = times[k];
      Kokkos::deep_copy(exec, Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k), now);
    }
    exec.fence("fortet::coupling::sample_paths");
  }

  /// out = a draw of X_s | X_t = start, X_T = end, row by row; out may be start.
  void move(const Exec& exec, RandomKey key, double t, double s, In start, In end, Out out) const {
    if (s == t && out.data() == start.data()) return;
    const BridgeStep step = bridge_step(reference(), t, s, reference().horizon);
    const auto mean = reference_mean();
    Kokkos::parallel_for(
        "fortet::coupling::bridge_step", Kokkos::RangePolicy<Exec>(exec, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t k = 0; k < out.extent(1); ++k)
            out(i, k) =
                static_cast<Real>(step.from_start * static_cast<double>(start(i, k)) +
                                  step.from_end * static_cast<double>(end(i, k)) + step.from_mean * mean(k) +
                                  step.deviation * random_normal(key, i, static_cast<std::uint32_t>(k)));
        });
    exec.fence("fortet::coupling::bridge_step");
  }

 private:
  Vector<double, memory_space> reference_mean() const {
    std::vector<double> mean(static_cast<std::size_t>(source_dimension()));
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] = reference().mean_of(static_cast<int>(k));
    return vector_from_host<double, memory_space>(std::span<const double>(mean));
  }
  void require_time(const char* function, double t, bool before_end) const {
    const double end = reference().horizon;
    detail::require(t >= 0 && (before_end ? t < end : t <= end),
                    std::string("fortet::LiftedBridge::") + function, "t", t,
                    before_end ? "expected a time in [0, horizon)" : "expected a time in [0, horizon]");
  }

  DiscreteCoupling<Real, Exec, Ref> coupling_;
};

/// The bridge of a coupling whose reference is a process. Cheap: shares the coupling's arrays.
template <class Real, class Exec, ReferenceProcess Ref>
LiftedBridge<Real, Exec, Ref> lift(DiscreteCoupling<Real, Exec, Ref> coupling) {
  return LiftedBridge<Real, Exec, Ref>(std::move(coupling));
}

}  // namespace fortet
