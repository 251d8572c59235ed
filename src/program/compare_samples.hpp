#pragma once
// What `fortet compare` draws from its solvers for the plots.
#include "program/compare_report.hpp"
#include "program/compare_solvers.hpp"

namespace fortet::program {

/// Pairs, paths at the times of `problem`, and the marginals at its marginal times.
SolverResult plotted_samples(const Solved& solver, const ProblemResult& problem, RandomKey key);

}  // namespace fortet::program
