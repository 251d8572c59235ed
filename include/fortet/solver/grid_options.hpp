#pragma once

namespace fortet {

/// What happens at the two ends of a grid axis.
enum class Boundary {
  free,        ///< nothing: the process lives in all of space and the box must hold its mass
  reflecting,  ///< both ends reflect
  periodic     ///< the ends are glued together
};

/// How the grid solver applies the heat kernel.
enum class GridKernel {
  automatic,  ///< per axis the cheaper of dense and tilted, both accurate at any range of the potentials
  dense,      ///< matrix products on exponentials; refused where the kernel itself would underflow
  tilted,     ///< log-domain tiles: any epsilon
  spectral,   ///< FFT (periodic) and DCT (reflecting): error absolute, not relative; needs FFTW or cuFFT
  direct      ///< term by term, twice over all terms: the portable path, used on GPUs
};

/// How a DriftDiffusion is stepped along one axis, A its generator there.
enum class Stepper {
  automatic,       ///< second order, or implicit Euler where that meets the tolerance with less work
  implicit_euler,  ///< (1 - dt A)^-1: first order, positive at any step
  second_order     ///< (1 + sqrt 3) W^3 - sqrt 3 W^2, W = (1 - a dt A)^-1, a = (3 - sqrt 3) / 6: L-stable
};

/// Time stepping of a DriftDiffusion.
struct ChainOptions {
  Stepper stepper = Stepper::automatic;
  int steps = 0;  ///< of equal length; 0: as many as the tolerance asks for. Positivity may add to them.
  /// With steps = 0: largest L1 error of the source pushed through the reference, at eighths of the horizon,
  /// estimated by doubling.
  double tolerance = 1e-3;
  /// Free axes end in reflecting walls: refused when ChainBridge::wall_contact() is above this.
  double largest_wall_contact = 1e-2;
};

}  // namespace fortet
