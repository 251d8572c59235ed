#pragma once
// A first potential for the grid solver from coarser grids.
#include <string>
#include <vector>

#include "fortet/solver/grid_ipf.hpp"

namespace fortet::solver {

/// Solves one after the other, told as one: iterations, seconds, history and progress go on counting.
class SolveSequence {
 public:
  explicit SolveSequence(SinkhornOptions options) : options_(std::move(options)) {}
  SolveSequence(const SolveSequence&) = delete;  // observers it hands out refer to it
  SolveSequence& operator=(const SolveSequence&) = delete;

  /// For the next solve; `phase` replaces its own names of phases unless empty.
  SinkhornOptions next(const std::string& phase = {});
  /// Adds the solve that ended with this report, and changes the report to tell of all so far.
  void add(Report& report, const std::string& phase = {});
  /// Cancelled, or no iterations are left.
  bool over() const { return cancelled_ || iterations_ >= options_.max_iterations; }
  int iterations() const { return iterations_; }

 private:
  SinkhornOptions options_;
  int iterations_ = 0;
  double seconds_ = 0;
  bool cancelled_ = false;
  std::vector<HistoryEntry> history_;
};

/// Nested iteration (Brandt 1977): the problem on grids with half the nodes on every axis, then a quarter,
/// ..., down to about `coarsest_nodes` an axis, each at the smallest epsilon its spacing resolves and begun
/// from the one before it. Between grids the potential is continued by its own formula,
///   g(y) = -epsilon log sum_i mu_i exp((f_i - c(x_i, y)) / epsilon),
/// which does not interpolate. Returns the target potential at the target's nodes; empty where the grid does
/// not resolve the kernel or cannot be halved.
template <class Real>
ConstVector<double> start_on_coarser_grids(const DefaultExec& exec, const GridMeasure& source,
                                           const GridMeasure& target, const impl::GridGeometry& geometry,
                                           const AnnealingOptions& annealing, int coarsest_nodes,
                                           SolveSequence& solves);

}  // namespace fortet::solver
