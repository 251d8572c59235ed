#pragma once
// The recursions behind fortet/coupling/gaussian_iterates.hpp, host only.
#include <vector>

#include "gaussian/linear_bridge.hpp"

namespace fortet::gaussian {

std::vector<GaussianIterate> ipf(Moments source, Moments target, const LinearReference& reference,
                                 int iterations, bool zero_potential, const char* function);

GaussianDsb dsb(Moments source, Moments target, const LinearReference& reference,
                const std::vector<double>& times, int iterations, bool drift_matching, const char* function);

/// X_T from X_0 ~ source under X <- X + h b(t, X) + noise, with Heun's correction on request.
GaussianEnd discretised_end(Moments source, const LinearReference& reference, const LinearBridge& bridge,
                            const std::vector<double>& times, bool heun, const char* function);

}  // namespace fortet::gaussian
