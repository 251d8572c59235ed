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
  spectral,   ///< FFT (periodic) and DCT (reflecting): error absolute, not relative; needs FFTW
  direct      ///< term by term, twice over all terms: the portable path, used on GPUs
};

}  // namespace fortet
