// Sinkhorn against answers that are known without solving anything iteratively: Gaussian closed forms on
// grids, exact transport as epsilon goes to zero, and invariances of the problem.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/compare/exact_transport.hpp"
#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "support/problems.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using support::HostCloud;
using support::random_cloud;
using support::to_cloud;

namespace {

/// N(mean, variance I) on a tensor grid of `side`^d nodes that reaches `reach` standard deviations: the
/// trapezoidal rule, exact to rounding for Gaussian integrands once the step is below the standard deviation.
HostCloud gaussian_grid(std::size_t d, std::size_t side, double mean, double variance, double reach) {
  HostCloud cloud;
  cloud.d = d;
  cloud.n = static_cast<std::size_t>(std::pow(side, d));
  cloud.points.resize(cloud.n * d);
  cloud.weights.assign(cloud.n, 1.0);
  const double deviation = std::sqrt(variance);
  double sum = 0;
  for (std::size_t i = 0; i < cloud.n; ++i) {
    std::size_t index = i;
    for (std::size_t k = 0; k < d; ++k, index /= side) {
      const double z = -reach + 2 * reach * static_cast<double>(index % side) / static_cast<double>(side - 1);
      cloud.points[i * d + k] = mean + deviation * z;
      cloud.weights[i] *= std::exp(-z * z / 2);
    }
    sum += cloud.weights[i];
  }
  for (double& w : cloud.weights) w /= sum;
  return cloud;
}

template <class Ref>
void check_gaussian(std::size_t d, std::size_t side, double reach, const Ref& reference) {
  BOOST_TEST_CONTEXT("d=" << d) {
    const double m0 = -0.4, v0 = 0.8, m1 = 0.7, v1 = 1.9;
    const HostCloud x = gaussian_grid(d, side, m0, v0, reach), y = gaussian_grid(d, side, m1, v1, reach);
    const auto [coupling, report] =
        Sinkhorn<double>({.tolerance = 1e-13})
            .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), reference});
    BOOST_TEST(report.converged());
    const auto exact =
        gaussian_bridge(Problem{Gaussian(std::vector<double>(d, m0), isotropic(d, v0)),
                                Gaussian(std::vector<double>(d, m1), isotropic(d, v1)), reference});
    // conditional means at points inside the bulk, and costs: truncation leaves exp(-reach^2 / 2) < 1e-10
    std::vector<double> at(3 * d);
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = -0.5 + 0.3 * static_cast<double>(i % 4);
    const auto points = points_from_host<double>(std::span<const double>(at), 3, d);
    Points<double> mean("fortet::test::mean", 3, d), truth("fortet::test::truth", 3, d);
    coupling.conditional_mean(exec(), points, mean);
    exact.conditional_mean(exec(), points, truth);
    Vector<double> f("fortet::test::f", 3), expected_f("fortet::test::expected_f", 3);
    coupling.source_potential(exec(), points, f);
    exact.source_potential(exec(), points, expected_f);
    exec().fence();
    const auto a = to_host(mean), b = to_host(truth), fa = to_host(f), fb = to_host(expected_f);
    for (std::size_t i = 0; i < a.size(); ++i) BOOST_TEST(std::abs(a[i] - b[i]) <= 1e-10);
    for (std::size_t i = 0; i < fa.size(); ++i) BOOST_TEST(std::abs(fa[i] - fb[i]) <= 1e-10);
    const auto plan = exact.plan();
    BOOST_TEST(std::abs(*report.transport_cost - plan.transport_cost) <= 1e-10);
    BOOST_TEST(std::abs(*report.entropic_cost - plan.entropic_cost) <= 1e-10);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(gaussian_closed_form_in_one_and_two_dimensions) {
  check_gaussian(1, 401, 9, Brownian{.sigma = std::sqrt(0.6)});
  check_gaussian(1, 401, 9, OrnsteinUhlenbeck{.rate = 0.8, .mean = {0.5}, .sigma = 1.3, .horizon = 1.7});
  check_gaussian(2, 41, 7.2, Brownian{});
}

// As epsilon goes to zero the entropic cost tends to the exact one from above, by at most epsilon log min(n,
// m) (the entropy of a plan with uniform marginals).
BOOST_AUTO_TEST_CASE(small_epsilon_tends_to_exact_transport) {
  if (!has_exact_transport()) return;
  HostCloud x = random_cloud(60, 2, 1), y = random_cloud(60, 2, 2, 0.5);
  for (auto* cloud : {&x, &y}) cloud->weights.assign(60, 1.0 / 60);
  std::vector<double> cost;
  for (long double c : support::squared_costs(x, y)) cost.push_back(static_cast<double>(c));
  const double exact = exact_transport(cost, x.weights, y.weights).cost;
  for (const double epsilon : {1e-1, 1e-2}) {
    const auto [coupling, report] =
        Sinkhorn<double>({.tolerance = 1e-5, .certify = true})
            .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), brownian_with_epsilon(epsilon)});
    BOOST_TEST_CONTEXT("epsilon=" << epsilon) {
      BOOST_TEST(report.converged());
      // the rounded plan is feasible, hence no better than the best one up to rounding; 1e-3 is the marginal
      // error times a diameter below 100
      BOOST_TEST(*report.transport_cost >= exact - 1e-12);
      BOOST_TEST(*report.transport_cost <= exact + epsilon * std::log(60.0) + 1e-3);
    }
  }
}

// The plan does not change when both clouds move together, when sides are swapped (transposed), or when space
// and sqrt(epsilon) scale together; costs scale by the square. Tolerances: 1e-13 of marginal error times its
// amplification.
BOOST_AUTO_TEST_CASE(invariances) {
  const HostCloud x = random_cloud(43, 3, 1), y = random_cloud(57, 3, 2, 0.5);
  const auto solve = [](const HostCloud& a, const HostCloud& b, double epsilon) {
    return Sinkhorn<double>({.tolerance = 1e-13})
        .solve(exec(), Problem{to_cloud<double>(a), to_cloud<double>(b), brownian_with_epsilon(epsilon)});
  };
  const auto plain = solve(x, y, 0.3);
  const auto plan = plain.coupling.dense_plan(exec());
  const auto swapped = solve(y, x, 0.3).coupling.dense_plan(exec());
  HostCloud moved_x = x, moved_y = y, large_x = x, large_y = y;
  for (double& v : moved_x.points) v += 3;
  for (double& v : moved_y.points) v += 3;
  for (double& v : large_x.points) v *= 7;
  for (double& v : large_y.points) v *= 7;
  const auto moved = solve(moved_x, moved_y, 0.3).coupling.dense_plan(exec());
  const auto large = solve(large_x, large_y, 0.3 * 49);
  const auto scaled = large.coupling.dense_plan(exec());
  HostCloud reversed = y;
  for (std::size_t j = 0; j < y.n; ++j) {
    reversed.weights[j] = y.weights[y.n - 1 - j];
    for (std::size_t k = 0; k < 3; ++k) reversed.points[3 * j + k] = y.points[3 * (y.n - 1 - j) + k];
  }
  const auto permuted = solve(x, reversed, 0.3).coupling.dense_plan(exec());
  double worst = 0;
  for (std::size_t i = 0; i < x.n; ++i)
    for (std::size_t j = 0; j < y.n; ++j)
      for (const double other : {swapped(j, i), moved(i, j), scaled(i, j), permuted(i, y.n - 1 - j)})
        worst = std::max(worst, std::abs(plan(i, j) - other));
  BOOST_TEST(worst <= 1e-12);
  BOOST_TEST(std::abs(*large.report.entropic_cost / 49 - *plain.report.entropic_cost) <= 1e-11);
}

// Plan times vectors, rows on demand and the barycentric map against the dense plan; draws against its
// moments.
BOOST_AUTO_TEST_CASE(plan_operations_agree_with_the_dense_plan) {
  for (const std::size_t d : {std::size_t{2}, std::size_t{17}}) {
    const HostCloud x = random_cloud(43, d, 1, 0, 1, 6), y = random_cloud(57, d, 2, 0.5, 0.7, 5);
    const auto coupling = Sinkhorn<double>({.tolerance = 1e-13})
                              .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), Brownian{}})
                              .coupling;
    const auto plan = coupling.dense_plan(exec());
    const auto payload = points_from_host<double>(y.points.data(), y.n, d, static_cast<std::ptrdiff_t>(d), 1);
    const auto applied = coupling.apply(exec(), payload);
    const auto back = coupling.apply_transposed(
        exec(), points_from_host<double>(x.points.data(), x.n, d, static_cast<std::ptrdiff_t>(d), 1));
    const auto map = coupling.barycentric_map(exec());
    double worst = 0, total = 0;
    for (std::size_t i = 0; i < x.n; ++i) {
      double mass = 0;
      for (std::size_t j = 0; j < y.n; ++j) mass += plan(i, j);
      total += mass;
      for (std::size_t k = 0; k < d; ++k) {
        double sum = 0;
        for (std::size_t j = 0; j < y.n; ++j) sum += plan(i, j) * y.points[j * d + k];
        worst = std::max(worst, std::abs(sum - applied(i, k)));
        if (mass > 0) worst = std::max(worst, std::abs(sum / mass - map(i, k)));
      }
    }
    for (std::size_t j = 0; j < y.n; ++j)
      for (std::size_t k = 0; k < d; ++k) {
        double sum = 0;
        for (std::size_t i = 0; i < x.n; ++i) sum += plan(i, j) * x.points[i * d + k];
        worst = std::max(worst, std::abs(sum - back(j, k)));
      }
    BOOST_TEST(worst <=
               1e-12);  // rounding of sums of fewer than a hundred terms, times the marginal error's 1e-13
    BOOST_TEST(std::abs(total - 1) <= 1e-12);

    const std::size_t n = 50000;
    Vector<int> i("fortet::test::i", n), j("fortet::test::j", n);
    coupling.sample_indices(exec(), {.seed = 4}, i, j);
    exec().fence();
    std::vector<double> counts(x.n * y.n);
    for (std::size_t k = 0; k < n; ++k)
      counts[static_cast<std::size_t>(i(k)) * y.n + static_cast<std::size_t>(j(k))] += 1;
    // chi-squared over cells with an expectation above five: mean = cells, standard deviation sqrt(2 cells)
    double chi = 0, cells = 0;
    for (std::size_t r = 0; r < x.n; ++r)
      for (std::size_t c = 0; c < y.n; ++c) {
        const double expected = plan(r, c) * static_cast<double>(n);
        if (expected == 0) BOOST_TEST(counts[r * y.n + c] == 0);
        if (expected < 5) continue;
        chi += std::pow(counts[r * y.n + c] - expected, 2) / expected;
        cells += 1;
      }
    BOOST_TEST(std::abs(chi - cells) <= 5 * std::sqrt(2 * cells));
  }
}
