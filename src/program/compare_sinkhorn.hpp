#pragma once
// The body of solve_by_sinkhorn(), compiled in a file for each precision.
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "program/compare_solvers.hpp"
#include "program/progress_bar.hpp"

namespace fortet::program {

/// The atoms of a cloud, or n draws.
template <class Real>
PointCloud<Real> atoms(const DefaultExec& exec, const ComparedMeasure& measure, std::size_t n,
                       RandomKey key) {
  if constexpr (std::is_same_v<Real, double>)
    if (const auto* cloud = std::get_if<PointCloud<double>>(&measure)) return cloud->normalised();
  return draw<Real>(exec, sampler(measure), n, key);
}

template <class Real>
Solved solve_by_sinkhorn(const Setting& setting, const std::string& name, const std::string& what) {
  const auto begin = std::chrono::steady_clock::now();
  const auto source = atoms<Real>(setting.exec, setting.source, setting.atoms, setting.key.child(0));
  const auto target = atoms<Real>(setting.exec, setting.target, setting.atoms, setting.key.child(1));
  ProgressBar bar(setting.quiet);
  const Sinkhorn<Real> solver({.observer = bar.observer()});
  return std::visit(
      [&](const auto& reference) {
        auto [coupling, report] = solver.solve(setting.exec, Problem{source, target, reference});
        return solved(setting.exec, name, what, lift(std::move(coupling)), std::move(report), begin);
      },
      setting.reference);
}

}  // namespace fortet::program
