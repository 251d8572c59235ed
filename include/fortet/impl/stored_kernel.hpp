#pragma once
#include "fortet/impl/gibbs_kernel.hpp"

namespace fortet::impl {

/// Entries may be kept in half precision, eleven significant bits, while the marginal error is above this: a
/// marginal sums so many that rounding disturbs it by less.
inline constexpr double half_tolerance = 1e-4;

/// `base` with its entries kept in memory between iterations (rows x columns x 2, 4 or 8 bytes), stabilised:
/// they are written again when two potentials together have moved by more than 32 epsilon (14 in half
/// precision), so that nothing that matters has underflowed (Schmitzer 2019, section 3.1). Entries are
/// rounded to half where `tolerance` is at least half_tolerance and the atoms of one side weigh at least
/// 2^-18 each, so that no density is near the largest that can be kept; to float where an error of 1e-7 in
/// the marginals is below it.
///
/// Block-sparse where many tiles are negligible (section 3.2 there): with d_ab the distance between the boxes
/// of two runs of atoms, tile (a, b) is left out when
///   max_a f + max_b g - d_ab^2 / 2 <= epsilon (log(tolerance / 100) - 12),
/// which changes no marginal ratio by more than tolerance / 100 while two potentials together rise by less
/// than 8 epsilon and a step of the source inside of a sweep by less than 4; then the lists are made anew.
///
/// Unless `always`, null where recomputing is expected to be faster or memory does not suffice for the tiles
/// that matter at (f, g). Null where the kernel is not between atoms on the host. `previous` gives its
/// memory. Blocking.
template <class Exec>
std::shared_ptr<const HalfBridgeKernel<Exec>> make_stored(
    const Exec& exec, const std::shared_ptr<const HalfBridgeKernel<Exec>>& base, double tolerance,
    ConstVector<double, typename Exec::memory_space> f, ConstVector<double, typename Exec::memory_space> g,
    bool always, const std::shared_ptr<const HalfBridgeKernel<Exec>>& previous);

}  // namespace fortet::impl
