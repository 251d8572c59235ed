#pragma once
// Two couplings side by side.
#include "fortet/compare/comparison.hpp"
#include "fortet/impl/comparison_side.hpp"

namespace fortet {

/// How much compare() draws. Every figure is a function of the two couplings and these numbers.
struct CompareOptions {
  std::size_t pairs = 20000;  ///< drawn from each side: moments, sliced W2, path KL
  std::uint64_t seed = 0;
  std::size_t pairwise_points = 2500;      ///< of them for the O(n^2) metrics: energy distance, MMD
  std::size_t transport_points = 1000;     ///< of them for exact W2 (0: leave it out)
  std::size_t conditional_points = 128;    ///< starts x at which conditional laws are compared
  std::size_t conditional_samples = 1000;  ///< draws of X1 given each x
  int times = 9;            ///< equally spaced inner times of the marginals; both ends are added
  double path_until = 0.9;  ///< path KL is taken over [0, path_until * horizon]
  int floor_draws = 4;      ///< repetitions of truth against truth (0: no floors)

  /// Throws InvalidArgument unless pairs >= 32, pairwise_points and conditional sizes >= 2, times >= 0,
  /// 0 < path_until <= 1, floor_draws >= 0.
  void validate() const;
};

/// Measures how far the law of pairs `a` is from `b`, which counts as the truth: its sampling floor is what
/// two fresh draws of b score on the same sample sizes. All samples are drawn anew from both sides.
///
/// Any two couplings: mean and covariance errors and BW2-UVP of the marginals, exact W2, energy distance, MMD
/// (Gaussian kernel, bandwidth = median distance of b's points) and sliced W2 (64 directions) of X0
/// ("source"), X1 ("target") and (X0, X1) ("pairs"). When both sides refine Coupling, also:
///   BarycentricCoupling: map error (E |m_a(X) - m_b(X)|^2)^(1/2) over b's starts, and the same as L2-UVP =
///     100 E |m_a(X) - m_b(X)|^2 / tr Cov X1, in percent;
///   ConditionalCoupling: cBW2-UVP from conditional_samples draws at conditional_points starts of b, with the
///     exact conditional means where both sides are Barycentric;
///   DensityCoupling: root mean square difference of the log density ratios over b's pairs;
///   Bridge, on one horizon: sliced W2 and BW2-UVP of the time marginals; with equal sigma also the path
///     relative entropy by Girsanov, KL(a | b) = KL(a_0 | b_0) + E_a int |b_a - b_b|^2 / (2 sigma^2) dt, by
///     the midpoint rule on 64 intervals of [0, path_until T] with independent draws of a's marginal at each
///     midpoint; the first term is included where both sources have densities (conventions.md, section 1).
/// What is not offered by both sides is named in `not_available`.
///
/// A and B may differ in precision; everything here is double. Blocks. About
/// (1 + 2 floor_draws) pairs draws of b, O(floor_draws (pairwise_points^2 d + transport_points^2.5)) besides.
/// Throws InvalidArgument when dimensions differ, options are invalid, or a side returns values that are not
/// finite.
template <ExecutionSpace Exec, Coupling A, Coupling B>
requires CanAccess<Exec, typename A::memory_space> && CanAccess<Exec, typename B::memory_space> Comparison
compare(const Exec& exec, const A& a, const B& b, const CompareOptions& options = {}) {
  detail::require_kokkos("fortet::compare");
  using Memory = typename Exec::memory_space;
  const auto space = impl::execution_space_like<typename Memory::execution_space>(exec);
  return impl::compare_sides<Memory>(space, impl::comparison_side<Memory>(space, a),
                                     impl::comparison_side<Memory>(space, b), options);
}

}  // namespace fortet
