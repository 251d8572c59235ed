// The closed forms against values computed in 300 digits by other formulas
// (tests/support/gaussian_values.py), for epsilon over 16 decades, singular and graded covariances, point
// masses and every kind of reference.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/coupling/gaussian_bridge.hpp"
#include "support/gaussian_values.hpp"
#include "support/host.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

// asked of every quantity, relative to its largest entry; what is found is 1e-15 to 1e-12
constexpr double tolerance = 1e-10;

Matrix square(const std::vector<double>& row_major, std::size_t d) {
  Matrix out(d, d);
  std::copy(row_major.begin(), row_major.end(), out.data());
  return out;
}

Matrix column(const std::vector<double>& values) {
  Matrix out(values.size(), 1);
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

double relative(double got, double expected) {
  if (got == expected) return 0;
  return std::abs(got - expected) / (expected != 0 ? std::abs(expected) : 1);
}

struct Check {
  const BridgeValues& expected;

  void matrix(const std::string& what, const Matrix& got, const std::vector<double>& values) const {
    const Matrix wanted = values.size() == got.rows() ? column(values) : square(values, got.rows());
    const double error = difference(got, wanted);
    BOOST_TEST(error < tolerance, expected.name << ": " << what << " is off by " << error);
  }
  // A drift's slope is (K - I) times something of size 1 / horizon: where K is nearly I the entries of S0 and
  // S1 themselves decide it only to a rounding error of I, so 1 / horizon counts in the scale.
  void slope(const std::string& what, const Matrix& got, const std::vector<double>& values,
             double horizon) const {
    const Matrix wanted = values.size() == got.rows() ? column(values) : square(values, got.rows());
    const double error = norm(got - wanted) / (norm(wanted) + 1 / horizon);
    BOOST_TEST(error < tolerance, expected.name << ": " << what << " is off by " << error);
  }
  void number(const std::string& what, double got, double wanted) const {
    const double error = relative(got, wanted);
    BOOST_TEST(error < tolerance, expected.name << ": " << what << " = " << got << " instead of " << wanted
                                                << ", off by " << error);
  }
};

// one row in, one row or value out
template <class Evaluate>
std::vector<double> values_at(const std::vector<double>& x, Evaluate evaluate) {
  Points<double> out("out", 1, x.size());
  evaluate(points(x, x.size()), out);
  DefaultExec().fence();
  return to_host(out);
}
template <class Evaluate>
double value_at(const std::vector<double>& x, Evaluate evaluate) {
  Vector<double> out("out", 1);
  evaluate(points(x, x.size()), out);
  DefaultExec().fence();
  return to_host(out)[0];
}

template <class Ref>
void check_static(const Check& check, const GaussianBridge<Ref>& bridge) {
  const BridgeValues& v = check.expected;
  const GaussianPlan plan = bridge.plan();
  check.matrix("D", plan.discriminant, v.discriminant);
  check.matrix("C", plan.cross_covariance, v.cross);
  check.matrix("K", plan.forward_map.slope, v.slope);
  check.matrix("K'", plan.backward_map.slope, v.back);
  check.matrix("Cov(X1|X0)", plan.forward_covariance, v.forward_covariance);
  check.number("transport cost", plan.transport_cost, v.transport_cost);
  check.number("KL(pi|mu x nu)", plan.relative_entropy, v.relative_entropy);
  check.number("entropic cost", plan.entropic_cost, v.entropic_cost);
  check.number("Sinkhorn divergence", plan.sinkhorn_divergence, v.sinkhorn_divergence);
  check.number("path entropy", plan.path_entropy, v.path_entropy);
  const DefaultExec exec;
  check.number("f", value_at(v.x, [&](auto x, auto out) { bridge.source_potential(exec, x, out); }), v.f);
  check.number("g", value_at(v.y, [&](auto y, auto out) { bridge.target_potential(exec, y, out); }), v.g);
  if (v.has_ratio)
    check.number(
        "log density ratio",
        value_at(v.near,
                 [&](auto y, auto out) { bridge.log_density_ratio(exec, points(v.x, v.x.size()), y, out); }),
        v.ratio);
}

template <class Ref>
void check_slices(const Check& check, const GaussianBridge<Ref>& bridge) {
  const DefaultExec exec;
  for (const SliceValues& s : check.expected.slices) {
    const GaussianSlice at = bridge.at(s.time);
    check.matrix("mean", column(at.mean), s.mean);
    check.matrix("covariance", at.covariance, s.covariance);
    check.slope("forward slope", at.forward_drift->slope, s.forward_slope, bridge.reference().horizon);
    check.slope("backward slope", at.backward_drift->slope, s.backward_slope, bridge.reference().horizon);
    const auto drift =
        values_at(s.point, [&](auto x, auto out) { bridge.forward_drift(exec, s.time, x, out); });
    check.slope("forward drift", column(drift), s.forward_drift, bridge.reference().horizon);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_closed_form_against_300_digits) {
  for (const BridgeValues& v : bridge_values) {
    const std::size_t d = v.m0.size();
    const Gaussian mu(v.m0, square(v.s0, d)), nu(v.m1, square(v.s1, d));
    std::visit(
        [&](const auto& reference) {
          const auto bridge = gaussian_bridge(Problem{mu, nu, reference});
          check_static({v}, bridge);
          check_slices({v}, bridge);
        },
        v.reference);
  }
}
