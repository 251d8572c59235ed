#include "solver/anderson.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "chunked_sum.hpp"
#include "instantiate.hpp"

namespace fortet::impl {
namespace {

/// By the normal equations of changes scaled to length one; a small multiple of the identity keeps them
/// solvable where changes are nearly dependent.
algebra::Column least_squares(const Matrix& gram, std::span<const double> right) {
  const std::size_t k = right.size();
  std::vector<double> length(k);
  for (std::size_t i = 0; i < k; ++i) {
    length[i] = std::sqrt(gram(i, i));
    if (!(length[i] > 0)) return algebra::Column(k, 1);
  }
  Matrix a(k, k);
  algebra::Column b(k, 1);
  for (std::size_t i = 0; i < k; ++i) {
    b(i, 0) = right[i] / length[i];
    for (std::size_t j = 0; j < k; ++j) a(i, j) = gram(i, j) / length[i] / length[j];
    a(i, i) += 1e-12;
  }
  algebra::Column solved = algebra::solve_semidefinite(a, b);
  for (std::size_t i = 0; i < k; ++i) solved(i, 0) /= length[i];
  return solved;
}

}  // namespace

template <class Exec>
Anderson<Exec>::Anderson(std::size_t n, std::size_t m)
    : residual_changes_("fortet::anderson::residual_changes", depth, m),
      image_changes_("fortet::anderson::image_changes", depth, m),
      residual_("fortet::anderson::residual", m),
      image_("fortet::anderson::image", m),
      step_("fortet::anderson::step", m),
      best_f_("fortet::anderson::best_f", n),
      best_image_("fortet::anderson::best_image", m),
      gram_(depth, depth) {}

template <class Exec>
void Anderson<Exec>::forget() {
  held_ = next_ = 0;
  best_dual_ = -INFINITY;
  error_ = INFINITY;
}

/// In L2(target), of every residual change with `vector`.
template <class Exec>
typename Anderson<Exec>::Products Anderson<Exec>::products(const SinkhornState<Exec>& state,
                                                           const Vec& vector) const {
  const auto changes = residual_changes_;
  const auto weights = state.target_masses;
  return chunked_sums<depth>(
      state.vectors, "fortet::anderson::products", vector.extent(0),
      KOKKOS_LAMBDA(const std::size_t j, double* sums) {
        const double weighted = weights(j) * vector(j);
        for (std::size_t k = 0; k < depth; ++k) sums[k] += weighted * changes(k, j);
      });
}

template <class Exec>
double Anderson<Exec>::measure(SinkhornState<Exec>& state) {
  const auto [in_range, now] = state.make_rows_exact();
  if (in_range) {
    dual_ = state.integral(Side::source) + state.integral(Side::target);  // at exact rows the mass is one
    const double rounding = state.kernel->epsilon() * state.kernel->noise();
    if (dual_ >= best_dual_ - rounding) return error_ = now;
  }
  if (begun()) {
    if (!in_range) Kokkos::deep_copy(state.exec, state.f, best_f_);
    Kokkos::deep_copy(state.exec, state.g, best_image_);
  }
  const double error = error_;
  forget();
  return error;
}

template <class Exec>
void Anderson<Exec>::extrapolate(SinkhornState<Exec>& state) {
  if (!(error_ < INFINITY)) return;  // the last iterate was given up
  const Vec g = state.g, residual = residual_, image = image_;
  const auto residual_changes = residual_changes_, image_changes = image_changes_;
  const auto log_ratio = state.target_log_ratio;
  const double epsilon = state.kernel->epsilon();
  const std::size_t slot = next_;
  const bool first = !begun();  // whose residual is no change yet
  Kokkos::parallel_for(
      "fortet::anderson::remember", Kokkos::RangePolicy<Exec>(state.vectors, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) {
        const double r = -epsilon * log_ratio(j), to = g(j) + r;
        residual_changes(slot, j) = r - residual(j);
        image_changes(slot, j) = to - image(j);
        residual(j) = r;
        image(j) = g(j) = to;
      });
  if (dual_ >= best_dual_) {
    best_dual_ = dual_;
    Kokkos::deep_copy(state.exec, best_f_, state.f);
    Kokkos::deep_copy(state.exec, best_image_, image_);
  }
  if (first) return;
  held_ = std::max(held_, slot + 1);
  next_ = (slot + 1) % depth;
  const Products row = products(state, Kokkos::subview(residual_changes_, slot, Kokkos::ALL));
  for (std::size_t k = 0; k < held_; ++k) gram_(slot, k) = gram_(k, slot) = row[k];
  const Products right = products(state, residual_);
  move(state, least_squares(gram_, std::span(right).first(held_)));
}

/// g -= sum_k shares_k image_changes_k, at most epsilon for any atom.
template <class Exec>
void Anderson<Exec>::move(SinkhornState<Exec>& state, const algebra::Column& shares) {
  Kokkos::Array<double, depth> gamma{};
  for (std::size_t k = 0; k < held_; ++k) gamma[k] = shares(k, 0);
  const std::size_t held = held_;
  const Vec g = state.g, step = step_, weights = state.target_masses;
  const auto image_changes = image_changes_;
  double longest = 0;
  Kokkos::parallel_reduce(
      "fortet::anderson::combine", Kokkos::RangePolicy<Exec>(state.vectors, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j, double& most) {
        double sum = 0;
        for (std::size_t k = 0; k < held; ++k) sum += gamma[k] * image_changes(k, j);
        step(j) = sum;
        if (weights(j) > 0) most = Kokkos::fmax(most, Kokkos::fabs(sum));
      },
      Kokkos::Max<double>(longest));
  const double share = std::min(1.0, state.kernel->epsilon() / longest);
  Kokkos::parallel_for(
      "fortet::anderson::move", Kokkos::RangePolicy<Exec>(state.vectors, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { g(j) -= share * step(j); });
}

#define FORTET_INSTANTIATE(Exec) template class Anderson<Exec>;
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
