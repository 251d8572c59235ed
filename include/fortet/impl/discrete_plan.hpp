#pragma once
// What a discrete coupling does with its two potentials, whatever its reference: compiled once per precision.
#include <memory>

#include "fortet/impl/gibbs_kernel.hpp"
#include "fortet/measure/point_cloud.hpp"

namespace fortet::impl {

/// Laws on the target atoms, one for each row of a kernel: weights proportional to b_j exp((g_j - c_ij) /
/// epsilon).
template <class Exec>
struct RowLaws {
  using memory_space = typename Exec::memory_space;
  std::shared_ptr<const GibbsKernel<Exec>> kernel;
  ConstVector<double, memory_space> target_potential;

  /// f = soft_min(g), the normaliser of every row.
  Vector<double, memory_space> normalisers(const Exec& exec) const;
  /// E[payload(Y)] for every row; payload is m x k. O(rows m k).
  Points<double, memory_space> means(const Exec& exec, ConstPoints<double, memory_space> payload) const;
  /// columns(k) ~ law of row rows(k).
  void draw(const Exec& exec, RandomKey key, ConstVector<int, memory_space> rows,
            Vector<int, memory_space> columns) const;
  /// One draw from every row.
  Vector<int, memory_space> draw(const Exec& exec, RandomKey key) const;
};

/// factor * points + (1 - factor) * mean, coordinate by coordinate; an empty mean is the origin.
template <class Out, class Exec, class In>
Points<Out, typename Exec::memory_space> push_forward(const Exec& exec,
                                                      ConstPoints<In, typename Exec::memory_space> points,
                                                      double factor, const std::vector<double>& mean);

/// out(k, :) = points(rows(k), :).
template <class Exec, class Real>
void gather(const Exec& exec, ConstPoints<Real, typename Exec::memory_space> points,
            ConstVector<int, typename Exec::memory_space> rows,
            Points<Real, typename Exec::memory_space> out);
/// out_k = values_rows(k).
template <class Exec>
void gather(const Exec& exec, ConstVector<double, typename Exec::memory_space> values,
            ConstVector<int, typename Exec::memory_space> rows,
            Vector<double, typename Exec::memory_space> out);

/// out_k = (f_k + g_k - |x_k - y_k|^2 / 2) / epsilon.
template <class Exec, class Real>
void pairwise_log_density(const Exec& exec, ConstPoints<double, typename Exec::memory_space> x,
                          ConstPoints<Real, typename Exec::memory_space> y,
                          ConstVector<double, typename Exec::memory_space> f,
                          ConstVector<double, typename Exec::memory_space> g, double epsilon,
                          Vector<Real, typename Exec::memory_space> out);

}  // namespace fortet::impl

namespace fortet {

/// pi = sum_ij a_i b_j exp((f_i + g_j - c_ij) / epsilon) delta_(x_i, y_j), kept as two potentials; the plan
/// itself is recomputed where it is asked for. All operations block unless said otherwise.
template <class Real, class Exec>
class DiscretePlan {
 public:
  using scalar_type = Real;
  using execution_space = Exec;
  using memory_space = typename Exec::memory_space;
  using Cloud = PointCloud<Real, memory_space>;
  using Kernel = std::shared_ptr<const impl::GibbsKernel<Exec>>;
  using Potential = ConstVector<double, memory_space>;
  using Rows = Kokkos::View<double**, Kokkos::LayoutRight, memory_space>;

  /// Throws InvalidArgument on a wrong number of potentials.
  DiscretePlan(Cloud source, Cloud target, Kernel kernel, Potential source_potential,
               Potential target_potential);

  const Cloud& source() const { return source_; }
  const Cloud& target() const { return target_; }
  int source_dimension() const { return source_.dimension(); }
  int target_dimension() const { return target_.dimension(); }
  double epsilon() const { return kernel_->epsilon(); }
  const Kernel& kernel() const { return kernel_; }
  /// Potentials on the atoms, cost units, gauge int f dmu = int g dnu.
  Potential source_potential() const { return f_; }
  Potential target_potential() const { return g_; }

  /// out(i - first, j) = pi_ij for `count` rows from `first`: count * m doubles. O(count m d). Throws
  /// InvalidArgument when the rows do not exist.
  Rows plan_rows(const Exec& exec, std::size_t first, std::size_t count) const;
  /// All rows. Throws InvalidArgument, with the size needed, when n m doubles exceed `memory_limit` bytes.
  Rows dense_plan(const Exec& exec, double memory_limit = 8e9) const;
  /// pi payload (m x k -> n x k), without storing pi. O(n m (d + k)).
  Points<double, memory_space> apply(const Exec& exec, ConstPoints<double, memory_space> payload) const;
  /// pi^T payload (n x k -> m x k).
  Points<double, memory_space> apply_transposed(const Exec& exec,
                                                ConstPoints<double, memory_space> payload) const;
  /// E[X1 | X0 = x_i] at every source atom: n x d. O(n m d).
  Points<double, memory_space> barycentric_map(const Exec& exec) const;

  /// Pairs of atom indices drawn from pi: a source atom by its weight, then its row's law. Exact; one pass
  /// over all pairs, then O(m) a draw.
  void sample_indices(const Exec& exec, RandomKey key, Vector<int, memory_space> i,
                      Vector<int, memory_space> j) const;
  /// Pairs of atoms drawn from pi.
  void sample(const Exec& exec, RandomKey key, Points<Real, memory_space> x0,
              Points<Real, memory_space> x1) const;

 private:
  Cloud source_, target_;
  Kernel kernel_;
  Potential f_, g_;
};

}  // namespace fortet
