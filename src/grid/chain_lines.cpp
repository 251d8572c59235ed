#include "grid/chain_lines.hpp"

#include "kernel/pack.hpp"

namespace fortet::grid {
namespace {

using P = kernel::Pack<double>;
constexpr std::size_t L = host_lanes, width = kernel::lanes<double>, packs = L / width;
static_assert(packs * width == L);

/// W or its transpose, in place. What is carried along the lines stays in registers.
template <bool Transposed>
void solve(const BlockFactor& f, std::size_t n, double* a) {
  P carry[packs] = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      if constexpr (Transposed) {
        const P value = kernel::load(a + at) + carry[p];
        kernel::store(a + at, value);
        carry[p] = kernel::load(f.upper + at) * value;
      } else {  // lower is zero in the first row
        carry[p] =
            kernel::load(f.inverse + at) * (kernel::load(a + at) + kernel::load(f.lower + at) * carry[p]);
        kernel::store(a + at, carry[p]);
      }
    }
  for (P& c : carry) c = P{};
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      if constexpr (Transposed) {
        const P value = kernel::load(f.inverse + at) * (kernel::load(a + at) + carry[p]);
        kernel::store(a + at, value);
        carry[p] = kernel::load(f.lower + at) * value;
      } else {  // upper is zero in the last row
        carry[p] = kernel::load(a + at) + kernel::load(f.upper + at) * carry[p];
        kernel::store(a + at, carry[p]);
      }
    }
  if (!f.along) return;
  P scale[packs];
  for (std::size_t p = 0; p < packs; ++p)
    scale[p] = kernel::load(f.gain + p * width) *
               (kernel::load(f.first + p * width) * kernel::load(a + p * width) +
                kernel::load(f.last + p * width) * kernel::load(a + (n - 1) * L + p * width));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      kernel::store(a + at, kernel::load(a + at) + scale[p] * kernel::load(f.along + at));
    }
}

template <bool Transposed>
void step(const BlockFactor& f, const StepFormula& formula, std::size_t n, double* a, double* kept) {
  solve<Transposed>(f, n, a);
  if (!formula.second_order()) return;
  solve<Transposed>(f, n, a);
  for (std::size_t k = 0; k < n * L; k += width) kernel::store(kept + k, kernel::load(a + k));
  solve<Transposed>(f, n, a);
  // positive in exact arithmetic: rounding must not say otherwise
  const P cube = kernel::broadcast(formula.cube), square = kernel::broadcast(formula.square);
  for (std::size_t k = 0; k < n * L; k += width)
    kernel::store(a + k, kernel::max(cube * kernel::load(a + k) + square * kernel::load(kept + k), P{}));
}

}  // namespace

void step_block(bool transposed, const BlockFactor& f, const StepFormula& formula, int times,
                std::size_t nodes, double* a, double* kept) {
  for (int time = 0; time < times; ++time)
    transposed ? step<true>(f, formula, nodes, a, kept) : step<false>(f, formula, nodes, a, kept);
}

}  // namespace fortet::grid
