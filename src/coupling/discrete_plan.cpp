#include "fortet/impl/discrete_plan.hpp"

#include <cmath>
#include <sstream>
#include <string>
#include <utility>

#include "instantiate.hpp"

namespace fortet {
namespace impl {
namespace {

template <class T, class... Extents>
auto allocate(const char* label, Extents... extents) {
  return T(Kokkos::view_alloc(Kokkos::WithoutInitializing, std::string(label)), extents...);
}

}  // namespace

template <class Exec>
Vector<double, typename Exec::memory_space> RowLaws<Exec>::normalisers(const Exec& exec) const {
  auto f =
      allocate<Vector<double, memory_space>>("fortet::coupling::normalisers", kernel->size(Side::source));
  kernel->soft_min(exec, Side::source, target_potential, f);
  return f;
}

template <class Exec>
Points<double, typename Exec::memory_space> RowLaws<Exec>::means(
    const Exec& exec, ConstPoints<double, memory_space> payload) const {
  // averages of the payload around its first row, over the sum of the weights: neither a common offset nor
  // the rounding of the normaliser costs digits
  const std::size_t m = payload.extent(0), k = payload.extent(1), rows = kernel->size(Side::source);
  auto centred = allocate<Points<double, memory_space>>("fortet::coupling::payload", m, k + 1);
  Kokkos::parallel_for(
      "fortet::coupling::centre", Kokkos::RangePolicy<Exec>(exec, 0, m), KOKKOS_LAMBDA(const std::size_t j) {
        for (std::size_t c = 0; c < k; ++c) centred(j, c) = payload(j, c) - payload(0, c);
        centred(j, k) = 1;
      });
  auto sums = allocate<Points<double, memory_space>>("fortet::coupling::sums", rows, k + 1);
  kernel->averages(exec, Side::source, normalisers(exec), target_potential, centred, sums);
  auto out = allocate<Points<double, memory_space>>("fortet::coupling::means", rows, k);
  Kokkos::parallel_for(
      "fortet::coupling::normalise", Kokkos::RangePolicy<Exec>(exec, 0, rows),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t c = 0; c < k; ++c) out(i, c) = payload(0, c) + sums(i, c) / sums(i, k);
      });
  exec.fence("fortet::coupling::means");
  return out;
}

template <class Exec>
void RowLaws<Exec>::draw(const Exec& exec, RandomKey key, ConstVector<int, memory_space> rows,
                         Vector<int, memory_space> columns) const {
  kernel->draw_targets(exec, key, rows, normalisers(exec), target_potential, columns);
}

template <class Exec>
Vector<int, typename Exec::memory_space> RowLaws<Exec>::draw(const Exec& exec, RandomKey key) const {
  const std::size_t n = kernel->size(Side::source);
  auto rows = allocate<Vector<int, memory_space>>("fortet::coupling::rows", n);
  Kokkos::parallel_for(
      "fortet::coupling::number_rows", Kokkos::RangePolicy<Exec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) { rows(i) = static_cast<int>(i); });
  auto columns = allocate<Vector<int, memory_space>>("fortet::coupling::columns", n);
  draw(exec, key, rows, columns);
  return columns;
}

template <class Out, class Exec, class In>
Points<Out, typename Exec::memory_space> push_forward(const Exec& exec,
                                                      ConstPoints<In, typename Exec::memory_space> points,
                                                      double factor, const std::vector<double>& mean) {
  using Memory = typename Exec::memory_space;
  auto out = allocate<Points<Out, Memory>>("fortet::coupling::pushed", points.extent(0), points.extent(1));
  const auto shift = vector_from_host<double, Memory>(std::span<const double>(mean));
  Kokkos::parallel_for(
      "fortet::coupling::push_forward", Kokkos::RangePolicy<Exec>(exec, 0, points.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < points.extent(1); ++k)
          out(i, k) = static_cast<Out>(factor * static_cast<double>(points(i, k)) +
                                       (shift.extent(0) ? (1 - factor) * shift(k) : 0.0));
      });
  return out;
}

template <class Exec, class Real>
void gather(const Exec& exec, ConstPoints<Real, typename Exec::memory_space> points,
            ConstVector<int, typename Exec::memory_space> rows,
            Points<Real, typename Exec::memory_space> out) {
  Kokkos::parallel_for(
      "fortet::coupling::gather", Kokkos::RangePolicy<Exec>(exec, 0, rows.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < points.extent(1); ++k) out(i, k) = points(rows(i), k);
      });
}

template <class Exec>
void gather(const Exec& exec, ConstVector<double, typename Exec::memory_space> values,
            ConstVector<int, typename Exec::memory_space> rows,
            Vector<double, typename Exec::memory_space> out) {
  Kokkos::parallel_for(
      "fortet::coupling::gather_values", Kokkos::RangePolicy<Exec>(exec, 0, rows.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = values(rows(i)); });
}

template <class Exec, class Real>
void pairwise_log_density(const Exec& exec, ConstPoints<double, typename Exec::memory_space> x,
                          ConstPoints<Real, typename Exec::memory_space> y,
                          ConstVector<double, typename Exec::memory_space> f,
                          ConstVector<double, typename Exec::memory_space> g, double epsilon,
                          Vector<Real, typename Exec::memory_space> out) {
  Kokkos::parallel_for(
      "fortet::coupling::log_density_ratio", Kokkos::RangePolicy<Exec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double square = 0;
        for (std::size_t k = 0; k < x.extent(1); ++k) {
          const double difference = x(i, k) - static_cast<double>(y(i, k));
          square += difference * difference;
        }
        out(i) = static_cast<Real>((f(i) + g(i) - square / 2) / epsilon);
      });
  exec.fence("fortet::coupling::log_density_ratio");
}

}  // namespace impl

template <class Real, class Exec>
DiscretePlan<Real, Exec>::DiscretePlan(Cloud source, Cloud target, Kernel kernel, Potential source_potential,
                                       Potential target_potential)
    : source_(std::move(source)),
      target_(std::move(target)),
      kernel_(std::move(kernel)),
      f_(source_potential),
      g_(target_potential) {
  detail::require(f_.extent(0) == source_.size(), "fortet::DiscreteCoupling", "source_potential.size()",
                  f_.extent(0), "expected one value for each source atom");
  detail::require(g_.extent(0) == target_.size(), "fortet::DiscreteCoupling", "target_potential.size()",
                  g_.extent(0), "expected one value for each target atom");
}

template <class Real, class Exec>
auto DiscretePlan<Real, Exec>::plan_rows(const Exec& exec, std::size_t first, std::size_t count) const
    -> Rows {
  detail::require(first + count <= source_.size(), "fortet::DiscreteCoupling::plan_rows", "first + count",
                  first + count, "expected at most " + std::to_string(source_.size()) + " rows");
  Rows rows(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::coupling::plan_rows"), count,
            target_.size());
  kernel_->log_densities(exec, first, f_, g_, rows);
  const auto log_a = kernel_->log_weights(impl::Side::source),
             log_b = kernel_->log_weights(impl::Side::target);
  Kokkos::parallel_for(
      "fortet::coupling::plan", Kokkos::RangePolicy<Exec>(exec, 0, count),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t j = 0; j < rows.extent(1); ++j)
          rows(i, j) = Kokkos::exp(log_a(first + i) + log_b(j) + rows(i, j));
      });
  exec.fence("fortet::coupling::plan");
  return rows;
}

template <class Real, class Exec>
auto DiscretePlan<Real, Exec>::dense_plan(const Exec& exec, double memory_limit) const -> Rows {
  const double bytes = 8.0 * static_cast<double>(source_.size()) * static_cast<double>(target_.size());
  if (bytes > memory_limit) {
    std::ostringstream text;
    text << "fortet::DiscreteCoupling::dense_plan: " << source_.size() << " x " << target_.size()
         << " entries need " << bytes / 1e9 << " GB, more than the limit of " << memory_limit / 1e9
         << " GB; take plan_rows() or apply() instead, or raise memory_limit";
    throw InvalidArgument(text.str());
  }
  return plan_rows(exec, 0, source_.size());
}

namespace {

/// out(i, :) = w_i sums(i, :).
template <class Exec>
void weigh_rows(const Exec& exec, ConstVector<double, typename Exec::memory_space> log_weights,
                Points<double, typename Exec::memory_space> rows) {
  Kokkos::parallel_for(
      "fortet::coupling::weigh_rows", Kokkos::RangePolicy<Exec>(exec, 0, rows.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < rows.extent(1); ++k) rows(i, k) *= Kokkos::exp(log_weights(i));
      });
  exec.fence("fortet::coupling::weigh_rows");
}

}  // namespace

template <class Real, class Exec>
auto DiscretePlan<Real, Exec>::apply(const Exec& exec, ConstPoints<double, memory_space> payload) const
    -> Points<double, memory_space> {
  detail::require(payload.extent(0) == target_.size(), "fortet::DiscreteCoupling::apply", "rows of payload",
                  payload.extent(0), "expected one for each target atom");
  Points<double, memory_space> out("fortet::coupling::applied", source_.size(), payload.extent(1));
  kernel_->averages(exec, impl::Side::source, f_, g_, payload, out);
  weigh_rows(exec, kernel_->log_weights(impl::Side::source), out);
  return out;
}

template <class Real, class Exec>
auto DiscretePlan<Real, Exec>::apply_transposed(const Exec& exec,
                                                ConstPoints<double, memory_space> payload) const
    -> Points<double, memory_space> {
  detail::require(payload.extent(0) == source_.size(), "fortet::DiscreteCoupling::apply_transposed",
                  "rows of payload", payload.extent(0), "expected one for each source atom");
  Points<double, memory_space> out("fortet::coupling::applied", target_.size(), payload.extent(1));
  kernel_->averages(exec, impl::Side::target, g_, f_, payload, out);
  weigh_rows(exec, kernel_->log_weights(impl::Side::target), out);
  return out;
}

template <class Real, class Exec>
auto DiscretePlan<Real, Exec>::barycentric_map(const Exec& exec) const -> Points<double, memory_space> {
  const impl::RowLaws<Exec> laws{kernel_, g_};
  return laws.means(exec, impl::push_forward<double, Exec, Real>(exec, target_.points(), 1.0, {}));
}

template <class Real, class Exec>
void DiscretePlan<Real, Exec>::sample_indices(const Exec& exec, RandomKey key, Vector<int, memory_space> i,
                                              Vector<int, memory_space> j) const {
  detail::require(i.extent(0) == j.extent(0), "fortet::DiscreteCoupling::sample_indices", "j.size()",
                  j.extent(0), "expected as many as i");
  source_.sample_indices(exec, key.child(0), i);
  impl::RowLaws<Exec>{kernel_, g_}.draw(exec, key.child(1), i, j);
}

template <class Real, class Exec>
void DiscretePlan<Real, Exec>::sample(const Exec& exec, RandomKey key, Points<Real, memory_space> x0,
                                      Points<Real, memory_space> x1) const {
  constexpr const char* where = "fortet::DiscreteCoupling::sample";
  detail::require(x0.extent(0) == x1.extent(0), where, "rows of x1", x1.extent(0), "expected as many as x0");
  detail::require(static_cast<int>(x0.extent(1)) == source_dimension(), where, "columns of x0", x0.extent(1),
                  "expected " + std::to_string(source_dimension()));
  detail::require(static_cast<int>(x1.extent(1)) == target_dimension(), where, "columns of x1", x1.extent(1),
                  "expected " + std::to_string(target_dimension()));
  Vector<int, memory_space> i("fortet::coupling::source_indices", x0.extent(0)),
      j("fortet::coupling::target_indices", x0.extent(0));
  sample_indices(exec, key, i, j);
  impl::gather<Exec, Real>(exec, source_.points(), i, x0);
  impl::gather<Exec, Real>(exec, target_.points(), j, x1);
  exec.fence("fortet::coupling::sample");
}

#define FORTET_INSTANTIATE_REAL(Real, Exec)                                                        \
  template class DiscretePlan<Real, Exec>;                                                         \
  template Points<Real, Exec::memory_space> impl::push_forward<Real, Exec, Real>(                  \
      const Exec&, ConstPoints<Real, Exec::memory_space>, double, const std::vector<double>&);     \
  template void impl::gather<Exec, Real>(const Exec&, ConstPoints<Real, Exec::memory_space>,       \
                                         ConstVector<int, Exec::memory_space>,                     \
                                         Points<Real, Exec::memory_space>);                        \
  template void impl::pairwise_log_density<Exec, Real>(                                            \
      const Exec&, ConstPoints<double, Exec::memory_space>, ConstPoints<Real, Exec::memory_space>, \
      ConstVector<double, Exec::memory_space>, ConstVector<double, Exec::memory_space>, double,    \
      Vector<Real, Exec::memory_space>);
#define FORTET_INSTANTIATE(Exec)                                                         \
  template struct impl::RowLaws<Exec>;                                                   \
  template void impl::gather<Exec>(const Exec&, ConstVector<double, Exec::memory_space>, \
                                   ConstVector<int, Exec::memory_space>,                 \
                                   Vector<double, Exec::memory_space>);                  \
  FORTET_INSTANTIATE_REAL(float, Exec)                                                   \
  FORTET_INSTANTIATE_REAL(double, Exec)                                                  \
  template Points<double, Exec::memory_space> impl::push_forward<double, Exec, float>(   \
      const Exec&, ConstPoints<float, Exec::memory_space>, double, const std::vector<double>&);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet
