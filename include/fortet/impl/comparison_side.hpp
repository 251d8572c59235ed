#pragma once
// One side of a comparison: a coupling reduced to functions on double arrays in the memory of the execution
// space, empty where the coupling does not offer them.
#include <functional>

#include "fortet/compare/comparison.hpp"
#include "fortet/concepts.hpp"

namespace fortet {

struct CompareOptions;

namespace impl {

template <class Memory>
struct ComparisonSide {
  using Out = Points<double, Memory>;
  using In = ConstPoints<double, Memory>;
  using Values = Vector<double, Memory>;

  int source_dimension = 0, target_dimension = 0;
  std::function<void(RandomKey, Out x0, Out x1)> sample;
  std::function<void(RandomKey, In x0, Out x1)> sample_conditional;
  std::function<void(In x0, Out mean)> conditional_mean;
  std::function<void(In x0, In x1, Values)> log_density_ratio;
  std::function<void(In x0, Values)> source_log_density;
  // of a Bridge
  double sigma = 0, horizon = 0;
  std::function<void(double t, In x, Out)> forward_drift;
  std::function<void(RandomKey, double t, Out)> sample_marginal;
};

/// `exec` where it is of the wanted type, else that space's default instance.
template <class Wanted, class Exec>
Wanted execution_space_like(const Exec& exec) {
  if constexpr (std::is_same_v<Wanted, Exec>)
    return exec;
  else
    return Wanted();
}

/// to = from, in the precision of `to`: a plain kernel, because Kokkos::deep_copy between precisions takes
/// seconds to compile.
template <class Exec, class To, class From>
void convert(const Exec& exec, const To& to, const From& from) {
  static_assert(Kokkos::SpaceAccessibility<Exec, typename To::memory_space>::accessible &&
                Kokkos::SpaceAccessibility<Exec, typename From::memory_space>::accessible);
  using Value = typename To::non_const_value_type;
  const std::size_t columns = from.extent(1);  // 1 where the rank is 1
  Kokkos::parallel_for(
      "fortet::compare::convert", Kokkos::RangePolicy<Exec>(exec, 0, from.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < columns; ++k) to.access(i, k) = static_cast<Value>(from.access(i, k));
      });
}

/// The View itself where it has the wanted type, else a converted copy (`copied`) or an array to be written.
template <class Wanted, class Exec, class View>
Wanted like(const Exec& exec, const View& view, bool copied) {
  if constexpr (std::is_convertible_v<View, Wanted>) {
    return view;
  } else {
    typename Wanted::non_const_type copy;
    const auto label = Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::converted");
    if constexpr (View::rank == 1)
      copy = typename Wanted::non_const_type(label, view.extent(0));
    else
      copy = typename Wanted::non_const_type(label, view.extent(0), view.extent(1));
    if (copied) convert(exec, copy, view);
    return copy;
  }
}

/// Runs `fill` on an array of the coupling's type and leaves the result in `out`.
template <class Own, class Exec, class View, class Fill>
void fill_like(const Exec& exec, const View& out, Fill fill) {
  const Own own = like<Own>(exec, out, false);
  fill(own);
  if constexpr (!std::is_convertible_v<View, Own>) convert(exec, out, own);
}

/// The functions of `c`, which must outlive them.
template <class Memory, Coupling C>
ComparisonSide<Memory> comparison_side(const typename Memory::execution_space& space, const C& c) {
  using Functions = ComparisonSide<Memory>;
  using Exec = typename C::execution_space;
  using Own = detail::Pts<C>;
  using OwnIn = detail::CPts<C>;
  using OwnValues = detail::Vec<C>;
  const Exec exec = execution_space_like<Exec>(space);
  const C* coupling = &c;
  Functions side;
  side.source_dimension = c.source_dimension();
  side.target_dimension = c.target_dimension();
  side.sample = [=](RandomKey key, typename Functions::Out x0, typename Functions::Out x1) {
    fill_like<Own>(exec, x0, [&](const Own& own0) {
      fill_like<Own>(exec, x1, [&](const Own& own1) { coupling->sample(exec, key, own0, own1); });
    });
    exec.fence("fortet::compare::sample");
  };
  if constexpr (ConditionalCoupling<C>)
    side.sample_conditional = [=](RandomKey key, typename Functions::In x0, typename Functions::Out x1) {
      fill_like<Own>(exec, x1, [&](const Own& own) {
        coupling->sample_conditional(exec, key, like<OwnIn>(exec, x0, true), own);
      });
      exec.fence("fortet::compare::sample_conditional");
    };
  if constexpr (BarycentricCoupling<C>)
    side.conditional_mean = [=](typename Functions::In x0, typename Functions::Out mean) {
      fill_like<Own>(exec, mean, [&](const Own& own) {
        coupling->conditional_mean(exec, like<OwnIn>(exec, x0, true), own);
      });
      exec.fence("fortet::compare::conditional_mean");
    };
  if constexpr (DensityCoupling<C>)
    side.log_density_ratio = [=](typename Functions::In x0, typename Functions::In x1,
                                 typename Functions::Values out) {
      fill_like<OwnValues>(exec, out, [&](const OwnValues& own) {
        coupling->log_density_ratio(exec, like<OwnIn>(exec, x0, true), like<OwnIn>(exec, x1, true), own);
      });
      exec.fence("fortet::compare::log_density_ratio");
    };
  if constexpr (requires { c.source(); }) {
    using Source = std::remove_cvref_t<decltype(c.source())>;
    if constexpr (DensityMeasure<Source>)
      if constexpr (Source::normalised)
        side.source_log_density = [=](typename Functions::In x0, typename Functions::Values out) {
          fill_like<detail::Vec<Source>>(exec, out, [&](const detail::Vec<Source>& own) {
            coupling->source().log_density(exec, like<detail::CPts<Source>>(exec, x0, true), own);
          });
          exec.fence("fortet::compare::source_log_density");
        };
  }
  if constexpr (Bridge<C>) {
    side.sigma = c.reference().sigma;
    side.horizon = c.reference().horizon;
    side.forward_drift = [=](double t, typename Functions::In x, typename Functions::Out out) {
      fill_like<Own>(exec, out, [&](const Own& own) {
        coupling->forward_drift(exec, t, like<OwnIn>(exec, x, true), own);
      });
      exec.fence("fortet::compare::forward_drift");
    };
    side.sample_marginal = [=](RandomKey key, double t, typename Functions::Out out) {
      fill_like<Own>(exec, out, [&](const Own& own) { coupling->sample_marginal(exec, key, t, own); });
      exec.fence("fortet::compare::sample_marginal");
    };
  }
  return side;
}

/// compare() on two sides; see there.
template <class Memory>
Comparison compare_sides(const typename Memory::execution_space& exec, const ComparisonSide<Memory>& a,
                         const ComparisonSide<Memory>& b, const CompareOptions& options);

}  // namespace impl
}  // namespace fortet
