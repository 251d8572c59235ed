#pragma once
// The solvers of `fortet compare`, each in a file of its own so that none takes long to compile.
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "fortet/compare/compare.hpp"
#include "fortet/io/problem_file.hpp"
#include "fortet/measure/gaussian_mixture.hpp"
#include "fortet/measure/point_cloud.hpp"
#include "fortet/measure/sampler.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/report.hpp"

namespace fortet::program {

using ComparedMeasure = std::variant<Gaussian, GaussianMixture, PointCloud<double>>;
/// The references that every solver here takes.
using ComparedReference = std::variant<Brownian, OrnsteinUhlenbeck>;
using ComparedPaths = Kokkos::View<double***, Kokkos::LayoutLeft, DefaultMemory>;

/// What the solvers share.
struct Setting {
  DefaultExec exec;
  ComparedMeasure source, target;
  ComparedReference reference;
  std::size_t atoms = 0;
  int training = 0;  ///< gradient steps a round of the neural solvers
  RandomKey key;
  bool quiet = false;
};

/// A solved coupling behind functions that do not name its type.
struct Solved {
  std::string name, what;
  std::shared_ptr<const void> coupling;  // what the functions refer to
  impl::ComparisonSide<DefaultMemory> side = {};
  std::optional<Report> report = {};
  double seconds = 0;
  bool good = true;  ///< ended as it should
  std::function<void(RandomKey, std::span<const double>, ComparedPaths)> sample_paths = {};
};

inline double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Copies paths in single precision; here once, because Kokkos's copies take long to compile.
void widen(const DefaultExec& exec, const Paths<float, DefaultMemory>& from, const ComparedPaths& to);

template <class C>
Solved solved(const DefaultExec& exec, std::string name, std::string what, C coupling) {
  const auto owned = std::make_shared<const C>(std::move(coupling));
  Solved result{.name = std::move(name), .what = std::move(what), .coupling = owned};
  result.side = impl::comparison_side<DefaultMemory>(exec, *owned);
  const C* raw = owned.get();
  using Own = Paths<typename C::scalar_type, typename C::memory_space>;
  if constexpr (requires(Own own) { raw->sample_paths(exec, RandomKey{}, std::span<const double>(), own); })
    result.sample_paths = [exec, raw](RandomKey key, std::span<const double> times, ComparedPaths paths) {
      if constexpr (std::is_same_v<Own, ComparedPaths>) {
        raw->sample_paths(exec, key, times, paths);
      } else {
        const Own own("fortet::compare::paths", paths.extent(0), paths.extent(1), paths.extent(2));
        raw->sample_paths(exec, key, times, own);
        widen(exec, own, paths);
      }
      exec.fence("fortet::compare::paths");
    };
  return result;
}

/// The same with the report and what it took since `begin`.
template <class C>
Solved solved(const DefaultExec& exec, std::string name, std::string what, C coupling, Report report,
              std::chrono::steady_clock::time_point begin) {
  Solved result = solved(exec, std::move(name), std::move(what), std::move(coupling));
  result.good = report.converged();
  result.report = std::move(report);
  result.seconds = seconds_since(begin);
  return result;
}

inline int dimension(const ComparedMeasure& measure) {
  return std::visit([](const auto& m) { return m.dimension(); }, measure);
}

/// Measures and reference of a problem file. Throws InvalidArgument for a linear reference and for files that
/// cannot be read.
Setting compare_setting(const ProblemDescription& description);
/// Any of the measures as one type.
Sampler<double> sampler(const ComparedMeasure& measure);

/// Sinkhorn in precision Real between the atoms of the sides, drawn where a side has none, lifted to a
/// bridge.
template <class Real>
Solved solve_by_sinkhorn(const Setting& setting, const std::string& name, const std::string& what);
/// The bridge between Gaussians. Throws InvalidArgument when a side is none.
Solved solve_in_closed_form(const Setting& setting);
/// Between the densities on a grid that holds them; two dimensions at most. Throws InvalidArgument when a
/// side has no density.
Solved solve_on_grid(const Setting& setting);
bool has_grid(const Setting& setting);
/// By networks, "dsb" or "dsbm".
Solved solve_by_network(const Setting& setting, const std::string& name);

}  // namespace fortet::program
