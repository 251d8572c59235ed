#pragma once
// The steps of a chain on a block of lines, for host threads; no Kokkos. A block is nodes x host_lanes
// numbers.
#include <cstddef>

namespace fortet::grid {

/// Lines that are solved side by side: enough independent recurrences to fill the pipelines of a core.
inline constexpr int host_lanes = 16;

/// R(dt A) = square W^2 + cube W^3, or (square = cube = 0) W alone: W = (1 - pole dt A)^-1.
struct StepFormula {
  double pole, square, cube;
  constexpr bool second_order() const { return cube != 0; }
};

/// The factors of one block, as AxisFactor holds them; along and what follows are null without a correction.
struct BlockFactor {
  const double *inverse, *lower, *upper;
  const double* along;                // what the correction adds
  const double *first, *last, *gain;  // a lane: weights of the line's ends, and of the correction
};

/// a = R^times a, or with the transposed factors; `kept` is working memory like a. All arrays are aligned to
/// 64 bytes.
void step_block(bool transposed, const BlockFactor& f, const StepFormula& formula, int times,
                std::size_t nodes, double* a, double* kept);

}  // namespace fortet::grid
