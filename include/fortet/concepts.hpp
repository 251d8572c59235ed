#pragma once
// The whole shared API on one page. A measure, reference, coupling, bridge or solver is anything that models
// the concept here; the library's own types are models like any other.
#include <Kokkos_Core.hpp>
#include <concepts>
#include <type_traits>

#include "fortet/random/philox.hpp"
#include "fortet/report.hpp"
#include "fortet/types.hpp"

namespace fortet {

template <class E>
concept ExecutionSpace = Kokkos::is_execution_space_v<E>;
template <class E, class M>
concept CanAccess = ExecutionSpace<E> && bool(Kokkos::SpaceAccessibility<E, M>::accessible);

namespace detail {
template <class X>
concept Spatial = requires {
  typename X::scalar_type;
  typename X::memory_space;
  typename X::execution_space;
  requires std::floating_point<typename X::scalar_type>;
  requires Kokkos::is_memory_space_v<typename X::memory_space>;
  requires CanAccess<typename X::execution_space, typename X::memory_space>;
};
template <class X>
using Exec = typename X::execution_space;
template <class X>
using Pts = Points<typename X::scalar_type, typename X::memory_space>;
template <class X>
using CPts = ConstPoints<typename X::scalar_type, typename X::memory_space>;
template <class X>
using Vec = Vector<typename X::scalar_type, typename X::memory_space>;
template <class X>
using CVec = ConstVector<typename X::scalar_type, typename X::memory_space>;
}  // namespace detail

// ---------- Measure: something with a dimension that lives in a memory space

template <class M>
concept Measure = detail::Spatial<M> && requires(const M& m) {
  { m.dimension() } -> std::same_as<int>;
};

/// Can draw: the rows of `out` are independent given `key`.
template <class M>
concept SamplableMeasure = Measure<M> &&
    requires(const M& m, const detail::Exec<M>& exec, RandomKey key, detail::Pts<M> out) {
  { m.sample(exec, key, out) } -> std::same_as<void>;
};

/// Finitely many atoms with log-weights that sum to one; zero weight is -inf and never makes a NaN.
template <class M>
concept AtomicMeasure = Measure<M> && requires(const M& m) {
  { m.size() } -> std::convertible_to<std::size_t>;
  { m.points() } -> std::convertible_to<detail::CPts<M>>;
  { m.log_weights() } -> std::convertible_to<detail::CVec<M>>;
};

/// Log density with respect to Lebesgue measure; `normalised` says whether its constant is known.
template <class M>
concept DensityMeasure = Measure<M> &&
    requires(const M& m, const detail::Exec<M>& exec, detail::CPts<M> x, detail::Vec<M> out) {
  { m.log_density(exec, x, out) } -> std::same_as<void>;
  {
    std::bool_constant<M::normalised> {}
    } -> std::convertible_to<bool>;
};

// ---------- Reference: fixes cost and epsilon, in one place

/// Static: a cost and an epsilon.
template <class R>
concept Reference = requires(const R& r) {
  { r.epsilon() } -> std::convertible_to<double>;
};

/// A diffusion dX = b(t, X) dt + sigma dW on [0, horizon].
template <class R>
concept DiffusionReference = Reference<R> && requires(const R& r) {
  { r.horizon } -> std::convertible_to<double>;
  { r.sigma } -> std::convertible_to<double>;
};

/// One with a linear drift, hence Gaussian:
/// X_s | X_t = x  ~  N(mean_factor(t, s) x + (1 - mean_factor(t, s)) mean, variance(t, s) I).
template <class R>
concept ReferenceProcess = DiffusionReference<R> && requires(const R& r, double t, double s) {
  { r.mean_factor(t, s) } -> std::convertible_to<double>;
  { r.variance(t, s) } -> std::convertible_to<double>;
  { r.mean_of(0) } -> std::convertible_to<double>;  // coordinate k of the point it reverts to
};

// ---------- Problem: the one problem type; solvers ask more of its marginals

template <class P>
concept SchroedingerProblem = requires(const P& p) {
  requires Measure<std::remove_cvref_t<decltype(p.source)>>;
  requires Measure<std::remove_cvref_t<decltype(p.target)>>;
  requires Reference<std::remove_cvref_t<decltype(p.reference)>>;
};
template <class P>
using source_t = std::remove_cvref_t<decltype(std::declval<const P&>().source)>;
template <class P>
using target_t = std::remove_cvref_t<decltype(std::declval<const P&>().target)>;
template <class P>
using reference_t = std::remove_cvref_t<decltype(std::declval<const P&>().reference)>;

template <class P>
concept DiscreteProblem = SchroedingerProblem<P> && AtomicMeasure<source_t<P>> && AtomicMeasure<target_t<P>>;
template <class P>
concept SampledProblem =
    SchroedingerProblem<P> && SamplableMeasure<source_t<P>> && SamplableMeasure<target_t<P>>;

// ---------- Coupling: a joint law of (X0, X1) that one can draw from

template <class C>
concept Coupling = detail::Spatial<C> &&
    requires(const C& c, const detail::Exec<C>& exec, RandomKey key, detail::Pts<C> x0, detail::Pts<C> x1) {
  { c.source_dimension() } -> std::same_as<int>;
  { c.target_dimension() } -> std::same_as<int>;
  { c.sample(exec, key, x0, x1) } -> std::same_as<void>;
};

/// X1 | X0 = x at any x.
template <class C>
concept ConditionalCoupling = Coupling<C> &&
    requires(const C& c, const detail::Exec<C>& exec, RandomKey key, detail::CPts<C> x0, detail::Pts<C> x1) {
  { c.sample_conditional(exec, key, x0, x1) } -> std::same_as<void>;
};

/// Deterministic E[X1 | X0 = x] at any x: the barycentric map.
template <class C>
concept BarycentricCoupling = Coupling<C> &&
    requires(const C& c, const detail::Exec<C>& exec, detail::CPts<C> x0, detail::Pts<C> mean) {
  { c.conditional_mean(exec, x0, mean) } -> std::same_as<void>;
};

/// log d pi / d(source x target): the one density with a meaning common to all couplings.
template <class C>
concept DensityCoupling = Coupling<C> && requires(const C& c, const detail::Exec<C>& exec, detail::CPts<C> x0,
                                                  detail::CPts<C> x1, detail::Vec<C> out) {
  { c.log_density_ratio(exec, x0, x1, out) } -> std::same_as<void>;
};

/// Schroedinger potentials in cost units at any point.
template <class C>
concept PotentialCoupling = DensityCoupling<C> &&
    requires(const C& c, const detail::Exec<C>& exec, detail::CPts<C> x, detail::Vec<C> out) {
  { c.epsilon() } -> std::convertible_to<double>;
  { c.source_potential(exec, x, out) } -> std::same_as<void>;
  { c.target_potential(exec, x, out) } -> std::same_as<void>;
};

// ---------- Bridge: a Markov diffusion dX = b(t, X) dt + sigma dW whose endpoints are a coupling

template <class B>
concept Bridge = ConditionalCoupling<B> && requires(const B& b, const detail::Exec<B>& exec, RandomKey key,
                                                    double t, detail::CPts<B> x, detail::Pts<B> out) {
  { b.reference() } -> DiffusionReference;
  { b.forward_drift(exec, t, x, out) } -> std::same_as<void>;
  { b.sample_marginal(exec, key, t, out) } -> std::same_as<void>;
};

// ---------- Solver: a problem in, a coupling and a report out

template <class S, class P>
concept Solver = SchroedingerProblem<P> &&
    requires(const S& s, const typename S::execution_space& exec, const P& p) {
  requires Coupling<std::remove_cvref_t<decltype(s.solve(exec, p).coupling)>>;
  requires std::same_as<std::remove_cvref_t<decltype(s.solve(exec, p).report)>, Report>;
};

}  // namespace fortet
