#pragma once
// What `fortet compare` found, and its report on disk. No Kokkos here: JSON, HTML and the plotting program.
#include <filesystem>
#include <string>
#include <vector>

#include "fortet/compare/comparison.hpp"
#include "fortet/io/array.hpp"
#include "fortet/report.hpp"

namespace fortet::program {

/// A solver's answer, with the samples the plots show.
struct SolverResult {
  std::string name, what;  ///< what it is, in a line
  std::optional<Report> report;
  Array pairs;      ///< n x 2d
  Array paths;      ///< n x times x d; empty where the solver has none
  Array marginals;  ///< times x n x d; empty likewise
};

/// Sinkhorn's error against the number of atoms.
struct SizeResult {
  std::size_t atoms = 0;
  double seconds = 0;
  Comparison comparison;
};

struct ProblemResult {
  std::string name, title, what;
  int dimension = 0;
  double epsilon = 0, sigma = 0, horizon = 0;
  std::vector<double> path_times = {}, marginal_times = {};
  std::vector<SolverResult> solvers = {};  ///< the last is the truth
  std::vector<Comparison> comparisons = {};
  std::vector<SizeResult> sizes = {};
};

struct CompareResult {
  std::vector<ProblemResult> problems;
  std::size_t pairs = 0;
  unsigned long long seed = 0;
  double seconds = 0;
};

/// The figures of all problems as one JSON document (docs/compare.md).
std::string to_json(const CompareResult& result);

/// Writes DIR/report.json, DIR/data/*.npy, DIR/index.html with the plots in it, and returns the page's path.
/// Throws BackendError when files cannot be written; without a plotting Python the page says so.
std::filesystem::path write_report(const std::filesystem::path& folder, const CompareResult& result);

}  // namespace fortet::program
