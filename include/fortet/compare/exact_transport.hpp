#pragma once
// Unregularised optimal transport between two finite measures, solved exactly. Host only; no Kokkos here.
#include <cstddef>
#include <span>
#include <vector>

namespace fortet {

/// Mass that a plan moves from source atom i to target atom j.
struct PlanEntry {
  std::size_t i = 0, j = 0;
  double mass = 0;
};

/// An optimal plan and its certificate: f_i + g_j <= c_ij everywhere, with equality on the plan up to
/// 2^-40 max |c|, so cost - dual_value bounds the error of `cost`.
struct ExactTransport {
  double cost = 0;                                         ///< <c, plan>
  double dual_value = 0;                                   ///< sum a_i f_i + sum b_j g_j <= the true minimum
  std::vector<PlanEntry> plan;                             ///< sorted by (i, j), at most n + m - 1 entries
  std::vector<double> source_potential, target_potential;  ///< f, g in cost units; int f dmu = int g dnu
};

/// min <c, plan> over plans with the given marginals; `cost` is row-major n x m, weights are normalised to
/// one each. Atoms of zero weight are allowed and get the potentials of the c-transform. LEMON's primal
/// network simplex on integers: costs are rounded to 2^-42 of their largest magnitude, weights to 2^-50 of
/// the mass (uniform weights are exact). The simplex sees some tens of pairs an atom, then those that its
/// potentials show to be missing, until none is: passes over all pairs, typically two to ten. Memory: some
/// kilobytes an atom beside `cost`. Blocking. Throws InvalidArgument on empty or mismatched sizes, costs that
/// are not finite, weights that are negative, not finite or all zero; BackendError when the library was built
/// without LEMON or memory runs out. Sources: Kovacs 2015, "Minimum-cost flow algorithms: an experimental
/// evaluation"; column generation: Gilmore, Gomory 1961.
ExactTransport exact_transport(std::span<const double> cost, std::span<const double> source_weights,
                               std::span<const double> target_weights);

/// Whether exact_transport is available in this build.
bool has_exact_transport() noexcept;

}  // namespace fortet
