// A float solver given a measure in double.
#include "fortet/solver/sinkhorn.hpp"

#ifdef FORTET_BREAK_CONTRACT
using Real = double;
#else
using Real = float;
#endif
void solve(const fortet::DefaultExec& exec, const fortet::PointCloud<Real>& cloud) {
  fortet::Sinkhorn<float>().solve(exec, fortet::Problem{cloud, cloud, fortet::Brownian{}});
}
