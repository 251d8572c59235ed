#pragma once
// The seam between solver and geometry. A GibbsKernel is K_ij = exp(-c_ij / epsilon) between weighted source
// atoms i and target atoms j, known only by what it does to potentials. The solver, the coupling and the lift
// see nothing else, so a faster kernel (recomputed, stored, fused) is a new class here and no change there.
#include <memory>
#include <string>

#include "fortet/random/philox.hpp"
#include "fortet/types.hpp"

namespace fortet::impl {

/// The side whose atoms are the rows of an operation; the other side is summed over.
enum class Side { source, target };
constexpr Side other(Side side) { return side == Side::source ? Side::target : Side::source; }

/// What a solver that alternates half-bridges needs to know of the two weighted sides and the kernel between
/// them: atoms, or cells of a grid. Immutable. Potentials are in cost units and always double;
/// e_ij = exp((f_i + g_j - c_ij) / epsilon), w are the weights of the side that is summed over. All
/// operations are asynchronous unless said otherwise.
template <class Exec>
class HalfBridgeKernel {
 public:
  using memory_space = typename Exec::memory_space;
  using In = ConstVector<double, memory_space>;
  using Out = Vector<double, memory_space>;

  virtual ~HalfBridgeKernel() = default;

  virtual std::size_t size(Side side) const = 0;
  virtual double epsilon() const = 0;
  /// Log-weights of one side.
  virtual In log_weights(Side side) const = 0;
  /// What does the work, for reports.
  virtual std::string description() const = 0;
  /// Unit roundoff of the arithmetic times the largest |cost| / epsilon: the noise in log e_ij.
  virtual double noise() const = 0;

  /// The same kernel with the atoms of both sides in an order in which neighbours in memory are near each
  /// other, and that order: source(k) is the atom that comes k-th. Null where that would help nothing.
  virtual std::shared_ptr<const HalfBridgeKernel> in_space_order(
      const Exec&, Vector<int, memory_space>& /*source*/, Vector<int, memory_space>& /*target*/) const {
    return nullptr;
  }
  /// Changes when what rounding does to the entries changes, though potentials do not.
  virtual int revision() const { return 0; }
  /// After in_space_order(): runs of that many atoms of each side merged into their weighted means, a coarser
  /// problem to begin with. Null where that is not available.
  virtual std::shared_ptr<const HalfBridgeKernel> merged(const Exec&, std::size_t /*source_run*/,
                                                         std::size_t /*target_run*/) const {
    return nullptr;
  }
  /// The same kernel at another epsilon.
  virtual std::shared_ptr<const HalfBridgeKernel> with_epsilon(const Exec& exec, double epsilon) const = 0;
  /// Its arithmetic is float, or its entries are: a solve may begin with it and end in_double().
  virtual bool single_precision() const { return false; }
  /// The same kernel in float arithmetic, for errors above its noise. Null where that is not to be had, or
  /// this one is in float.
  virtual std::shared_ptr<const HalfBridgeKernel> in_float(const Exec&) const { return nullptr; }
  /// The same kernel in double arithmetic.
  virtual std::shared_ptr<const HalfBridgeKernel> in_double(const Exec& exec) const = 0;

  /// out_i = -epsilon log sum_j w_j exp((potential_j - c_ij) / epsilon), for any range of values.
  virtual void soft_min(const Exec& exec, Side rows, In potential, Out out) const = 0;
  /// out_i = sum_j w_j e_ij, without looking for a maximum: near the fixed point these are the marginal
  /// ratios. A value that is 0, infinite or NaN means that the range was left: use soft_min then.
  virtual void ratios(const Exec& exec, Side rows, In own, In other, Out out) const = 0;
  /// Both marginal ratios for one evaluation of the kernel where that can be had: those of the source at
  /// (f, g), then those of the target at f_i - omega epsilon log(source_i). Zeros, infinities and NaN as in
  /// ratios().
  virtual void sweep(const Exec& exec, In f, In g, double omega, Out source, Out target) const {
    ratios(exec, Side::source, f, g, source);
    Out moved(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::moved"), f.extent(0));
    const double step = omega * epsilon();
    Kokkos::parallel_for(
        "fortet::kernel::move", Kokkos::RangePolicy<Exec>(exec, 0, f.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { moved(i) = f(i) - step * Kokkos::log(source(i)); });
    ratios(exec, Side::target, g, moved, target);
  }
  /// Whether round trips are to be had now; one that finds no memory may still say false.
  virtual bool has_round_trip() const { return false; }
  /// There and back: out_j = sum_i a_i e_ij sum_k b_k e_ik x_k with the weights a, b of both sides, at the
  /// price of a sweep. False, and nothing done, where that is not available.
  virtual bool round_trip(const Exec&, In /*f*/, In /*g*/, In /*x*/, Out /*out*/) const { return false; }
  /// Its diagonal: out_j = b_j sum_i a_i e_ij^2.
  virtual bool round_trip_diagonal(const Exec&, In /*f*/, In /*g*/, Out /*out*/) const { return false; }
  /// With q_ij = e_ij + alpha_i beta_j, over the rows of the source: transport_i = sum_j w_j q_ij c_ij and
  /// kl_i = sum_j w_j q_ij log q_ij. Empty alpha and beta are zero.
  virtual void plan_costs(const Exec& exec, In f, In g, In alpha, In beta, Out transport, Out kl) const = 0;
  /// int c d(mu x nu), to set scales by. Blocking.
  virtual double mean_cost(const Exec& exec) const = 0;
  /// An upper bound on |c_ij| over all pairs. Blocking.
  virtual double largest_cost(const Exec& exec) const = 0;
};

/// Between atoms, where any pair and any row can be asked for. Operations are O(n m).
template <class Exec>
class GibbsKernel : public HalfBridgeKernel<Exec> {
 public:
  using typename HalfBridgeKernel<Exec>::memory_space;
  using typename HalfBridgeKernel<Exec>::In;
  using typename HalfBridgeKernel<Exec>::Out;

  /// With the atoms of one side replaced by `points` (k x d, uniform weights), at another epsilon. Throws
  /// InvalidArgument where the cost is known between the atoms only.
  virtual std::shared_ptr<const GibbsKernel> with_points(const Exec& exec, Side side,
                                                         ConstPoints<double, memory_space> points,
                                                         double epsilon) const = 0;
  /// out(i, k) = sum_j w_j e_ij payload(j, k).
  virtual void averages(const Exec& exec, Side rows, In own, In other,
                        ConstPoints<double, memory_space> payload,
                        Points<double, memory_space> out) const = 0;
  /// out(i - first, j) = (f_i + g_j - c_ij) / epsilon for source rows first ... first + out.extent(0) - 1.
  virtual void log_densities(const Exec& exec, std::size_t first, In f, In g,
                             Kokkos::View<double**, Kokkos::LayoutRight, memory_space> out) const = 0;
  /// out_k is drawn from the target atoms with probability proportional to w_j exp((g_j - c_ij) / epsilon),
  /// i = rows(k); f must be soft_min(g).
  virtual void draw_targets(const Exec& exec, RandomKey key, ConstVector<int, memory_space> rows, In f, In g,
                            Vector<int, memory_space> out) const = 0;
};

}  // namespace fortet::impl
