// Sinkhorn given a Gaussian where it needs atoms.
#include "fortet/measure/gaussian.hpp"
#include "fortet/solver/sinkhorn.hpp"

#ifdef FORTET_BREAK_CONTRACT
using Source = fortet::Gaussian;
#else
using Source = fortet::PointCloud<double>;
#endif
void solve(const fortet::DefaultExec& exec, const Source& source, const fortet::PointCloud<double>& target) {
  fortet::Sinkhorn<double>().solve(exec, fortet::Problem{source, target, fortet::Brownian{}});
}
