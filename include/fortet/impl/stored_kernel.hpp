#pragma once
#include "fortet/impl/gibbs_kernel.hpp"

namespace fortet::impl {

/// `base` with its entries kept in memory between iterations (rows x columns x 4 or 8 bytes), stabilised:
/// they are written again when the potentials have moved by more than 16 epsilon, so that nothing that
/// matters has underflowed (Schmitzer 2019, section 3.1). Entries are rounded to float where an error of 1e-7
/// in the marginals is below `tolerance`. Unless `always`, null where recomputing is expected to be faster or
/// memory does not suffice. Null where the kernel is not between atoms on the host. `previous` gives its
/// memory.
template <class Exec>
std::shared_ptr<const HalfBridgeKernel<Exec>> make_stored(
    const Exec& exec, const std::shared_ptr<const HalfBridgeKernel<Exec>>& base, double tolerance,
    bool always, const std::shared_ptr<const HalfBridgeKernel<Exec>>& previous);

}  // namespace fortet::impl
