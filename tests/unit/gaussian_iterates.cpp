#include "fortet/coupling/gaussian_iterates.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "support/gaussian_values.hpp"
#include "support/host.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

// the marginals that gaussian_values.py uses
const Gaussian mu({0.3, -1.1, 0.4}, Matrix{{1.3, 0.4, -0.2}, {0.4, 0.7, 0.1}, {-0.2, 0.1, 2.1}});
const Gaussian nu({-0.7, 0.2, 1.5}, Matrix{{0.6, -0.3, 0.2}, {-0.3, 1.9, 0.5}, {0.2, 0.5, 0.8}});
const Brownian brownian{.sigma = 0.6};
const OrnsteinUhlenbeck ornstein_uhlenbeck{.rate = 0.8, .mean = {0.5, 0, -1}, .sigma = 1.3, .horizon = 1.7};
const LinearSde linear{.drift = Matrix{{-0.5, 1, 0.2}, {-1.2, -0.3, 0}, {0.1, 0.4, 0.6}},
                       .offset = {0.2, -0.1, 0.5},
                       .noise = Matrix{{0.8, 0, 0}, {0.2, 1.1, 0}, {-0.1, 0.3, 0.6}},
                       .horizon = 1.2};

// a few dozen operations on matrices of condition number about 10; every iterate adds as many
constexpr double tolerance = 1e-12;

Matrix square(const std::vector<double>& row_major) {
  Matrix out(3, 3);
  std::copy(row_major.begin(), row_major.end(), out.data());
  return out;
}
Matrix column(const std::vector<double>& values) {
  Matrix out(values.size(), 1);
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

void check(const GaussianEnd& got, const MomentValues& expected) {
  BOOST_TEST(difference(column(got.mean), column(expected.mean)) < tolerance);
  BOOST_TEST(difference(got.covariance, square(expected.covariance)) < tolerance);
  BOOST_TEST(difference(got.cross_covariance, square(expected.cross)) < tolerance);
}

template <class Ref>
void check_ipf(const Ref& reference, const std::vector<IterateValues>& expected) {
  const auto got = gaussian_ipf(Problem{mu, nu, reference}, static_cast<int>(expected.size()));
  for (std::size_t n = 0; n < expected.size(); ++n) {
    check(got[n].backward.end, expected[n].backward);
    check(got[n].forward.end, expected[n].forward);
  }
}

template <class Ref>
void check_dsb(const Ref& reference, DsbTarget target, const std::vector<IterateValues>& expected) {
  const auto got = gaussian_dsb(Problem{mu, nu, reference}, uniform_times(reference.horizon, 7),
                                static_cast<int>(expected.size()), target);
  for (std::size_t n = 0; n < expected.size(); ++n) {
    check(got.iterates[n].backward, expected[n].backward);
    check(got.iterates[n].forward, expected[n].forward);
  }
}

// N(-a, 1) <-> N(a, 1), a = 0.1, epsilon = 1: the Gaussian test of De Bortoli et al. 2021
const Problem example{Gaussian({-0.1}, isotropic(1, 1)), Gaussian({0.1}, isotropic(1, 1)), Brownian{}};

}  // namespace

BOOST_AUTO_TEST_CASE(ipf_iterates_are_conditioned_joint_gaussians) {
  check_ipf(brownian, ipf_brownian);
  check_ipf(ornstein_uhlenbeck, ipf_ornstein_uhlenbeck);
  check_ipf(linear, ipf_linear);
}

BOOST_AUTO_TEST_CASE(ipf_converges_to_the_bridge) {
  const auto check_limit = [](const auto& reference) {
    const Problem problem{mu, nu, reference};
    for (const IpfStart start : {IpfStart::reference, IpfStart::zero_potential}) {
      const GaussianIterate last = gaussian_ipf(problem, 200, start).back();
      const GaussianPlan plan = gaussian_bridge(problem).plan();
      BOOST_TEST(difference(last.forward.map.slope, plan.forward_map.slope) < tolerance);
      BOOST_TEST(difference(last.backward.map.slope, plan.backward_map.slope) < tolerance);
      BOOST_TEST(difference(last.forward.covariance, plan.forward_covariance) < tolerance);
      BOOST_TEST(difference(column(last.forward.map.offset), column(plan.forward_map.offset)) < tolerance);
      BOOST_TEST(difference(column(last.backward.map.offset), column(plan.backward_map.offset)) < tolerance);
      BOOST_TEST(difference(last.forward.end.covariance, nu.covariance()) < tolerance);
    }
  };
  check_limit(brownian);
  check_limit(ornstein_uhlenbeck);
  check_limit(linear);
  // singular marginals: nothing is inverted
  const Problem flat{Gaussian({0, 0}, Matrix{{1, 1}, {1, 1}}), Gaussian({1, 0}, diagonal({0, 2})),
                     Brownian{}};
  const GaussianIterate last = gaussian_ipf(flat, 100).back();
  BOOST_TEST(difference(last.forward.map.slope, gaussian_bridge(flat).plan().forward_map.slope) < tolerance);
}

BOOST_AUTO_TEST_CASE(fibonacci_iterates) {
  const auto iterates = gaussian_ipf(example, 4);
  const double cross[] = {1.0 / 2, 3.0 / 5, 8.0 / 13, 21.0 / 34}, variance[] = {.75, .96, .9941, .9991},
               mean[] = {0, -.06, -.0846, -.0941};
  for (std::size_t n = 0; n < 4; ++n) {
    const GaussianEnd& end = iterates[n].backward.end;
    BOOST_TEST(std::abs(end.cross_covariance(0, 0) - cross[n]) < 1e-15);
    // quoted to four digits
    BOOST_TEST(std::abs(end.covariance(0, 0) - variance[n]) < 5e-5);
    BOOST_TEST(std::abs(end.mean[0] - mean[n]) < 5e-5);
  }
  BOOST_TEST(std::abs(gaussian_bridge(example).plan().cross_covariance(0, 0) - (std::sqrt(5.0) - 1) / 2) <
             1e-15);
}

// Means contract by the largest squared canonical correlation, covariances by its square.
BOOST_AUTO_TEST_CASE(ipf_rates) {
  const Problem problem{mu, nu, brownian};
  const double rho = gaussian_bridge(problem).plan().canonical_correlations.front();
  const auto iterates = gaussian_ipf(problem, 14);
  const auto errors = [&](std::size_t n) {
    const GaussianEnd& end = iterates[n].forward.end;
    return std::pair{norm(column(end.mean) - column(nu.mean())), norm(end.covariance - nu.covariance())};
  };
  const auto [mean_before, covariance_before] = errors(12);
  const auto [mean_after, covariance_after] = errors(13);
  // the next correlation's share has died out to a few per cent after twelve iterations
  BOOST_TEST(std::abs(mean_after / mean_before / (rho * rho) - 1) < 0.05);
  BOOST_TEST(std::abs(covariance_after / covariance_before / std::pow(rho, 4) - 1) < 0.05);
}

BOOST_AUTO_TEST_CASE(dsb_population_values) {
  check_dsb(brownian, DsbTarget::drift_matching, dsb_brownian);
  check_dsb(linear, DsbTarget::drift_matching, dsb_linear);
  check_dsb(brownian, DsbTarget::conditional_mean, mean_brownian);
}

BOOST_AUTO_TEST_CASE(dsb_fixed_points_of_the_example) {
  struct Row {
    int steps, iterations;
    DsbTarget target;
    double mean, variance, cross;
  };
  const double unknown = std::nan("");
  for (const Row& row : {Row{20, 30, DsbTarget::drift_matching, -.0908, 1.0118, .6163},
                         Row{100, 30, DsbTarget::drift_matching, -.0981, 1.0023, .6175},
                         Row{20, 4, DsbTarget::conditional_mean, unknown, unknown, .6076},
                         Row{20, 100, DsbTarget::conditional_mean, unknown, unknown, .5987}}) {
    const GaussianEnd end = gaussian_dsb(example, uniform_times(1, row.steps), row.iterations, row.target)
                                .iterates.back()
                                .backward;
    // the design page quotes four digits
    BOOST_TEST(std::abs(end.cross_covariance(0, 0) - row.cross) < 6e-5);
    if (std::isnan(row.mean)) continue;
    BOOST_TEST(std::abs(end.mean[0] - row.mean) < 6e-5);
    BOOST_TEST(std::abs(end.covariance(0, 0) - row.variance) < 6e-5);
  }
}

// The chain that DSB leaves is the one whose moments it reports.
BOOST_AUTO_TEST_CASE(dsb_chains_reproduce_their_moments) {
  const std::vector<double> times = {0, 0.1, 0.4, 0.6, 1};
  const GaussianDsb dsb = gaussian_dsb(Problem{mu, nu, brownian}, times, 3);
  Matrix mean = column(mu.mean()), covariance = mu.covariance();
  for (std::size_t k = 0; k < 4; ++k) {
    const Matrix& a = dsb.forward[k].slope;
    mean = a * mean + column(dsb.forward[k].offset);
    covariance = a * covariance * transpose(a) + isotropic(3, 0.36 * (times[k + 1] - times[k]));
  }
  BOOST_TEST(difference(mean, column(dsb.iterates.back().forward.mean)) < tolerance);
  BOOST_TEST(difference(covariance, dsb.iterates.back().forward.covariance) < tolerance);
}

BOOST_AUTO_TEST_CASE(discretised_samplers_of_the_example) {
  const auto bridge = gaussian_bridge(example);
  const auto variance = [&](int steps, SdeScheme scheme) {
    return gaussian_discretised_end(bridge, uniform_times(1, steps), scheme).covariance(0, 0);
  };
  BOOST_TEST(std::abs(variance(20, SdeScheme::euler_maruyama) - 1.0157) < 6e-5);
  BOOST_TEST(std::abs(variance(100, SdeScheme::euler_maruyama) - 1.0031) < 6e-5);
  BOOST_TEST(std::abs(variance(20, SdeScheme::heun) - .9997) < 6e-5);
}

// First and second order in the step, for every kind of reference.
BOOST_AUTO_TEST_CASE(discretisation_orders) {
  const auto check_orders = [](const auto& reference) {
    const auto bridge = gaussian_bridge(Problem{mu, nu, reference});
    const auto error = [&](int steps, SdeScheme scheme) {
      const GaussianEnd end =
          gaussian_discretised_end(bridge, uniform_times(reference.horizon, steps), scheme);
      return std::pair{norm(end.covariance - nu.covariance()), norm(column(end.mean) - column(nu.mean()))};
    };
    const auto coarse = error(400, SdeScheme::euler_maruyama), fine = error(800, SdeScheme::euler_maruyama);
    // ratio 2 up to a relative error of the size of the step, here amplified by steep drifts
    BOOST_TEST(std::abs(coarse.first / fine.first - 2) < 0.1);
    const auto heun_coarse = error(400, SdeScheme::heun), heun_fine = error(800, SdeScheme::heun);
    BOOST_TEST(std::abs(heun_coarse.first / heun_fine.first - 4) < 0.3);
    BOOST_TEST(heun_fine.second < 1e-4);
  };
  check_orders(brownian);
  check_orders(ornstein_uhlenbeck);
  check_orders(linear);
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const Problem problem{mu, nu, brownian};
  BOOST_TEST(contains(message([&] { gaussian_ipf(problem, -1); }), "iterations = -1"));
  BOOST_TEST(contains(message([&] { gaussian_dsb(problem, {0, 0.5}, 1); }), "times.back() = 0.5"));
  BOOST_TEST(contains(message([&] { gaussian_dsb(problem, {0, 0.5, 0.5, 1}, 1); }), "times[2] = 0.5"));
  BOOST_TEST(contains(message([&] { gaussian_dsb(problem, {0.1, 1}, 1); }), "times.front()"));
  BOOST_TEST(contains(message([&] { uniform_times(1, 0); }), "steps = 0"));
  const auto to_point = gaussian_bridge(Problem{mu, Gaussian({0, 0, 0}, Matrix(3, 3)), brownian});
  BOOST_TEST(contains(message([&] {
                        gaussian_discretised_end(to_point, {0, 1}, SdeScheme::heun);
                      }),
                      "singular"));
  const Problem unequal{mu, Gaussian({0}, isotropic(1, 1)), brownian};
  BOOST_TEST(contains(message([&] { gaussian_ipf(unequal, 1); }), "target.dimension() = 1"));
}
