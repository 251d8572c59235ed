// How a solve begins: atoms in space order, the levels of epsilon, the first of them on merged atoms. The
// iteration itself is in sinkhorn_run.cpp.
#include "fortet/solver/sinkhorn.hpp"

#include <cmath>
#include <sstream>

#include "fortet/impl/discrete_plan.hpp"
#include "instantiate.hpp"
#include "solver/relaxation.hpp"
#include "solver/sinkhorn_run.hpp"

namespace fortet {

void SinkhornOptions::validate() const {
  constexpr const char* where = "fortet::SinkhornOptions";
  const auto inside = [&](bool ok, const char* name, auto value, const char* allowed) {
    detail::require(ok, where, name, value, allowed);
  };
  inside(std::isfinite(tolerance) && tolerance > 0, "tolerance", tolerance, "expected a finite number > 0");
  inside(max_iterations >= 1, "max_iterations", max_iterations, "expected at least 1");
  inside(largest_relaxation >= 1 && largest_relaxation < 2, "largest_relaxation", largest_relaxation,
         "expected a number in [1, 2)");
  inside(annealing.factor > 0 && annealing.factor < 1, "annealing.factor", annealing.factor,
         "expected a number in (0, 1)");
  inside(annealing.tolerance > 0, "annealing.tolerance", annealing.tolerance, "expected a number > 0");
  inside(annealing.threshold >= 0, "annealing.threshold", annealing.threshold, "expected a number >= 0");
  inside(check_every >= 1, "check_every", check_every, "expected at least 1");
}

namespace impl {

void require_equal_mass(double source, double target) {
  if (std::abs(source - target) <= 1e-6 * std::max(source, target)) return;
  std::ostringstream text;
  text.precision(10);
  text << "fortet::Sinkhorn::solve: the source has mass " << source << " and the target " << target
       << "; balanced transport needs equal masses (PointCloud::normalised() makes them one)";
  throw InvalidArgument(text.str());
}

namespace {

/// out_order(k) = values_k.
template <class Exec, class Memory = typename Exec::memory_space>
Vector<double, Memory> scattered(const Exec& exec, const Vector<double, Memory>& values,
                                 const Vector<int, Memory>& order) {
  const Vector<double, Memory> out("fortet::sinkhorn::scattered", values.extent(0));
  Kokkos::parallel_for(
      "fortet::sinkhorn::scatter", Kokkos::RangePolicy<Exec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t k) { out(static_cast<std::size_t>(order(k))) = values(k); });
  return out;
}

/// Atoms in a run that is merged for the first levels, and the pairs from which on that is worth it.
constexpr std::size_t coarse_run = 8, pairs_worth_merging = 1'000'000;
/// Merged atoms look the same down to this epsilon, over the cost of moving them there (between .5 and 2
/// times seconds hardly change).
constexpr double coarse_levels_from = 1;

/// Anneals on runs of merged atoms as long as epsilon is so large that they look the same, then on the atoms
/// (Merigot 2011; Schmitzer 2019, section 3.3).
template <class Exec>
SinkhornResult<Exec> anneal(const Exec& exec, const std::shared_ptr<const HalfBridgeKernel<Exec>>& kernel,
                            const SinkhornOptions& options, Clock::time_point begin,
                            ConstVector<double, typename Exec::memory_space> start) {
  std::vector<double> levels{kernel->epsilon()};
  if (options.annealing.enabled && start.extent(0) == 0)
    levels = solver::annealing_levels(kernel->epsilon(), kernel->mean_cost(exec), kernel->largest_cost(exec),
                                      options.annealing.factor, options.annealing.threshold);
  std::size_t first = 0;
  std::vector<HistoryEntry> merged;
  const std::size_t m = kernel->size(Side::target);
  if (options.annealing.merge && levels.size() > 1 && kernel->size(Side::source) * m >= pairs_worth_merging)
    if (const auto coarse = kernel->merged(exec, coarse_run, coarse_run)) {
      // half the mean squared distance of an atom from where it was merged to
      const double lost = kernel->mean_cost(exec) - coarse->mean_cost(exec);
      while (first < levels.size() && levels[first] >= coarse_levels_from * lost) ++first;
      if (first > 0) {
        SinkhornOptions rough = options;
        rough.tolerance = options.annealing.tolerance;
        rough.certify = false;
        const double epsilon = levels[first - 1];
        auto result = anneal<Exec>(exec, coarse->with_epsilon(exec, epsilon), rough, begin, {});
        merged = std::move(result.report.history);
        const Vector<double, typename Exec::memory_space> g("fortet::sinkhorn::prolonged", m);
        kernel->merged(exec, coarse_run, 1)
            ->with_epsilon(exec, epsilon)
            ->soft_min(exec, Side::target, result.f, g);
        start = g;
        first = std::min(first, levels.size() - 1);
      }
    }
  auto result = run_sinkhorn(exec, kernel, options, begin, start, levels, first);
  // no full iterations, so they do not count
  for (HistoryEntry& entry : merged) {
    entry.iteration = 0;
    entry.method = "merged atoms";
  }
  auto& history = result.report.history;
  history.insert(history.begin(), merged.begin(), merged.end());
  return result;
}

}  // namespace

template <class Exec>
SinkhornResult<Exec> sinkhorn(const Exec& exec, std::shared_ptr<const HalfBridgeKernel<Exec>> kernel,
                              const SinkhornOptions& options,
                              ConstVector<double, typename Exec::memory_space> start) {
  using Memory = typename Exec::memory_space;
  const Clock::time_point begin = Clock::now();
  Vector<int, Memory> source, target;
  const auto ordered = kernel->in_space_order(exec, source, target);
  if (!ordered) return anneal(exec, kernel, options, begin, start);
  if (start.extent(0) == target.extent(0)) {
    const Vector<double, Memory> in_order("fortet::sinkhorn::start_in_order", start.extent(0));
    gather<Exec>(exec, start, target, in_order);
    start = in_order;
  }
  SinkhornResult<Exec> result = anneal(exec, ordered, options, begin, start);
  result.f = scattered(exec, result.f, source);
  result.g = scattered(exec, result.g, target);
  return result;
}

#define FORTET_INSTANTIATE(Exec)                                                                     \
  template SinkhornResult<Exec> sinkhorn(const Exec&, std::shared_ptr<const HalfBridgeKernel<Exec>>, \
                                         const SinkhornOptions&, ConstVector<double, Exec::memory_space>);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace impl
}  // namespace fortet
