#pragma once
// One tile of rows through a network, forwards and backwards, as packed products: arrays in, arrays out. The
// tape holds a feature of all rows of the tile contiguously, so every product vectorises over rows whatever
// the widths, and one register-tiled kernel serves all three products:
//   values      out(o, r)   = act(sum_i W(o, i) in(i, r) + b(o))
//   cotangents  din(i, r)   = sum_o W(o, i) dout(o, r)
//   gradients   dW(o, i)   += sum_r dout(o, r) in(i, r)          (with `in` transposed first)
// Kokkos-free: compiled by the host compiler and called from Kokkos dispatch over tiles.
#include <cstddef>
#include <vector>

#include "nn/plan.hpp"

namespace fortet::nn {

/// Rows of a tile: fixed, so that results do not depend on the machine's threads.
template <class Real>
inline constexpr int tile_rows = 256 / static_cast<int>(sizeof(Real));

/// Scratch of one thread, each array aligned to 64 bytes.
template <class Real>
struct Tape {
  Real* value;       ///< plan.rows x tile_rows: inputs and the output of every layer
  Real* slope;       ///< the same shape: act' of the activated layers; null when no gradient is wanted
  Real* delta;       ///< the same shape: cotangents; null when no gradient is wanted
  Real* transposed;  ///< tile_rows x (widest input, padded to whole vectors); null likewise
};

/// The calling thread's tape for this plan, kept and grown between calls; everything but `value` is null
/// unless gradients are wanted. Valid until the thread asks again.
template <class Real>
Tape<Real> thread_tape(const Plan& plan, bool gradients);

/// Writes the embedding rows of the tape for tile_rows values of tau.
template <class Real>
void embed(const Plan& plan, const Real* times, Real* value);

/// All layers over the tape whose input rows are set. Fills `slope` unless it is null.
template <class Real>
void forward(const Plan& plan, const Real* parameters, Real* value, Real* slope);

/// What a network needs of a time that all rows share: its joined features, and what they and the bias add to
/// the joint layer. Steps of a chain compute it once.
template <class Real>
struct SharedTime {
  std::vector<Real> features;  ///< plan.joined_time
  std::vector<Real> offset;    ///< out of layer plan.joint
};
template <class Real>
SharedTime<Real> share_time(const Plan& plan, const Real* parameters, Real time);

/// As forward() without slopes, at one time for all rows; `value` needs the space rows alone.
template <class Real>
void forward_at(const Plan& plan, const Real* parameters, const SharedTime<Real>& time, Real* value);

/// From cotangents in the output rows of tape.delta: adds the parameter gradient to `gradient` (unless null;
/// where `first`, writes it) and leaves the cotangent of x in the space rows of tape.delta (if
/// `input_cotangent`). Overwrites tape.delta.
template <class Real>
void backward(const Plan& plan, const Real* parameters, const Tape<Real>& tape, bool first, Real* gradient,
              bool input_cotangent);

}  // namespace fortet::nn
