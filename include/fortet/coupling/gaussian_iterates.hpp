#pragma once
// What iterative and time-discretised solvers do to Gaussians with infinitely many samples and perfect
// regression, in closed form: the values to test solvers against, iterate by iterate.
#include <vector>

#include "fortet/coupling/gaussian_bridge.hpp"

namespace fortet {

/// What the first backward half-step takes from. `reference`: the reference process started from mu, as in
/// De Bortoli et al. 2021; `zero_potential`: pi proportional to exp(-c / epsilon) mu x nu made to fit mu,
/// which is Sinkhorn's algorithm started at g = 0.
enum class IpfStart { reference, zero_potential };

/// The first `iterations` iterates of iterative proportional fitting (Sinkhorn's algorithm). O(d^3) each, on
/// the host. Throws InvalidArgument as gaussian_bridge() does, or for iterations < 0. Conventions, section 4.
template <LinearGaussianReference Ref>
std::vector<GaussianIterate> gaussian_ipf(const Problem<Gaussian, Gaussian, Ref>& problem, int iterations,
                                          IpfStart start = IpfStart::reference);

/// What a step of the diffusion Schroedinger bridge regresses: `drift_matching`
/// x_{k+1} + F(x_k) - F(x_{k+1}), or `conditional_mean` x_k.
enum class DsbTarget { drift_matching, conditional_mean };

/// The diffusion Schroedinger bridge (De Bortoli, Thornton, Heng, Doucet 2021) on the time grid `times`
/// (increasing, from 0 to the horizon) with Euler steps of frozen noise, infinitely many samples and exact
/// affine regression: what a neural solver tends to, which is not the bridge. O(times d^3) an iteration, on
/// the host. Throws InvalidArgument as gaussian_bridge() does, and on other grids. Conventions, section 5.
template <LinearGaussianReference Ref>
GaussianDsb gaussian_dsb(const Problem<Gaussian, Gaussian, Ref>& problem, const std::vector<double>& times,
                         int iterations, DsbTarget target = DsbTarget::drift_matching);

enum class SdeScheme { euler_maruyama, heun };

/// Moments of X_T, and Cov(X0, X_T), when the exact forward drift is integrated on the grid `times` from the
/// exact source. Heun's drift is the mean of those at the step's start and at its noisy predictor. O(times
/// d^3) on the host. Throws InvalidArgument on a grid that does not increase from 0 to the horizon, and with
/// Heun when the target is singular.
template <LinearGaussianReference Ref>
GaussianEnd gaussian_discretised_end(const GaussianBridge<Ref>& bridge, const std::vector<double>& times,
                                     SdeScheme scheme);

/// 0, h, 2 h, ..., horizon.
std::vector<double> uniform_times(double horizon, int steps);

}  // namespace fortet
