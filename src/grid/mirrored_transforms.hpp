#pragma once
// Cosine and Fourier modes of a grid's array by real Fourier transforms alone, for libraries that have no
// cosine transform. A reflecting axis of n nodes, the centres of its cells, is half of a ring of 2n nodes,
//   a_i = a_{2n-1-i},
// on which the reflected heat kernel is the periodic one; mode q of that ring is cosine mode q. So one
// transform of up to three axes serves every mix of boundaries, 2^r times the nodes for r reflecting axes.
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <vector>

#include "fortet/types.hpp"
#include "grid/spectral.hpp"
#include "measure/allocate.hpp"

namespace fortet::grid {

using Extents = Kokkos::Array<std::size_t, 3>;

/// The axes of an array and of the ring that each becomes. Trivially copyable into kernels.
struct MirroredShape {
  int dimension = 0;
  Extents nodes{1, 1, 1}, ring{1, 1, 1};
  Extents symbols{};  // where the symbol of an axis begins in the array of all of them

  std::size_t size() const { return nodes[0] * nodes[1] * nodes[2]; }
  std::size_t ring_size() const { return ring[0] * ring[1] * ring[2]; }
  /// Modes of a real array: along the last axis half of them, the others are their conjugates.
  KOKKOS_FUNCTION std::size_t kept_modes(int k) const {
    return k + 1 == dimension ? ring[k] / 2 + 1 : ring[k];
  }
  std::size_t modes_size() const { return kept_modes(0) * kept_modes(1) * kept_modes(2); }
};

inline MirroredShape mirrored_shape(const std::vector<SpectralAxis>& axes) {
  MirroredShape shape;
  shape.dimension = static_cast<int>(axes.size());
  std::size_t symbols = 0;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    shape.nodes[k] = static_cast<std::size_t>(axes[k].nodes);
    shape.ring[k] = (axes[k].periodic ? 1 : 2) * shape.nodes[k];
    shape.symbols[k] = symbols;
    symbols += axes[k].symbol.size();
  }
  return shape;
}

/// out_i = in_i, and past the end of an axis of `in` its mirror image: around the rings, or back from them.
inline void rearrange(const DefaultExec& exec, int dimension, const Extents& from, const Extents& to,
                      const ConstVector<double>& in, const Vector<double>& out) {
  Kokkos::parallel_for(
      "fortet::grid::rearrange", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(std::size_t flat) {
        const std::size_t at = flat;
        std::size_t source = 0, inner = 1;
        for (int k = dimension; k-- > 0; flat /= to[k]) {
          const std::size_t i = flat % to[k];
          source += inner * (i < from[k] ? i : to[k] - 1 - i);
          inner *= from[k];
        }
        out(at) = in(source);
      });
}

/// Every mode times the product of the axes' symbols.
inline void scale_modes(const DefaultExec& exec, const MirroredShape& shape,
                        const ConstVector<double>& symbols, const Vector<Kokkos::complex<double>>& modes) {
  Kokkos::parallel_for(
      "fortet::grid::scale_modes", Kokkos::RangePolicy<DefaultExec>(exec, 0, modes.extent(0)),
      KOKKOS_LAMBDA(std::size_t flat) {
        const std::size_t at = flat;
        double factor = 1;
        for (int k = shape.dimension; k-- > 0; flat /= shape.kept_modes(k)) {
          const std::size_t q = flat % shape.kept_modes(k), opposite = shape.ring[k] - q;
          factor *= symbols(shape.symbols[k] + (q < opposite ? q : opposite));
        }
        modes(at) *= factor;
      });
}

/// The filter of Transforms by a Plan(rank, extents) of real transforms of a row-major array, not normalised:
/// forward(exec, in, modes) and backward(exec, modes, out), which may overwrite the modes.
template <class Plan>
class MirroredTransforms {
 public:
  explicit MirroredTransforms(const std::vector<SpectralAxis>& axes)
      : shape_(mirrored_shape(axes)), plan_(shape_.dimension, shape_.ring.data()) {
    const DefaultExec exec;
    ring_ = fortet::detail::allocate(exec, "fortet::grid::ring", shape_.ring_size());
    modes_ =
        fortet::detail::allocate<Kokkos::complex<double>>(exec, "fortet::grid::modes", shape_.modes_size());
    std::vector<double> symbols;
    for (const SpectralAxis& axis : axes)
      symbols.insert(symbols.end(), axis.symbol.begin(), axis.symbol.end());
    const auto n = static_cast<double>(shape_.ring_size());  // there and back multiplies by it
    for (std::size_t q = 0; q < axes.front().symbol.size(); ++q) symbols[q] /= n;
    symbols_ = vector_from_host<double>(std::span<const double>(symbols));
    exec.fence("fortet::grid::mirrored_transforms");
  }

  /// Asynchronous; O(N log N) for the N nodes of the rings, in three arrays of them.
  void filter(const DefaultExec& exec, const Vector<double>& values) {
    rearrange(exec, shape_.dimension, shape_.nodes, shape_.ring, values, ring_);
    plan_.forward(exec, ring_.data(), modes_.data());
    scale_modes(exec, shape_, symbols_, modes_);
    plan_.backward(exec, modes_.data(), ring_.data());
    rearrange(exec, shape_.dimension, shape_.ring, shape_.nodes, ring_, values);
  }

 private:
  MirroredShape shape_;
  Plan plan_;
  Vector<double> ring_;
  Vector<Kokkos::complex<double>> modes_;
  ConstVector<double> symbols_;
};

}  // namespace fortet::grid
