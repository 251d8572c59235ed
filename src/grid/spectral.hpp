#pragma once
// Transforms of the spectral heat kernel on the host; no Kokkos and no FFTW in this header.
#include <memory>
#include <vector>

namespace fortet::grid {

/// One axis of an array whose modes are to be scaled.
struct SpectralAxis {
  int nodes = 0;
  bool periodic = false;       ///< else it reflects
  std::vector<double> symbol;  ///< factor of each mode: 0 ... nodes (reflecting) or 0 ... nodes/2 at least
};

/// Real transforms along every axis of a row-major array: halfcomplex (periodic) or cosine (reflecting).
class Transforms {
 public:
  /// For the array at `data`. Throws BackendError when the library was built without FFTW, or FFTW finds no
  /// plan. Planning takes a process-wide lock: FFTW's planner is not thread safe.
  Transforms(const std::vector<SpectralAxis>& axes, double* data);
  ~Transforms();
  Transforms(const Transforms&) = delete;
  Transforms& operator=(const Transforms&) = delete;

  /// Multiplies every mode of the array by the product of the axes' symbols. O(N log N).
  void filter();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fortet::grid
