#pragma once
// What grid kernels are measured against, host only: matrix products and a direct separable log-sum-exp. Each
// works on a share of its columns: the caller's threads (Kokkos) divide them, because other threads would
// compete with those that wait.
#include <cstddef>

namespace bench {

/// Columns first ... last - 1 of c = a b by Eigen, a n x n, b and c n x m, all column-major.
void multiply_columns(const float* a, const float* b, float* c, std::size_t n, std::size_t first,
                      std::size_t last);
void multiply_columns(const double* a, const double* b, double* c, std::size_t n, std::size_t first,
                      std::size_t last);

/// Columns first ... last - 1 of out_il = log2 sum_j 2^(in_jl - s (i - j)^2), in and out n x lines row-major
/// and aligned to a register, float, vectorised over the columns: the largest term, then the sum.
void direct_columns(const float* in, float* out, int n, std::size_t lines, float s, std::size_t first,
                    std::size_t last);

}  // namespace bench
