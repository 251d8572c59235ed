// Every solver models the concept that generic code asks for.
#include <boost/test/unit_test.hpp>

#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "support/views.hpp"

using namespace fortet;

namespace {

template <class Measure, class Reference>
using Pair = Problem<Measure, Measure, Reference>;

using Clouds = Pair<PointCloud<double>, Brownian>;
static_assert(Solver<Sinkhorn<double>, Clouds>);
static_assert(Solver<Sinkhorn<double>, Pair<PointCloud<double>, OrnsteinUhlenbeck>>);
static_assert(Solver<Sinkhorn<double>, Pair<PointCloud<double>, GibbsCost<CostMatrix<double>>>>);
static_assert(Solver<Sinkhorn<float>, Pair<PointCloud<float>, Brownian>>);
static_assert(Solver<GridIpf<double>, Pair<GridMeasure, Brownian>>);
static_assert(Solver<GridIpf<float>, Pair<GridMeasure, OrnsteinUhlenbeck>>);
static_assert(Solver<Dsb<float>, Pair<Gaussian, Brownian>>);
static_assert(Solver<Dsbm<float>, Pair<Gaussian, OrnsteinUhlenbeck>>);

struct NoReport {
  using execution_space = DefaultExec;
  struct Answer {
    DiscreteCoupling<double, DefaultExec, Brownian> coupling;
    int report;
  };
  Answer solve(const DefaultExec&, const Clouds&) const;
};
static_assert(!Solver<NoReport, Clouds> && !Solver<Sinkhorn<double>, int> && !Solver<int, Clouds>);

template <class P, Solver<P> S>
Report solve(const S& solver, const P& problem) {
  return solver.solve(test::exec(), problem).report;
}

}  // namespace

BOOST_AUTO_TEST_CASE(generic_code_can_ask_for_a_solver) {
  const PointCloud<double> atoms(test::points({0, 1, 2}, 1));
  BOOST_TEST(solve(Sinkhorn<double>(), Problem{atoms, atoms, Brownian{}}).converged());
}
