#include "grid/chain_lines.hpp"

#include "kernel/pack.hpp"

namespace fortet::grid {
namespace {

using P = kernel::Pack<double>;
constexpr std::size_t L = host_lanes, width = kernel::lanes<double>, packs = L / width;
static_assert(packs * width == L);

/// W or its transpose, in place, each result through finish(where, value), which leaves it there or makes
/// more of it while it is in a register. What is carried along the lines stays in registers, too, and waits
/// for one multiply-add a node.
template <bool Transposed, class Finish>
void solve(const BlockFactor& f, std::size_t n, double* a, const Finish& finish) {
  const bool corrected = f.along;  // then results are known only after both sweeps
  P carry[packs] = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      if constexpr (Transposed) {
        const P given = kernel::load(a + at), up = kernel::load(f.upper + at);
        kernel::store(a + at, given + carry[p]);
        carry[p] = up * given + up * carry[p];
      } else {  // lower is zero in the first row
        carry[p] =
            kernel::load(f.inverse + at) * kernel::load(a + at) + kernel::load(f.lower + at) * carry[p];
        kernel::store(a + at, carry[p]);
      }
    }
  for (P& c : carry) c = P{};
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      P value;
      if constexpr (Transposed) {
        const P given = kernel::load(a + at), down = kernel::load(f.lower + at);
        value = kernel::load(f.inverse + at) * (given + carry[p]);
        carry[p] = down * given + down * carry[p];
      } else {  // upper is zero in the last row
        value = carry[p] = kernel::load(a + at) + kernel::load(f.upper + at) * carry[p];
      }
      if (corrected)
        kernel::store(a + at, value);
      else
        finish(at, value);
    }
  if (!corrected) return;
  P scale[packs];
  for (std::size_t p = 0; p < packs; ++p)
    scale[p] = kernel::load(f.gain + p * width) *
               (kernel::load(f.first + p * width) * kernel::load(a + p * width) +
                kernel::load(f.last + p * width) * kernel::load(a + (n - 1) * L + p * width));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t p = 0; p < packs; ++p) {
      const std::size_t at = i * L + p * width;
      finish(at, kernel::load(a + at) + scale[p] * kernel::load(f.along + at));
    }
}

template <bool Transposed>
void step(const BlockFactor& f, const StepFormula& formula, std::size_t n, double* a, double* kept) {
  const auto leave = [=](std::size_t at, P value) { kernel::store(a + at, value); };
  solve<Transposed>(f, n, a, leave);
  if (!formula.second_order()) return;
  solve<Transposed>(f, n, a, [=](std::size_t at, P value) {
    kernel::store(a + at, value);
    kernel::store(kept + at, value);
  });
  // positive in exact arithmetic: rounding must not say otherwise
  const P cube = kernel::broadcast(formula.cube), square = kernel::broadcast(formula.square);
  solve<Transposed>(f, n, a, [=](std::size_t at, P value) {
    kernel::store(a + at, kernel::max(cube * value + square * kernel::load(kept + at), P{}));
  });
}

}  // namespace

void step_block(bool transposed, const BlockFactor& f, const StepFormula& formula, int times,
                std::size_t nodes, double* a, double* kept) {
  for (int time = 0; time < times; ++time)
    transposed ? step<true>(f, formula, nodes, a, kept) : step<false>(f, formula, nodes, a, kept);
}

}  // namespace fortet::grid
