#pragma once
// Any coupling or bridge against one that is known.
#include "fortet/compare/validation.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/impl/comparison_side.hpp"

namespace fortet {

namespace impl {

/// validate() on samples: n pairs (x0, x1) against `truth`; floors come from `fresh`, which is the truth
/// again or, where that is only approximate, an independent approximation. Throws InvalidArgument when shapes
/// differ, there are fewer than 200 pairs, or the truth lacks conditional means or draws.
template <class Memory>
Validation validate_pairs(ConstPoints<double, Memory> x0, ConstPoints<double, Memory> x1,
                          const ComparisonSide<Memory>& truth, const ComparisonSide<Memory>& fresh,
                          const ValidateOptions& options);
template <class Memory>
Validation validate_side(const ComparisonSide<Memory>& model, const ComparisonSide<Memory>& truth,
                         const ValidateOptions& options);

}  // namespace impl

/// Is `model` the coupling `truth`, as far as `pairs` draws can tell? Scores, in percent, of X0, X1 and their
/// joint law: means, covariances, conditional mean, cBW2-UVP, energy distance (formulas in
/// impl/pair_scores.hpp). A score passes when exact samples of the same size could well have it; where both
/// sides are a Bridge on one horizon, also moments of X_t half-way and the relative errors of the forward
/// drift at a quarter, half and three quarters of the time, which pass up to tolerance + .01. Blocks.
/// O(floor_draws pairs (d^2 + draws of the truth)). Throws InvalidArgument when dimensions differ or options
/// are invalid.
template <ExecutionSpace Exec, Coupling Model, Coupling Truth>
requires ConditionalCoupling<Truth> && BarycentricCoupling<Truth> &&
    CanAccess<Exec, typename Model::memory_space> && CanAccess<Exec, typename Truth::memory_space>
        Validation validate(const Exec& exec, const Model& model, const Truth& truth,
                            const ValidateOptions& options = {}) {
  detail::require_kokkos("fortet::validate");
  using Memory = typename Exec::memory_space;
  const auto space = impl::execution_space_like<typename Memory::execution_space>(exec);
  return impl::validate_side<Memory>(impl::comparison_side<Memory>(space, model),
                                     impl::comparison_side<Memory>(space, truth), options);
}

/// The same against the closed form of a Gaussian problem.
template <Coupling Model, LinearGaussianReference Ref>
Validation validate(const DefaultExec& exec, const Model& model,
                    const Problem<Gaussian, Gaussian, Ref>& problem, const ValidateOptions& options = {}) {
  return validate(exec, model, gaussian_bridge(problem), options);
}

}  // namespace fortet
