#pragma once
// Transforms of the spectral heat kernel, host only; no Kokkos and no FFTW in this header.
#include <memory>
#include <vector>

namespace fortet::grid {

/// Real transforms along every axis of a row-major array: halfcomplex (periodic) or cosine (reflecting).
class Transforms {
 public:
  struct Axis {
    int nodes = 0;
    bool periodic = false;
    std::vector<double> symbol;  ///< factor of each mode: 0 ... nodes-1 (reflecting) or 0 ... nodes/2
  };
  /// Throws BackendError when the library was built without FFTW, or FFTW finds no plan. Planning takes a
  /// process-wide lock: FFTW's planner is not thread safe.
  explicit Transforms(const std::vector<Axis>& axes);
  ~Transforms();
  Transforms(const Transforms&) = delete;
  Transforms& operator=(const Transforms&) = delete;

  /// The array to fill, and to read after filter().
  double* data();
  /// Multiplies every mode by the product of the axes' symbols. O(N log N).
  void filter();
  static bool available();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fortet::grid
