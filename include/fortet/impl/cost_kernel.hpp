#pragma once
// The Gibbs kernel of any cost functor, one row to a thread: the one open template. It is the whole
// implementation for a user's cost and for a stored matrix, and what the streaming kernel falls back on for
// everything that is not its hot loop. Formulas at the declarations in gibbs_kernel.hpp.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "fortet/impl/gibbs_kernel.hpp"

namespace fortet::impl {

/// What every row operation needs: cost, weights of the columns and 1 / epsilon, with either side as the
/// rows.
template <class Exec, class Cost>
struct RowKernel {
  using memory_space = typename Exec::memory_space;
  using In = ConstVector<double, memory_space>;
  using Out = Vector<double, memory_space>;

  Cost functor;
  Side side;
  In log_weights;  // of the columns
  double inverse_epsilon;
  std::size_t rows, columns;

  KOKKOS_FUNCTION double cost(std::size_t i, std::size_t j) const {
    return side == Side::source ? functor(i, j) : functor(j, i);
  }
  KOKKOS_FUNCTION bool has_weight(std::size_t j) const {
    return log_weights(j) > -Kokkos::Experimental::infinity_v<double>;
  }
  /// log(w_j e_ij) for a column that has weight.
  KOKKOS_FUNCTION double exponent(std::size_t i, std::size_t j, double own, double other) const {
    return (own + other - cost(i, j)) * inverse_epsilon + log_weights(j);
  }

  void soft_min(const Exec& exec, In potential, Out out) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::soft_min", Kokkos::RangePolicy<Exec>(exec, 0, rows),
        KOKKOS_LAMBDA(const std::size_t i) {
          double maximum = -Kokkos::Experimental::finite_max_v<double>;
          for (std::size_t j = 0; j < k.columns; ++j)
            if (k.has_weight(j)) maximum = Kokkos::fmax(maximum, k.exponent(i, j, 0.0, potential(j)));
          double sum = 0;
          for (std::size_t j = 0; j < k.columns; ++j)
            if (k.has_weight(j)) sum += Kokkos::exp(k.exponent(i, j, 0.0, potential(j)) - maximum);
          out(i) = -(maximum + Kokkos::log(sum)) / k.inverse_epsilon;
        });
  }

  void ratios(const Exec& exec, In own, In other, Out out) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::ratios", Kokkos::RangePolicy<Exec>(exec, 0, rows),
        KOKKOS_LAMBDA(const std::size_t i) {
          double sum = 0;
          for (std::size_t j = 0; j < k.columns; ++j)
            if (k.has_weight(j)) sum += Kokkos::exp(k.exponent(i, j, own(i), other(j)));
          out(i) = sum;
        });
  }

  void averages(const Exec& exec, In own, In other, ConstPoints<double, memory_space> payload,
                Points<double, memory_space> out) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::averages", Kokkos::RangePolicy<Exec>(exec, 0, rows),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t c = 0; c < payload.extent(1); ++c) out(i, c) = 0;
          for (std::size_t j = 0; j < k.columns; ++j) {
            if (!k.has_weight(j)) continue;
            const double e = Kokkos::exp(k.exponent(i, j, own(i), other(j)));
            for (std::size_t c = 0; c < payload.extent(1); ++c) out(i, c) += e * payload(j, c);
          }
        });
  }

  void plan_costs(const Exec& exec, In f, In g, In alpha, In beta, Out transport, Out kl) const {
    const auto k = *this;
    const bool corrected = alpha.extent(0) > 0;
    Kokkos::parallel_for(
        "fortet::kernel::plan_costs", Kokkos::RangePolicy<Exec>(exec, 0, rows),
        KOKKOS_LAMBDA(const std::size_t i) {
          double cost_sum = 0, kl_sum = 0;
          for (std::size_t j = 0; j < k.columns; ++j) {
            if (!k.has_weight(j)) continue;
            const double c = k.cost(i, j), log_e = (f(i) + g(j) - c) * k.inverse_epsilon;
            const double extra = corrected ? alpha(i) * beta(j) : 0.0, q = Kokkos::exp(log_e) + extra;
            if (!(q > 0)) continue;
            const double wq = Kokkos::exp(k.log_weights(j)) * q;
            cost_sum += wq * c;
            kl_sum += wq * (extra > 0 ? Kokkos::log(q) : log_e);
          }
          transport(i) = cost_sum;
          kl(i) = kl_sum;
        });
  }

  void log_densities(const Exec& exec, std::size_t first, In f, In g,
                     Kokkos::View<double**, Kokkos::LayoutRight, memory_space> out) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::log_densities", Kokkos::RangePolicy<Exec>(exec, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t r) {
          for (std::size_t j = 0; j < k.columns; ++j)
            out(r, j) = (f(first + r) + g(j) - k.cost(first + r, j)) * k.inverse_epsilon;
        });
  }

  void draw_columns(const Exec& exec, RandomKey key, ConstVector<int, memory_space> which, In f, In g,
                    Vector<int, memory_space> out) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::draw_targets", Kokkos::RangePolicy<Exec>(exec, 0, which.extent(0)),
        KOKKOS_LAMBDA(const std::size_t r) {
          // inverse distribution function: the row sums to one up to rounding because f = soft_min(g)
          const std::size_t i = static_cast<std::size_t>(which(r));
          const double u = random_uniform(key, r, 0);
          double sum = 0;
          std::size_t last = 0;  // last atom with mass, should rounding leave the whole sum below u
          for (std::size_t j = 0; j < k.columns && sum <= u; ++j) {
            const double e = k.has_weight(j) ? Kokkos::exp(k.exponent(i, j, f(i), g(j))) : 0.0;
            if (e > 0) last = j;
            sum += e;
          }
          out(r) = static_cast<int>(last);
        });
  }

  /// Per row: the largest |c_ij| and the weighted sum of c_ij.
  void cost_range(const Exec& exec, Out largest, Out mean) const {
    const auto k = *this;
    Kokkos::parallel_for(
        "fortet::kernel::cost_range", Kokkos::RangePolicy<Exec>(exec, 0, rows),
        KOKKOS_LAMBDA(const std::size_t i) {
          double high = 0, sum = 0;
          for (std::size_t j = 0; j < k.columns; ++j) {
            const double c = k.cost(i, j);
            high = Kokkos::fmax(high, Kokkos::fabs(c));
            if (k.has_weight(j)) sum += Kokkos::exp(k.log_weights(j)) * c;
          }
          largest(i) = high;
          mean(i) = sum;
        });
  }
};

/// K_ij for a cost functor: `Cost` is copyable to the device and has
/// KOKKOS_FUNCTION double operator()(std::size_t source, std::size_t target) const.
template <class Exec, class Cost>
class CostKernel : public GibbsKernel<Exec> {
 public:
  using Base = GibbsKernel<Exec>;
  using typename Base::In;
  using typename Base::memory_space;
  using typename Base::Out;

  CostKernel(Cost cost, In log_a, In log_b, double epsilon)
      : cost_(cost), log_a_(log_a), log_b_(log_b), epsilon_(epsilon) {}

  std::size_t size(Side side) const override { return log_weights(side).extent(0); }
  double epsilon() const override { return epsilon_; }
  In log_weights(Side side) const override { return side == Side::source ? log_a_ : log_b_; }
  std::string description() const override { return "cost functor, recomputed"; }
  double noise() const override {
    return std::numeric_limits<double>::epsilon() * this->largest_cost(Exec()) / epsilon_;
  }

  std::shared_ptr<const HalfBridgeKernel<Exec>> with_epsilon(const Exec&, double epsilon) const override {
    return std::make_shared<CostKernel>(cost_, log_a_, log_b_, epsilon);
  }
  std::shared_ptr<const HalfBridgeKernel<Exec>> in_double(const Exec&) const override {
    return std::make_shared<CostKernel>(*this);
  }
  std::shared_ptr<const Base> with_points(const Exec&, Side, ConstPoints<double, memory_space>,
                                          double) const override {
    throw InvalidArgument(
        "fortet::DiscreteCoupling: this cost is known between the atoms only, not at new points");
  }

  void soft_min(const Exec& exec, Side rows, In potential, Out out) const override {
    row_kernel(rows).soft_min(exec, potential, out);
  }
  void ratios(const Exec& exec, Side rows, In own, In other, Out out) const override {
    row_kernel(rows).ratios(exec, own, other, out);
  }
  void averages(const Exec& exec, Side rows, In own, In other, ConstPoints<double, memory_space> payload,
                Points<double, memory_space> out) const override {
    row_kernel(rows).averages(exec, own, other, payload, out);
  }
  void plan_costs(const Exec& exec, In f, In g, In alpha, In beta, Out transport, Out kl) const override {
    row_kernel(Side::source).plan_costs(exec, f, g, alpha, beta, transport, kl);
  }
  void log_densities(const Exec& exec, std::size_t first, In f, In g,
                     Kokkos::View<double**, Kokkos::LayoutRight, memory_space> out) const override {
    row_kernel(Side::source).log_densities(exec, first, f, g, out);
  }
  void draw_targets(const Exec& exec, RandomKey key, ConstVector<int, memory_space> rows, In f, In g,
                    Vector<int, memory_space> out) const override {
    row_kernel(Side::source).draw_columns(exec, key, rows, f, g, out);
  }
  double mean_cost(const Exec& exec) const override {
    const auto [largest, mean] = cost_range(exec);
    const auto log_a = to_host(log_a_);
    double sum = 0;
    for (std::size_t i = 0; i < log_a.size(); ++i) sum += std::exp(log_a[i]) * mean[i];
    return sum;
  }
  double largest_cost(const Exec& exec) const override {
    const auto [largest, mean] = cost_range(exec);
    double high = 0;
    for (double value : largest) high = std::max(high, value);
    return high;
  }

 protected:
  RowKernel<Exec, Cost> row_kernel(Side rows) const {
    const Side columns = fortet::impl::other(rows);
    return {cost_, rows, log_weights(columns), 1.0 / epsilon_, size(rows), size(columns)};
  }
  std::pair<std::vector<double>, std::vector<double>> cost_range(const Exec& exec) const {
    Out largest("fortet::kernel::largest_cost", size(Side::source)),
        mean("fortet::kernel::mean_cost", size(Side::source));
    row_kernel(Side::source).cost_range(exec, largest, mean);
    exec.fence("fortet::kernel::cost_range");
    return {to_host(largest), to_host(mean)};
  }

  Cost cost_;
  In log_a_, log_b_;
  double epsilon_;
};

}  // namespace fortet::impl
