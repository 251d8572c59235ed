#include "solver/anderson.hpp"

#include <algorithm>
#include <cmath>

namespace fortet::impl {
namespace {

constexpr std::size_t chunk_size = 512;

/// A small share of the mean diagonal keeps the least squares solvable when changes are nearly dependent.
algebra::Column least_squares(const Matrix& gram, const std::vector<double>& right) {
  const std::size_t k = right.size();
  Matrix a(k, k);
  algebra::Column b(k, 1);
  for (std::size_t i = 0; i < k; ++i) {
    const double scale = std::sqrt(gram(i, i));
    if (!(scale > 0)) return algebra::Column(k, 1);
    b(i, 0) = right[i] / scale;
    for (std::size_t j = 0; j < k; ++j) a(i, j) = gram(i, j) / scale / std::sqrt(gram(j, j));
    a(i, i) += 1e-12;
  }
  algebra::Column solved = algebra::solve_semidefinite(a, b);
  for (std::size_t i = 0; i < k; ++i) solved(i, 0) /= std::sqrt(gram(i, i));
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
  begun_ = false;
  best_dual_ = -INFINITY;
  error_ = INFINITY;
}

/// In L2(target), of every residual change with `vector`, in fixed chunks.
template <class Exec>
std::vector<double> Anderson<Exec>::products(const SinkhornState<Exec>& state, const Vec& vector) const {
  const std::size_t m = vector.extent(0), chunks = (m + chunk_size - 1) / chunk_size, held = held_;
  const Points<double, typename Exec::memory_space> partial(
      Kokkos::view_alloc(state.vectors, Kokkos::WithoutInitializing, "fortet::anderson::partial"), chunks,
      depth);
  const auto changes = residual_changes_;
  const auto weights = state.target_masses;
  Kokkos::parallel_for(
      "fortet::anderson::products", Kokkos::RangePolicy<Exec>(state.vectors, 0, chunks),
      KOKKOS_LAMBDA(const std::size_t c) {
        for (std::size_t k = 0; k < held; ++k) {
          double sum = 0;
          for (std::size_t j = c * chunk_size; j < m && j < (c + 1) * chunk_size; ++j)
            sum += weights(j) * changes(k, j) * vector(j);
          partial(c, k) = sum;
        }
      });
  state.vectors.fence("fortet::anderson::products");
  const auto values = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, partial);
  std::vector<double> sums(held, 0.0);
  for (std::size_t c = 0; c < chunks; ++c)
    for (std::size_t k = 0; k < held; ++k) sums[k] += values(c, k);
  return sums;
}

template <class Exec>
double Anderson<Exec>::measure(SinkhornState<Exec>& state) {
  const auto [rows, columns] = state.measure_both(1.0);
  ++state.iteration;
  if (rows.in_range && columns.in_range) {
    state.update(Side::source, 1.0);
    dual_ = state.integral(Side::source) + state.integral(Side::target);  // at exact rows the mass is one
    const double rounding = state.kernel->epsilon() * state.kernel->noise();
    if (dual_ >= best_dual_ - rounding) return error_ = columns.error;
  }
  if (begun_) {
    if (!(rows.in_range && columns.in_range)) Kokkos::deep_copy(state.exec, state.f, best_f_);
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
  if (!begun_) {  // the first residual is no change yet
    begun_ = true;
    return;
  }
  held_ = std::max(held_, slot + 1);
  next_ = (slot + 1) % depth;
  const auto row = products(state, Kokkos::subview(residual_changes_, slot, Kokkos::ALL));
  for (std::size_t k = 0; k < held_; ++k) gram_(slot, k) = gram_(k, slot) = row[k];
  move(state, least_squares(gram_, products(state, residual_)));
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

template class Anderson<HostExec>;
#if defined(KOKKOS_ENABLE_CUDA)
template class Anderson<Kokkos::Cuda>;
#endif

}  // namespace fortet::impl
