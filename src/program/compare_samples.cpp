#include "program/compare_samples.hpp"

#include "fortet/io/points.hpp"

namespace fortet::program {

constexpr std::size_t shown_pairs = 300, shown_paths = 25, shown_draws = 4000;

void widen(const DefaultExec& exec, const Paths<float, DefaultMemory>& from, const ComparedPaths& to) {
  Kokkos::deep_copy(exec, to, from);
}

SolverResult plotted_samples(const Solved& solver, const ProblemResult& problem, RandomKey key) {
  SolverResult result{solver.name, solver.what, solver.report, {}, {}, {}};
  const auto d = static_cast<std::size_t>(problem.dimension);
  const Points<double> pairs("fortet::compare::shown", shown_pairs, 2 * d);
  solver.side.sample(key.child(0), Kokkos::subview(pairs, Kokkos::ALL, std::make_pair(std::size_t{0}, d)),
                     Kokkos::subview(pairs, Kokkos::ALL, std::make_pair(d, 2 * d)));
  result.pairs = to_array(pairs);
  if (!solver.sample_paths) return result;
  const ComparedPaths paths("fortet::compare::shown", shown_paths, d, problem.path_times.size());
  solver.sample_paths(key.child(1), problem.path_times, paths);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, paths);
  std::vector<double> values;
  for (std::size_t i = 0; i < shown_paths; ++i)
    for (std::size_t k = 0; k < host.extent(2); ++k)
      for (std::size_t c = 0; c < d; ++c) values.push_back(host(i, c, k));
  result.paths = {{shown_paths, host.extent(2), d}, std::move(values)};
  std::vector<double> draws;
  for (std::size_t k = 0; k < problem.marginal_times.size(); ++k) {
    const Points<double> x("fortet::compare::shown", shown_draws, d);
    solver.side.sample_marginal(key.child(2 + k), problem.marginal_times[k], x);
    const auto rows = to_host(x);
    draws.insert(draws.end(), rows.begin(), rows.end());
  }
  result.marginals = {{problem.marginal_times.size(), shown_draws, d}, std::move(draws)};
  return result;
}

}  // namespace fortet::program
