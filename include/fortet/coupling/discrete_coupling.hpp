#pragma once
#include "fortet/impl/discrete_plan.hpp"
#include "fortet/impl/functor_cost.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"

namespace fortet {

namespace impl {

/// The kernel of a reference between two clouds. Overload for a new reference.
template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec& exec, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, const Brownian& reference);
template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec& exec, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target, const OrnsteinUhlenbeck& reference);
/// Throws InvalidArgument unless the matrix is n x m and finite.
template <class Real, class Exec>
std::shared_ptr<const GibbsKernel<Exec>> make_kernel(
    const Exec& exec, const PointCloud<Real, typename Exec::memory_space>& source,
    const PointCloud<Real, typename Exec::memory_space>& target,
    const GibbsCost<CostMatrix<Real, typename Exec::memory_space>>& reference);

}  // namespace impl

/// What Sinkhorn returns: a DiscretePlan that knows its reference. Models Coupling always, and, where the
/// reference is a process, ConditionalCoupling, BarycentricCoupling and PotentialCoupling by the entropic
/// extension
///   f(x) = -epsilon log sum_j b_j exp((g_j - c(x, y_j)) / epsilon)     (Pooladian, Niles-Weed 2021),
/// which is defined at every x and agrees with the potential on the atoms at the fixed point.
template <class Real, class Exec, Reference Ref>
class DiscreteCoupling : public DiscretePlan<Real, Exec> {
 public:
  using Base = DiscretePlan<Real, Exec>;
  using typename Base::Cloud;
  using typename Base::memory_space;
  using typename Base::Potential;
  using In = ConstPoints<Real, memory_space>;
  using Out = Points<Real, memory_space>;
  static constexpr bool extends = ReferenceProcess<Ref>;

  /// From potentials on the atoms. Throws InvalidArgument on a wrong number of them.
  DiscreteCoupling(const Exec& exec, Cloud source, Cloud target, Ref reference, Potential source_potential,
                   Potential target_potential)
      : Base(source, target, impl::make_kernel(exec, source, target, reference), source_potential,
             target_potential),
        reference_(std::move(reference)) {}

  const Ref& reference() const { return reference_; }
  using Base::source_potential;
  using Base::target_potential;

  /// X1 | X0 = x at any x: atoms of the target. O(m d) a row.
  void sample_conditional(const Exec& exec, RandomKey key, In x0, Out x1) const requires extends {
    require_shape("sample_conditional", x0, x1.extent(0), x1.extent(1));
    impl::gather<Exec, Real>(exec, this->target().points(), laws_from(exec, 0.0, x0).draw(exec, key), x1);
  }

  /// E[X1 | X0 = x] at any x. O(m d) a row.
  void conditional_mean(const Exec& exec, In x0, Out mean) const requires extends {
    require_shape("conditional_mean", x0, mean.extent(0), mean.extent(1));
    const auto y = impl::push_forward<double, Exec, Real>(exec, this->target().points(), 1.0, {});
    Kokkos::deep_copy(exec, mean, laws_from(exec, 0.0, x0).means(exec, y));
    exec.fence("fortet::coupling::conditional_mean");
  }

  /// log d pi / d(mu x nu) = (f(x) + g(y) - c(x, y)) / epsilon for every pair of rows. O((n + m) d) a row.
  void log_density_ratio(const Exec& exec, In x0, In x1,
                         Vector<Real, memory_space> out) const requires extends {
    require_shape("log_density_ratio", x0, x1.extent(0), x1.extent(1));
    const auto laws = laws_from(exec, 0.0, x0);
    impl::pairwise_log_density<Exec, Real>(exec, pushed(exec, 0.0, x0), x1, laws.normalisers(exec),
                                           target_normalisers(exec, x1), this->epsilon(), out);
  }

  /// f(x) = soft minimum over the target, cost units. O(m d) a row.
  void source_potential(const Exec& exec, In x, Vector<Real, memory_space> out) const requires extends {
    require_shape("source_potential", x, out.extent(0), x.extent(1));
    Kokkos::deep_copy(exec, out, laws_from(exec, 0.0, x).normalisers(exec));
    exec.fence("fortet::coupling::source_potential");
  }

  /// g(y) = soft minimum over the source, cost units. O(n d) a row.
  void target_potential(const Exec& exec, In y, Vector<Real, memory_space> out) const requires extends {
    require_shape("target_potential", y, out.extent(0), y.extent(1));
    Kokkos::deep_copy(exec, out, target_normalisers(exec, y));
    exec.fence("fortet::coupling::target_potential");
  }

  /// The law of X_T | X_t = x for every row of x, 0 <= t < horizon: weights b_j exp(g_j / epsilon) times the
  /// transition density from (t, x) to y_j. What the lift is made of.
  impl::RowLaws<Exec> laws_from(const Exec& exec, double t, In x) const requires extends {
    const double epsilon = reference_.variance(t, reference_.horizon), scale = epsilon / this->epsilon();
    Vector<double, memory_space> g(
        Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::scaled_potential"),
        this->target().size());
    const Potential unscaled = target_potential();
    Kokkos::parallel_for(
        "fortet::coupling::scale_potential", Kokkos::RangePolicy<Exec>(exec, 0, g.extent(0)),
        KOKKOS_LAMBDA(const std::size_t j) { g(j) = scale * unscaled(j); });
    return {this->kernel()->with_points(exec, impl::Side::source, pushed(exec, t, x), epsilon), g};
  }

 private:
  /// E[X_T | X_t = x] under the reference.
  Points<double, memory_space> pushed(const Exec& exec, double t, In x) const {
    std::vector<double> mean(x.extent(1));
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] = reference_.mean_of(static_cast<int>(k));
    return impl::push_forward<double, Exec, Real>(exec, x, reference_.mean_factor(t, reference_.horizon),
                                                  mean);
  }
  Vector<double, memory_space> target_normalisers(const Exec& exec, In y) const {
    const auto kernel = this->kernel()->with_points(
        exec, impl::Side::target, impl::push_forward<double, Exec, Real>(exec, y, 1.0, {}), this->epsilon());
    Vector<double, memory_space> g(
        Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::potential"), y.extent(0));
    kernel->soft_min(exec, impl::Side::target, source_potential(), g);
    return g;
  }
  void require_shape(const char* function, In x, std::size_t rows, std::size_t columns) const {
    const std::string where = std::string("fortet::DiscreteCoupling::") + function;
    const auto d = static_cast<std::size_t>(this->source_dimension());
    detail::require(x.extent(1) == d, where, "dimension of x", x.extent(1), "expected " + std::to_string(d));
    detail::require(rows == x.extent(0), where, "rows of the output", rows,
                    "expected " + std::to_string(x.extent(0)));
    detail::require(columns == d, where, "columns of the output", columns, "expected " + std::to_string(d));
  }

  Ref reference_;
};

}  // namespace fortet
