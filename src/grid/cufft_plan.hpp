#pragma once
// Real Fourier transforms on a CUDA device; the only file that knows cuFFT.
#include <cufft.h>

#include <Kokkos_Core.hpp>
#include <string>

#include "fortet/error.hpp"

namespace fortet::grid {

inline void check_cufft(cufftResult result, const char* call) {
  if (result == CUFFT_SUCCESS) return;
  throw BackendError("fortet: cuFFT: " + std::string(call) + " failed with code " + std::to_string(result) +
                     (result == CUFFT_ALLOC_FAILED ? ", out of device memory" : ""));
}

/// Transforms of a row-major array in double, there and back.
class CufftPlan {
 public:
  CufftPlan(int rank, const std::size_t* extents)
      : forward_(rank, extents, CUFFT_D2Z), backward_(rank, extents, CUFFT_Z2D) {}

  void forward(const Kokkos::Cuda& exec, double* in, Kokkos::complex<double>* modes) const {
    check_cufft(cufftSetStream(forward_.plan, exec.cuda_stream()), "cufftSetStream");
    check_cufft(cufftExecD2Z(forward_.plan, in, reinterpret_cast<cufftDoubleComplex*>(modes)),
                "cufftExecD2Z");
  }
  /// Overwrites the modes.
  void backward(const Kokkos::Cuda& exec, Kokkos::complex<double>* modes, double* out) const {
    check_cufft(cufftSetStream(backward_.plan, exec.cuda_stream()), "cufftSetStream");
    check_cufft(cufftExecZ2D(backward_.plan, reinterpret_cast<cufftDoubleComplex*>(modes), out),
                "cufftExecZ2D");
  }

 private:
  struct Handle {
    cufftHandle plan = 0;
    Handle(int rank, const std::size_t* extents, cufftType type) {
      int n[3] = {};
      for (int k = 0; k < rank; ++k) n[k] = static_cast<int>(extents[k]);
      check_cufft(cufftPlanMany(&plan, rank, n, nullptr, 1, 0, nullptr, 1, 0, type, 1), "cufftPlanMany");
    }
    ~Handle() { cufftDestroy(plan); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
  };
  Handle forward_, backward_;
};

}  // namespace fortet::grid
