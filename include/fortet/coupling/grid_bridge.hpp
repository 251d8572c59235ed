#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include "fortet/coupling/grid_coupling.hpp"
#include "fortet/reference/bridge_step.hpp"

namespace fortet {

namespace impl {

/// One grid for the states between: the common one, or the hull of both boxes at the finer spacing.
RegularGrid grid_between(const RegularGrid& source, const RegularGrid& target);

/// log phi_t: log of the sum over the target of exp(g / epsilon) times the transition density of `geometry`
/// (states to target).
Vector<double> log_forward_factor(const DefaultExec& exec, const GridPlan& plan, GridGeometry geometry);
/// log phihat_t: the same over the source (source to states), scaled so that phi_t phihat_t is a density.
Vector<double> log_backward_factor(const DefaultExec& exec, const GridPlan& plan, GridGeometry geometry);

/// out(i, :) += scale * gradient at x(i, :) of the quintic interpolant of `values`; nothing where one of the
/// nodes is -inf.
void add_gradient(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                  ConstVector<double> values, double scale, ConstPoints<double> x, Points<double> out);
/// out(i, :) = rate * (mean - x(i, :)).
void linear_drift(const DefaultExec& exec, double rate, const double* mean, ConstPoints<double> x,
                  Points<double> out);
/// out = step applied to the pairs (x0, x1), with fresh normal noise.
void bridge_points(const DefaultExec& exec, RandomKey key, const BridgeStep& step, const double* mean,
                   ConstPoints<double> x0, ConstPoints<double> x1, Points<double> out);
/// out(i, :) *= exp of the quintic interpolant of `log_density` at x(i, :).
void multiply_by_density(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                         ConstVector<double> log_density, ConstPoints<double> x, Points<double> out);
/// a + b, node by node.
Vector<double> sum_of(const DefaultExec& exec, ConstVector<double> a, ConstVector<double> b);
/// int f d mu + int g d nu, potentials at the nodes.
double potential_integrals(const DefaultExec& exec, const GridMeasure& mu, const GridMeasure& nu,
                           ConstVector<double> f, ConstVector<double> g);

}  // namespace impl

/// The Schroedinger bridge of a grid coupling: dX = b dt + sigma dW with
///   b = b_ref + sigma^2 grad log phi_t,   p_t = phi_t phihat_t,
/// phi_t and phihat_t by one heat-kernel application each (nothing is stepped in time). Gradients are those
/// of quintic interpolants of the logarithms: error O(h^5). Where less variance is left than h^2 (t within
/// h^2 / sigma^2 of an end) the factors are interpolated in time from the end itself, where they are known,
/// and two resolved times: error O(h^6) for smooth densities. Points outside the box of grid() are moved to
/// its walls. Models Bridge. Made by bridge().
template <ReferenceProcess Ref>
class GridBridge {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  using In = ConstPoints<double>;
  using Out = Points<double>;

  /// Throws InvalidArgument when more than `largest_loss` of the mass is outside the box half-way, where the
  /// bridges are widest. Blocking; two applications of the heat kernel.
  GridBridge(const DefaultExec& exec, GridCoupling<Ref> coupling, double largest_loss)
      : coupling_(std::move(coupling)),
        grid_(impl::grid_between(coupling_.source().grid(), coupling_.target().grid())),
        boundary_(coupling_.geometry().boundary,
                  coupling_.geometry().boundary + coupling_.source_dimension()) {
    loss_ = 1 - marginal(exec, reference().horizon / 2).mass();
    detail::require(
        loss_ <= largest_loss, "fortet::bridge", "mass outside the box half-way", loss_,
        "expected at most largest_loss; enlarge the boxes, or refine them where the square of the "
        "spacing exceeds half of epsilon");
  }

  const GridCoupling<Ref>& coupling() const { return coupling_; }
  const Ref& reference() const { return coupling_.reference(); }
  double epsilon() const { return coupling_.epsilon(); }
  const GridMeasure& source() const { return coupling_.source(); }
  const GridMeasure& target() const { return coupling_.target(); }
  int source_dimension() const { return coupling_.source_dimension(); }
  int target_dimension() const { return coupling_.target_dimension(); }
  /// The grid of phi_t, phihat_t and the marginals.
  const RegularGrid& grid() const { return grid_; }
  /// Mass outside the box half-way (rounding may make it slightly negative).
  double mass_lost() const { return loss_; }

  // ---- what the static coupling already does

  void sample(const DefaultExec& exec, RandomKey key, Out x0, Out x1) const {
    coupling_.sample(exec, key, x0, x1);
  }
  void sample_conditional(const DefaultExec& exec, RandomKey key, In x0, Out x1) const {
    coupling_.sample_conditional(exec, key, x0, x1);
  }
  void conditional_mean(const DefaultExec& exec, In x0, Out mean) const {
    coupling_.conditional_mean(exec, x0, mean);
  }
  void log_density_ratio(const DefaultExec& exec, In x0, In x1, Vector<double> out) const {
    coupling_.log_density_ratio(exec, x0, x1, out);
  }
  void source_potential(const DefaultExec& exec, In x, Vector<double> out) const {
    coupling_.source_potential(exec, x, out);
  }
  void target_potential(const DefaultExec& exec, In y, Vector<double> out) const {
    coupling_.target_potential(exec, y, out);
  }

  // ---- the process, 0 <= t <= horizon

  /// log phi_t and log phihat_t at the nodes of grid(). Blocking.
  Vector<double> log_phi(const DefaultExec& exec, double t) const {
    require_time("log_phi", t);
    return impl::log_forward_factor(
        exec, coupling_,
        impl::grid_geometry(grid_, coupling_.target().grid(), reference(), boundary_, t, horizon()));
  }
  Vector<double> log_phi_hat(const DefaultExec& exec, double t) const {
    require_time("log_phi_hat", t);
    return impl::log_backward_factor(
        exec, coupling_,
        impl::grid_geometry(coupling_.source().grid(), grid_, reference(), boundary_, 0.0, t));
  }
  /// p_t on grid(); mass() says how much of it lies in the box. Blocking.
  GridMeasure marginal(const DefaultExec& exec, double t) const {
    return GridMeasure(grid_, impl::sum_of(exec, log_phi(exec, t), log_phi_hat(exec, t)));
  }

  /// b(t, x) for every row of x. Blocking; O(6^d) a row after one heat-kernel application.
  void forward_drift(const DefaultExec& exec, double t, In x, Out out) const {
    reference_drift(exec, 1.0, x, out);
    impl::add_gradient(exec, grid_, coupling_.geometry(), log_phi(exec, t), variance_rate(), x, out);
    exec.fence("fortet::grid::forward_drift");
  }
  /// Drift of the time reversal: -b_ref + sigma^2 grad log phihat_t. forward + backward = sigma^2 grad log
  /// p_t.
  void backward_drift(const DefaultExec& exec, double t, In x, Out out) const {
    reference_drift(exec, -1.0, x, out);
    impl::add_gradient(exec, grid_, coupling_.geometry(), log_phi_hat(exec, t), variance_rate(), x, out);
    exec.fence("fortet::grid::backward_drift");
  }
  /// Velocity v of the flow with the same marginals, d p_t / dt = -div(p_t v): half of forward minus
  /// backward.
  void probability_flow_drift(const DefaultExec& exec, double t, In x, Out out) const {
    reference_drift(exec, 1.0, x, out);
    impl::add_gradient(exec, grid_, coupling_.geometry(), log_phi(exec, t), 0.5 * variance_rate(), x, out);
    impl::add_gradient(exec, grid_, coupling_.geometry(), log_phi_hat(exec, t), -0.5 * variance_rate(), x,
                       out);
    exec.fence("fortet::grid::probability_flow_drift");
  }

  /// p_t times that velocity: the flux of probability. Blocking.
  void current(const DefaultExec& exec, double t, In x, Out out) const {
    probability_flow_drift(exec, t, x, out);
    impl::multiply_by_density(exec, grid_, coupling_.geometry(),
                              impl::sum_of(exec, log_phi(exec, t), log_phi_hat(exec, t)), x, out);
    exec.fence("fortet::grid::current");
  }

  /// Rows of `out` ~ X_t: in free space a pair from pi and its bridge, without discretisation error in time;
  /// between walls a draw from marginal(t). Blocking.
  void sample_marginal(const DefaultExec& exec, RandomKey key, double t, Out out) const {
    require_time("sample_marginal", t);
    for (Boundary boundary : boundary_)
      if (boundary != Boundary::free) return marginal(exec, t).sample(exec, key, out);
    Out x0(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::grid::path_start"), out.extent(0),
           out.extent(1));
    Out x1(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::grid::path_end"), out.extent(0),
           out.extent(1));
    coupling_.sample(exec, key.child(0), x0, x1);
    double mean[RegularGrid::max_dimension];
    reference_mean(mean);
    impl::bridge_points(exec, key.child(1), bridge_step(reference(), 0.0, t, horizon()), mean, x0, x1, out);
    exec.fence("fortet::grid::sample_marginal");
  }

  /// KL of the bridge from the reference started in the source, in nats:
  ///   (int f dmu + int g dnu) / epsilon - H(nu) + d / 2 log(2 pi epsilon).
  double kl_to_reference(const DefaultExec& exec) const {
    return impl::potential_integrals(exec, coupling_.source(), coupling_.target(),
                                     coupling_.source_potential(), coupling_.target_potential()) /
               epsilon() -
           coupling_.target().entropy(exec) +
           0.5 * source_dimension() * std::log(2 * 3.14159265358979323846 * epsilon());
  }

 private:
  double horizon() const { return reference().horizon; }
  double variance_rate() const { return reference().sigma * reference().sigma; }
  void reference_mean(double* mean) const {
    for (int k = 0; k < source_dimension(); ++k) mean[k] = reference().mean_of(k);
  }
  /// The reference's own drift is linear: its rate is that of its mean.
  void reference_drift(const DefaultExec& exec, double sign, In x, Out out) const {
    double mean[RegularGrid::max_dimension];
    reference_mean(mean);
    impl::linear_drift(exec, -sign * std::log(reference().mean_factor(0.0, horizon())) / horizon(), mean, x,
                       out);
  }
  void require_time(const char* function, double t) const {
    detail::require(t >= 0 && t <= horizon(), std::string("fortet::GridBridge::") + function, "t", t,
                    "expected a time in [0, horizon]");
  }

  GridCoupling<Ref> coupling_;
  RegularGrid grid_;
  std::vector<Boundary> boundary_;
  double loss_ = 0;
};

/// The dynamic bridge of a grid coupling whose reference is a process.
template <ReferenceProcess Ref>
GridBridge<Ref> bridge(const DefaultExec& exec, GridCoupling<Ref> coupling, double largest_loss = 1e-3) {
  return GridBridge<Ref>(exec, std::move(coupling), largest_loss);
}

}  // namespace fortet
