#pragma once
// The precisions, memory spaces and execution spaces that templates are compiled for. `Instantiate` is a
// macro of the file that uses one of these lists.
#if defined(KOKKOS_ENABLE_CUDA)
#define FORTET_FOR_EACH_MEMORY(Instantiate) Instantiate(Kokkos::HostSpace) Instantiate(Kokkos::CudaSpace)
#define FORTET_FOR_EACH_EXEC(Instantiate) Instantiate(HostExec) Instantiate(Kokkos::Cuda)
#define FORTET_FOR_EACH_REAL_AND_MEMORY(Instantiate)                           \
  Instantiate(float, Kokkos::HostSpace) Instantiate(double, Kokkos::HostSpace) \
      Instantiate(float, Kokkos::CudaSpace) Instantiate(double, Kokkos::CudaSpace)
#else
#define FORTET_FOR_EACH_MEMORY(Instantiate) Instantiate(Kokkos::HostSpace)
#define FORTET_FOR_EACH_EXEC(Instantiate) Instantiate(HostExec)
#define FORTET_FOR_EACH_REAL_AND_MEMORY(Instantiate) \
  Instantiate(float, Kokkos::HostSpace) Instantiate(double, Kokkos::HostSpace)
#endif
