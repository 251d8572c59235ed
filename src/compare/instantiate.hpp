#pragma once
// The memory spaces that the metrics are compiled for.
#if defined(KOKKOS_ENABLE_CUDA)
#define FORTET_FOR_EACH_MEMORY(Instantiate) Instantiate(Kokkos::HostSpace) Instantiate(Kokkos::CudaSpace)
#else
#define FORTET_FOR_EACH_MEMORY(Instantiate) Instantiate(Kokkos::HostSpace)
#endif
