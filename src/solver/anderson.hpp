#pragma once
// Anderson's acceleration of Sinkhorn.
#include <array>
#include <cmath>

#include "algebra/algebra.hpp"
#include "solver/sinkhorn_state.hpp"

namespace fortet::impl {

/// Anderson's acceleration (1965; Walker, Ni 2011, algorithm AA) of the full iteration g -> G(g), plain
/// half-steps on both sides. With the residuals r_k = G(g_k) - g_k of the last `depth` + 1 iterates,
///   g = G(g_k) - sum_j gamma_j (G(g_{j+1}) - G(g_j)),  gamma least squares of r_k by r_{j+1} - r_j
/// in L2(target), where the sum is cut down to epsilon. The dual, known at exact rows, is the guard: an
/// iterate that lowers it is given up for the plain image of the best one, and the memory with it. A sweep
/// and O(depth m) each.
template <class Exec>
class Anderson {
 public:
  static constexpr std::size_t depth = 8;
  using Vec = typename SinkhornState<Exec>::Vec;

  Anderson(std::size_t source_size, std::size_t target_size);

  /// A sweep at g, which leaves f exact for it, and the error of the columns there. An iterate that lowers
  /// the dual or leaves the range of the max-free pass is given up, and the error is that of the one before,
  /// or INFINITY where there is none.
  double measure(SinkhornState<Exec>& state);
  /// Moves g to the next iterate.
  void extrapolate(SinkhornState<Exec>& state);

  // Public because nvcc asks for it.

  using Products = std::array<double, depth>;
  Products products(const SinkhornState<Exec>& state, const Vec& vector) const;
  void move(SinkhornState<Exec>& state, const algebra::Column& shares);

 private:
  /// It holds an iterate.
  bool begun() const { return best_dual_ > -INFINITY; }
  void forget();

  using Memory = Kokkos::View<double**, Kokkos::LayoutRight, typename Exec::memory_space>;

  Memory residual_changes_, image_changes_;
  Vec residual_, image_, step_, best_f_, best_image_;
  Matrix gram_;  // of the residual changes
  std::size_t held_ = 0, next_ = 0;
  double dual_ = 0, best_dual_ = -INFINITY, error_ = INFINITY;
};

}  // namespace fortet::impl
