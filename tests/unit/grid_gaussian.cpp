// Gaussians on grids at full size, against closed forms: costs, potentials, every iterate, marginals, drifts.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "support/scalar_bridge.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

/// The target potential that starts IPF from the reference started in the source: rows of the plan are then
/// Gaussians of slope one.
std::vector<double> reference_start(const GridMeasure& target, double eps) {
  auto start = to_host(target.log_density());
  for (double& v : start) v *= -eps;
  return start;
}
template <class Real, class P>
auto iterate(const P& problem, int n, const std::vector<double>& start) {
  const auto solution = GridIpf<Real>({.tolerance = 1e-300, .max_iterations = n, .largest_relaxation = 1})
                            .solve(exec(), problem, vector(start));
  BOOST_TEST(solution.report.iterations == n);
  return solution.coupling;
}

/// Means, variances and covariance of the plan exp((f + g - c) / eps) mu nu, by summing all of it.
struct Moments {
  double mean[2], variance[2], covariance;
};
template <class C>
Moments moments(const C& coupling) {
  const auto f = to_host(coupling.source_potential()), g = to_host(coupling.target_potential()),
             p = to_host(coupling.source().log_density()), q = to_host(coupling.target().log_density());
  const GridAxis from = coupling.source().grid().axis(0), to = coupling.target().grid().axis(0);
  double sum[6] = {};
  for (std::size_t i = 0; i < f.size(); ++i)
    for (std::size_t j = 0; j < g.size(); ++j) {
      const double x = from.node(static_cast<double>(i)), y = to.node(static_cast<double>(j));
      const double pi = std::exp((f[i] + g[j] - 0.5 * (x - y) * (x - y)) / coupling.epsilon() + p[i] + q[j]);
      const double terms[6] = {1, x, y, x * x, y * y, x * y};
      for (int k = 0; k < 6; ++k) sum[k] += pi * terms[k];
    }
  for (int k = 1; k < 6; ++k) sum[k] /= sum[0];
  return {{sum[1], sum[2]}, {sum[3] - sum[1] * sum[1], sum[4] - sum[2] * sum[2]}, sum[5] - sum[1] * sum[2]};
}

template <class C>
std::vector<double> means(const C& coupling, const std::vector<double>& x, std::size_t d) {
  Points<double> out("out", x.size() / d, d);
  coupling.conditional_mean(exec(), points(x, d), out);
  return to_host(out);
}

const ScalarBridge skewed{-0.7, 0.8, 0.9, 1.3, 0.6};
const ScalarBridge dsb{-0.1, 1, 0.1, 1, 1};  // N(-a, 1) to N(a, 1) of the DSB paper, a = 0.1
auto problem_on_a_line(const ScalarBridge& s) {
  const RegularGrid line{{-13, 13, 1501}};
  const auto normal = [&](double mean, double variance) {
    return grid_measure(
        line, [=](std::span<const double> x) { return -0.5 * (x[0] - mean) * (x[0] - mean) / variance; });
  };
  return Problem{normal(s.m0, s.s0), normal(s.m1, s.s1), brownian_with_epsilon(s.eps)};
}

}  // namespace

// Conventions, section 4. What double leaves: sums of 2 million terms, moments of size one from squares up to
// 13^2 that cancel.
BOOST_AUTO_TEST_CASE(every_iterate_on_a_line) {
  for (const ScalarBridge& s : {skewed, dsb}) {
    const auto problem = problem_on_a_line(s);
    const auto start = reference_start(problem.target, s.eps);
    ScalarIterate truth{s};
    for (int n = 1; n <= 7; ++n) {
      truth.advance();
      const auto coupling = iterate<double>(problem, n, start);
      const Moments m = moments(coupling);
      BOOST_TEST(std::abs(m.mean[0] - truth.source_mean()) < 1e-12);
      BOOST_TEST(std::abs(m.mean[1] - s.m1) < 1e-12);
      BOOST_TEST(std::abs(m.variance[0] - truth.source_variance()) < 1e-12);
      BOOST_TEST(std::abs(m.variance[1] - s.s1) < 1e-12);
      BOOST_TEST(std::abs(m.covariance - truth.covariance()) < 1e-12);
      const auto mean = means(coupling, {s.m0, s.m0 + 1}, 1);
      BOOST_TEST(std::abs(mean[0] - s.m1 - truth.e_f) < 1e-12);
      BOOST_TEST(std::abs(mean[1] - mean[0] - truth.A) < 1e-12);
    }
  }
  // the numbers of that section
  ScalarIterate truth{dsb};
  for (const double covariance : {1.0 / 2, 3.0 / 5, 8.0 / 13, 21.0 / 34, 55.0 / 89}) {
    truth.advance();
    BOOST_TEST(std::abs(truth.covariance() - covariance) < 1e-15);
  }
}

// Float tiles: a half-iteration is off by float's rounding of a sum, at most 1e-5 in the logarithm (see
// heat_kernel.cpp), so potentials by eps 1e-5 a half-iteration, and moments by as much for each unit of x.
BOOST_AUTO_TEST_CASE(float_iterates_on_a_line) {
  const auto problem = problem_on_a_line(skewed);
  const auto start = reference_start(problem.target, skewed.eps);
  ScalarIterate truth{skewed};
  for (int n = 1; n <= 5; ++n) {
    truth.advance();
    const Moments m = moments(iterate<float>(problem, n, start));
    const double bound = 2 * n * 1e-5;
    BOOST_TEST(std::abs(m.mean[0] - truth.source_mean()) < bound);
    BOOST_TEST(std::abs(m.variance[0] - truth.source_variance()) < 2 * bound);
    BOOST_TEST(std::abs(m.covariance - truth.covariance()) < 2 * bound);
  }
}

namespace {

/// Two correlated Gaussians in the plane that share their eigenvectors, so that the closed form is a scalar
/// bridge along each.
struct Plane {
  double c = std::cos(0.5), s = std::sin(0.5);
  ScalarBridge along[2] = {{0.3, 1.5, -0.4, 0.6, 0.5}, {-0.2, 0.5, 0.3, 1.1, 0.5}};
  RegularGrid grid{{-14, 14, 256}, {-14.5, 14, 256}};

  double coordinate(int k, double x, double y) const { return k == 0 ? c * x + s * y : -s * x + c * y; }
  GridMeasure density(bool target) const {
    return grid_measure(grid, [=, this](std::span<const double> x) {
      double sum = 0;
      for (int k = 0; k < 2; ++k) {
        const double p = coordinate(k, x[0], x[1]) - (target ? along[k].m1 : along[k].m0);
        sum -= 0.5 * p * p / (target ? along[k].s1 : along[k].s0);
      }
      return sum;
    });
  }
  auto problem() const { return Problem{density(false), density(true), brownian_with_epsilon(0.5)}; }

  /// Largest difference of vectors at points from the affine maps value_k + slope_k (p_k - centre_k) along
  /// the eigenvectors.
  double affine_error(const std::vector<double>& x, const std::vector<double>& got, const double* value,
                      const double* slope, const double* centre) const {
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); i += 2)
      for (int k = 0; k < 2; ++k)
        worst = std::max(worst, std::abs(coordinate(k, got[i], got[i + 1]) - value[k] -
                                         slope[k] * (coordinate(k, x[i], x[i + 1]) - centre[k])));
    return worst;
  }
  /// Some nodes.
  std::vector<double> places() const {
    std::vector<double> x;
    for (const double i : {100.0, 117.0, 131.0, 150.0}) {
      x.push_back(grid.axis(0).node(i));
      x.push_back(grid.axis(1).node(250 - i));
    }
    return x;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_iterate_in_the_plane) {
  const Plane plane;
  const auto problem = plane.problem();
  const auto start = reference_start(problem.target, 0.5), x = plane.places();
  ScalarIterate truth[2] = {{plane.along[0]}, {plane.along[1]}};
  for (int n = 1; n <= 4; ++n) {
    double value[2], slope[2], centre[2];
    for (int k = 0; k < 2; ++k) {
      truth[k].advance();
      value[k] = plane.along[k].m1 + truth[k].e_f;
      slope[k] = truth[k].A;
      centre[k] = plane.along[k].m0;
    }
    BOOST_TEST(plane.affine_error(x, means(iterate<double>(problem, n, start), x, 2), value, slope, centre) <
               1e-12);
    BOOST_TEST(plane.affine_error(x, means(iterate<float>(problem, n, start), x, 2), value, slope, centre) <
               2 * n * 1e-5);  // as on the line
  }
}

BOOST_AUTO_TEST_CASE(the_bridge_in_the_plane) {
  const Plane plane;
  const auto problem = plane.problem();
  const auto [coupling, report] = GridIpf<double>({.tolerance = 1e-13}).solve(exec(), problem);
  double cost = 0, transport = 0;
  for (const ScalarBridge& axis : plane.along) {
    cost += axis.cost();
    transport += axis.transport();
  }
  BOOST_TEST(std::abs(*report.entropic_cost - cost) < 1e-12 * cost);
  BOOST_TEST(std::abs(*report.dual_value - cost) < 1e-12 * cost);
  BOOST_TEST(std::abs(*report.transport_cost - transport) < 1e-12 * transport);
  // potentials, relative, where there is mass (above 1e-12 of the largest density)
  for (const bool at_target : {false, true}) {
    const GridMeasure& measure = at_target ? coupling.target() : coupling.source();
    const auto values = to_host(at_target ? coupling.target_potential() : coupling.source_potential()),
               density = to_host(measure.log_density());
    const double most = *std::max_element(density.begin(), density.end());
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (density[i] < most - 27) continue;
      double expected = 0;
      for (int k = 0; k < 2; ++k) {
        const double p = plane.coordinate(k, plane.grid.coordinate(i, 0), plane.grid.coordinate(i, 1));
        expected += at_target ? plane.along[k].g(p) : plane.along[k].f(p);
      }
      worst = std::max(worst, std::abs(values[i] - expected) / std::max(1.0, std::abs(expected)));
    }
    BOOST_TEST(worst < 1e-12);
  }
  // marginals to rounding, drifts (quadratic potentials, so the quintic is exact) to what rounding over a
  // spacing of 0.11 leaves
  const auto b = bridge(exec(), coupling);
  const auto x = plane.places();
  for (const double t : {0.25, 0.7}) {
    const auto p = b.marginal(exec(), t);
    const auto mean = p.mean(exec());
    const Matrix spread = p.covariance(exec());
    double value[2], slope[2], centre[2];
    for (int k = 0; k < 2; ++k) {
      const double u = k == 0 ? plane.c : -plane.s, v = k == 0 ? plane.s : plane.c;
      BOOST_TEST(std::abs(plane.coordinate(k, mean[0], mean[1]) - plane.along[k].mean(t)) < 1e-12);
      BOOST_TEST(std::abs(u * u * spread(0, 0) + 2 * u * v * spread(0, 1) + v * v * spread(1, 1) -
                          plane.along[k].variance(t)) < 1e-12);
      value[k] = plane.along[k].m1 - plane.along[k].m0;
      slope[k] = plane.along[k].forward_slope(t);
      centre[k] = plane.along[k].mean(t);
    }
    Points<double> out("out", x.size() / 2, 2);
    b.forward_drift(exec(), t, points(x, 2), out);
    BOOST_TEST(plane.affine_error(x, to_host(out), value, slope, centre) < 1e-9);
  }
}
