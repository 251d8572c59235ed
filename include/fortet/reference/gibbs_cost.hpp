#pragma once
#include <cmath>
#include <utility>

#include "fortet/types.hpp"

namespace fortet {

/// A static reference: any cost and an epsilon. `Cost` is either a functor of two points,
///   struct Manhattan {
///     template <class X, class Y> KOKKOS_FUNCTION double operator()(const X& x, const Y& y) const;
///   };
/// where x[k] is coordinate k and x.dimension() their number (the user's own code, compiled by the user; it
/// needs fortet/impl/functor_cost.hpp), or a CostMatrix.
template <class Cost>
struct GibbsCost {
  Cost cost;
  double regularisation;  ///< epsilon, in the units of the cost

  double epsilon() const { return regularisation; }
  /// Throws InvalidArgument unless epsilon is finite and > 0.
  void validate(const char* function) const {
    detail::require(std::isfinite(regularisation) && regularisation > 0, function, "epsilon", regularisation,
                    "expected a finite number > 0");
  }
};
template <class Cost>
GibbsCost(Cost, double) -> GibbsCost<Cost>;

/// A stored cost matrix: values(i, j) between source atom i and target atom j.
template <class Real, class Memory = DefaultMemory>
struct CostMatrix {
  Kokkos::View<const Real**, Kokkos::LayoutRight, Memory> values;
};

}  // namespace fortet
