// compare() against closed forms of two scalar Gaussian bridges, and against itself.
#include "fortet/compare/compare.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "support/clouds.hpp"
#include "support/isotropic_bridge.hpp"

using namespace fortet;
using namespace fortet::test;
static_assert(Bridge<IsotropicBridge<double>> && Bridge<IsotropicBridge<float>>);

namespace {

/// Knows nothing but its pairs.
struct PairsOnly {
  using scalar_type = double;
  using memory_space = Kokkos::HostSpace;
  using execution_space = HostExec;
  IsotropicBridge<double> bridge;
  int source_dimension() const { return bridge.dimension; }
  int target_dimension() const { return bridge.dimension; }
  void sample(const HostExec& exec, RandomKey key, IsotropicBridge<double>::Out x0,
              IsotropicBridge<double>::Out x1) const {
    bridge.sample(exec, key, x0, x1);
  }
};

/// A bridge whose source is a measure with a density.
struct WithSource : IsotropicBridge<double> {
  struct Source {
    using scalar_type = double;
    using memory_space = Kokkos::HostSpace;
    using execution_space = HostExec;
    static constexpr bool normalised = true;
    double mean, deviation;
    int d;
    int dimension() const { return d; }
    void log_density(const HostExec&, IsotropicBridge<double>::In x,
                     Vector<double, Kokkos::HostSpace> out) const {
      for (std::size_t i = 0; i < out.extent(0); ++i) {
        out(i) = 0;
        for (std::size_t k = 0; k < x.extent(1); ++k)
          out(i) -= std::pow((x(i, k) - mean) / deviation, 2) / 2 +
                    std::log(deviation * std::sqrt(2 * std::acos(-1.0)));
      }
    }
  };
  Source source() const { return {m0, s0, dimension}; }
};

const IsotropicBridge<double> model{.dimension = 2, .m0 = 0.1, .s0 = 1.1, .m1 = 1.8, .s1 = 0.8};
const IsotropicBridge<double> truth{.dimension = 2, .m0 = 0.0, .s0 = 1.0, .m1 = 2.0, .s1 = 0.7};
/// Small, so that the test takes a second.
const CompareOptions small{.pairs = 2000,
                           .seed = 5,
                           .pairwise_points = 500,
                           .transport_points = 200,
                           .conditional_points = 64,
                           .conditional_samples = 250,
                           .times = 3,
                           .path_until = 1.0,
                           .floor_draws = 6};

const Estimate& figure(const Comparison& comparison, std::string_view metric, std::string_view law) {
  const ComparisonRow* row = comparison.find(metric, law);
  BOOST_TEST_REQUIRE(row, "no row " << metric << " of " << law);
  return row->estimate;
}

/// The figure is within five of its standard errors of the truth.
void check_near(const Comparison& comparison, std::string_view metric, std::string_view law, double expected,
                double bias = 0) {
  const Estimate& estimate = figure(comparison, metric, law);
  BOOST_TEST_CONTEXT(metric << " of " << law << ": " << estimate.value << " +- " << estimate.standard_error
                            << ", expected " << expected)
  BOOST_TEST(std::abs(estimate.value - expected) < 5 * estimate.standard_error + bias);
}

double kl_of_gaussians(double mean, double variance, double other_mean, double other_variance) {
  return (variance / other_variance - 1 - std::log(variance / other_variance) +
          (mean - other_mean) * (mean - other_mean) / other_variance) /
         2;
}

}  // namespace

BOOST_AUTO_TEST_CASE(figures_of_two_gaussian_bridges_are_their_closed_forms) {
  const WithSource a{model}, b{truth};
  const Comparison c = compare(HostExec(), a, b, small);
  const double d = 2, K = model.K(), L = truth.K();
  check_near(c, "mean error", "source", 0.1 * std::sqrt(d));
  check_near(c, "mean error", "target", 0.2 * std::sqrt(d));
  // covariances s^2 I: the relative error is |s^2 - s'^2| / s'^2. The norm of noise of 3 entries adds a bias
  // of at most the floor.
  check_near(c, "covariance error", "source", 21, *figure(c, "covariance error", "source").floor);
  check_near(c, "BW2-UVP", "target", 100 * (0.04 + 0.01) / 0.49, *figure(c, "BW2-UVP", "target").floor);
  // sliced W2 of isotropic Gaussians: (u.(m - m'))^2 + (s - s')^2 averaged over 64 directions, whose mean of
  // (u.(m - m'))^2 has relative deviation sqrt(1/2) / sqrt(64)
  const double mean_part = 0.04;
  check_near(
      c, "sliced W2", "target", std::sqrt(mean_part + 0.01),
      5 * mean_part * std::sqrt(0.5 / 64) / (2 * std::sqrt(0.05)) + *figure(c, "sliced W2", "target").floor);
  // E |m_a(X) - m_b(X)|^2 with X ~ N(0, I) of the truth
  const double offset = (1.8 - K * 0.1) - 2.0, square = d * (offset * offset + (K - L) * (K - L));
  check_near(c, "map error", "E[X1|X0]", std::sqrt(square));
  // tr Cov X1 is itself measured, to sqrt(2 / (d pairs))
  check_near(c, "map L2-UVP", "E[X1|X0]", 100 * square / (d * 0.49),
             5 * 100 * square / (d * 0.49) * std::sqrt(2.0 / (d * 2000)));
  // conditional laws N(m(x), eps K I): means exact, so only the roots of the sampled variances carry a bias,
  // which the floor bounds
  const double spread = std::sqrt(model.conditional_variance()) - std::sqrt(truth.conditional_variance());
  check_near(c, "cBW2-UVP", "X1|X0", 100 * (square + d * spread * spread) / (d * 0.49),
             *figure(c, "cBW2-UVP", "X1|X0").floor);
  check_near(c, "KL", "X0", d * kl_of_gaussians(0.1, 1.21, 0, 1));
  // both are mixtures of the same pinned Brownian motions: KL of paths = KL of pairs
  //   = KL of X0 + E_a KL(pi_a(. | X0) | pi_b(. | X0))
  const double v = model.conditional_variance(), w = truth.conditional_variance();
  const double shift = offset + (K - L) * 0.1;  // of the conditional means at E_a X0, then their slope
  const double conditional = kl_of_gaussians(0, v, 0, w) + (shift * shift + (K - L) * (K - L) * 1.21) / w / 2;
  // the midpoint rule on 64 intervals of this smooth integrand errs by about 1e-4 of it
  check_near(c, "path KL", "paths to t = 1", d * (kl_of_gaussians(0.1, 1.21, 0, 1) + conditional), 1e-4);
  BOOST_TEST(c.marginals.size() == 5u);
  for (const MarginalError& m : c.marginals) {
    const double variance = truth.marginal_variance(m.time);
    const double bw = std::pow(model.marginal_mean(m.time) - truth.marginal_mean(m.time), 2) / 2 +
                      std::pow(std::sqrt(model.marginal_variance(m.time)) - std::sqrt(variance), 2) / 2;
    BOOST_TEST_CONTEXT("t = " << m.time << ": " << m.bw2_uvp.value << " +- " << m.bw2_uvp.standard_error)
    BOOST_TEST(std::abs(m.bw2_uvp.value - 100 * bw / (variance / 2)) <
               5 * m.bw2_uvp.standard_error + *m.bw2_uvp.floor);
  }
}

BOOST_AUTO_TEST_CASE(a_bridge_against_itself_scores_its_floor) {
  const Comparison c = compare(HostExec(), truth, truth, small);
  int floors = 0;
  for (const ComparisonRow& row : c.rows) {
    const Estimate& e = row.estimate;
    BOOST_TEST_CONTEXT(row.metric << " of " << row.law << ": " << e.value << ", floor "
                                  << e.floor.value_or(0)) {
      if (!e.floor) {
        BOOST_TEST(e.value == 0.0);  // deterministic functions of equal arguments
        continue;
      }
      ++floors;
      // one more draw of what the floor is the mean of; the deviation of single draws is known from six only,
      // whose t distribution (5 degrees of freedom) leaves 7 deviations with probability 1e-3
      const double deviation = e.floor_standard_error * std::sqrt(6.0);
      BOOST_TEST(std::abs(e.value - *e.floor) < 7 * deviation);
      BOOST_TEST(e.floor_draws == 6);
    }
  }
  BOOST_TEST(floors == 22);  // 7 metrics of 3 laws, and cBW2-UVP
  for (const MarginalError& m : c.marginals)
    BOOST_TEST(std::abs(m.sliced_w2.value - *m.sliced_w2.floor) <
               7 * std::sqrt(6.0) * m.sliced_w2.floor_standard_error);
  BOOST_TEST(c.not_available.size() == 1u);  // KL of X0: no source density here
}

BOOST_AUTO_TEST_CASE(precisions_may_differ) {
  const IsotropicBridge<float> model_in_float{.dimension = 2, .m0 = 0.1, .s0 = 1.1, .m1 = 1.8, .s1 = 0.8};
  const Comparison in_double = compare(HostExec(), model, truth, small);
  const Comparison mixed = compare(HostExec(), model_in_float, truth, small);
  BOOST_TEST(mixed.rows.size() == in_double.rows.size());
  for (std::size_t k = 0; k < mixed.rows.size(); ++k)
    // the same draws rounded to 24 bits; differences of log densities near zero lose most digits
    BOOST_TEST(std::abs(mixed.rows[k].estimate.value - in_double.rows[k].estimate.value) <
               1e-4 * (1 + in_double.rows[k].estimate.value));
}

BOOST_AUTO_TEST_CASE(equal_seeds_give_equal_figures) {
  const std::string first = to_json(compare(HostExec(), model, truth, small));
  const std::string second = to_json(compare(HostExec(), model, truth, small));
  const auto without_time = [](const std::string& text) { return text.substr(text.find("\"rows\"")); };
  BOOST_TEST(without_time(first) == without_time(second));
  CompareOptions other = small;
  other.seed = 6;
  BOOST_TEST(without_time(to_json(compare(HostExec(), model, truth, other))) != without_time(first));
}

BOOST_AUTO_TEST_CASE(what_a_side_does_not_offer_is_said) {
  const Comparison c = compare(HostExec(), PairsOnly{model}, truth, small);
  BOOST_TEST(c.find("W2", "pairs"));
  BOOST_TEST(!c.find("map error", "E[X1|X0]"));
  BOOST_TEST(c.marginals.empty());
  BOOST_TEST(c.not_available.size() == 5u);
  BOOST_TEST(c.not_available.front() == "map error: the first side does not offer E[X1 | X0]");
  IsotropicBridge<double> slower = truth, noisier = truth;
  slower.process.horizon = 2;
  noisier.process.sigma = 2;
  BOOST_TEST(compare(HostExec(), slower, truth, small).not_available.front() ==
             "marginals over time: the two sides have different horizons");
  const Comparison sigmas = compare(HostExec(), noisier, truth, small);
  BOOST_TEST(!sigmas.marginals.empty());
  BOOST_TEST(sigmas.not_available.front() == "path KL: the two sides have different sigma");
}

BOOST_AUTO_TEST_CASE(table_and_json_show_every_row) {
  Comparison c = compare(HostExec(), PairsOnly{model}, truth, small);
  c.first = "sinkhorn";
  std::ostringstream table;
  table << c;
  const std::string text = table.str(), json = to_json(c);
  BOOST_TEST(text.find("sinkhorn against B (the truth), 2000 pairs, seed 5") != std::string::npos);
  for (const ComparisonRow& row : c.rows) {
    BOOST_TEST(text.find(row.metric) != std::string::npos);
    BOOST_TEST(json.find("\"metric\": \"" + row.metric) != std::string::npos);
  }
  BOOST_TEST(text.find("not available: path KL") != std::string::npos);
  BOOST_TEST(json.find("nan") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(bad_arguments_are_named) {
  IsotropicBridge<double> plane = truth;
  plane.dimension = 3;
  BOOST_TEST(message([&] {
               compare(HostExec(), plane, truth);
             }).find("source dimension of the second side") != std::string::npos);
  const auto with = [](CompareOptions options) {
    return message([&] { compare(HostExec(), truth, truth, options); });
  };
  BOOST_TEST(with({.pairs = 3}).find("pairs = 3") != std::string::npos);
  BOOST_TEST(with({.path_until = 1.5}).find("path_until = 1.5") != std::string::npos);
  BOOST_TEST(with({.floor_draws = -1}).find("floor_draws = -1") != std::string::npos);
  IsotropicBridge<double> broken = truth;
  broken.m1 = std::nan("");
  BOOST_TEST(message([&] { compare(HostExec(), broken, truth, small); }).find("not finite") !=
             std::string::npos);
}
