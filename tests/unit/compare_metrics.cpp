// Metrics against closed forms, sorted couplings, brute force over permutations, and naive sums.
#include "fortet/compare/metrics.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "support/clouds.hpp"

using namespace fortet;
using namespace fortet::test;
using Cloud = PointCloud<double, Kokkos::HostSpace>;

namespace {

HostExec host() { return {}; }

double distance(const Rows& x, std::size_t i, const Rows& y, std::size_t j) {
  double squared = 0;
  for (std::size_t k = 0; k < x.d; ++k) squared += std::pow(x(i, k) - y(j, k), 2);
  return std::sqrt(squared);
}

/// sum_ij a_i b_j kernel(|x_i - y_j|) in long double.
double naive_sum(const Rows& x, const Rows& y, const std::function<double(double)>& kernel) {
  long double sum = 0;
  for (std::size_t i = 0; i < x.n(); ++i)
    for (std::size_t j = 0; j < y.n(); ++j)
      sum += static_cast<long double>(x.weights[i]) * y.weights[j] * kernel(distance(x, i, y, j));
  return static_cast<double>(sum);
}

/// min over permutations of the mean of cost(i, permutation(i)).
double best_permutation(std::size_t n, const std::function<double(std::size_t, std::size_t)>& cost) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  double best = 1e300;
  do {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += cost(i, order[i]);
    best = std::min(best, sum / static_cast<double>(n));
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

/// (int_0^1 |F^{-1} - G^{-1}|^p)^(1/p) of weighted points on a line, by merging all the jumps of both
/// distribution functions.
double quantile_distance(const Rows& x, const Rows& y, double p) {
  const auto sorted = [](const Rows& rows) {
    std::vector<std::pair<double, double>> line;
    for (std::size_t i = 0; i < rows.n(); ++i) line.emplace_back(rows(i, 0), rows.weights[i]);
    std::sort(line.begin(), line.end());
    double sum = 0;
    for (auto& [position, weight] : line) weight = sum += weight;
    return line;
  };
  const auto f = sorted(x), g = sorted(y);
  std::vector<double> jumps{0};
  for (const auto& [position, level] : f) jumps.push_back(level);
  for (const auto& [position, level] : g) jumps.push_back(level);
  std::sort(jumps.begin(), jumps.end());
  const auto quantile = [](const auto& line, double level) {
    for (const auto& [position, cumulative] : line)
      if (cumulative >= level) return position;
    return line.back().first;
  };
  double sum = 0;
  for (std::size_t k = 1; k < jumps.size(); ++k) {
    const double middle = (jumps[k - 1] + jumps[k]) / 2;
    sum += (jumps[k] - jumps[k - 1]) * std::pow(std::abs(quantile(f, middle) - quantile(g, middle)), p);
  }
  return std::pow(sum, 1 / p);
}

/// Independent check of a transport plan: marginals, dual feasibility, complementary slackness.
void check_certificate(const ExactTransport& result, const std::vector<double>& cost,
                       const std::vector<double>& a, const std::vector<double>& b) {
  const std::size_t n = a.size(), m = b.size();
  double largest = 0;
  for (double c : cost) largest = std::max(largest, std::abs(c));
  // costs are rounded to 2^-42 of the largest; potentials are sums of a few of them
  const double tolerance = 1e-11 * largest;
  std::vector<double> rows(n), columns(m);
  for (const PlanEntry& entry : result.plan) {
    BOOST_TEST(entry.mass > 0);
    rows[entry.i] += entry.mass;
    columns[entry.j] += entry.mass;
    const double slack =
        cost[entry.i * m + entry.j] - result.source_potential[entry.i] - result.target_potential[entry.j];
    BOOST_TEST(std::abs(slack) <= tolerance);
  }
  // weights are rounded to 2^-50
  for (std::size_t i = 0; i < n; ++i) BOOST_TEST(std::abs(rows[i] - a[i]) < 1e-14);
  for (std::size_t j = 0; j < m; ++j) BOOST_TEST(std::abs(columns[j] - b[j]) < 1e-14);
  double worst = 0, f_mean = 0, g_mean = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j)
      worst = std::min(worst, cost[i * m + j] - result.source_potential[i] - result.target_potential[j]);
  BOOST_TEST(worst >= -1e-14 * largest);  // feasible up to rounding of one subtraction
  for (std::size_t i = 0; i < n; ++i) f_mean += a[i] * result.source_potential[i];
  for (std::size_t j = 0; j < m; ++j) g_mean += b[j] * result.target_potential[j];
  BOOST_TEST(std::abs(f_mean - g_mean) <= tolerance);
  BOOST_TEST(std::abs(result.cost - result.dual_value) <= tolerance);
  BOOST_TEST(result.plan.size() <= n + m - 1);
}

std::vector<double> half_squares(const Rows& x, const Rows& y) {
  std::vector<double> cost;
  for (std::size_t i = 0; i < x.n(); ++i)
    for (std::size_t j = 0; j < y.n(); ++j) cost.push_back(std::pow(distance(x, i, y, j), 2) / 2);
  return cost;
}

}  // namespace

BOOST_AUTO_TEST_CASE(exact_transport_is_certified_on_awkward_sizes) {
  for (auto [n, m] : {std::pair{1u, 1u}, {1u, 7u}, {9u, 1u}, {13u, 13u}, {59u, 43u}, {64u, 128u}})
    for (bool weighted : {false, true})
      for (std::size_t d : {1u, 3u}) {
        const Rows x = random_rows(n, d, 1, weighted), y = random_rows(m, d, 2, weighted);
        check_certificate(exact_transport(cloud(x), cloud(y)), half_squares(x, y), x.weights, y.weights);
      }
}

// Sizes where most arcs are never seen by the simplex: nearest neighbours are useless after the shift, ties
// abound on the lattice, and 300 atoms on 7 make every plan degenerate.
BOOST_AUTO_TEST_CASE(exact_transport_is_certified_when_it_generates_columns) {
  for (bool weighted : {false, true}) {
    const Rows x = random_rows(500, 2, 3, weighted);
    Rows y = random_rows(597, 2, 4, weighted);
    for (std::size_t j = 0; j < y.n(); ++j) y(j, 0) += 10;
    check_certificate(exact_transport(cloud(x), cloud(y)), half_squares(x, y), x.weights, y.weights);
  }
  Rows lattice = random_rows(300, 2, 5), few = random_rows(7, 2, 6);
  for (std::size_t i = 0; i < lattice.n(); ++i)
    for (std::size_t k = 0; k < 2; ++k) lattice(i, k) = std::round(2 * lattice(i, k));
  Rows moved = lattice;
  for (std::size_t i = 0; i < moved.n(); ++i) moved(i, 1) = std::round(1.5 * moved(i, 1)) + 1;
  for (const Rows& y : {moved, few})
    check_certificate(exact_transport(cloud(lattice), cloud(y)), half_squares(lattice, y), lattice.weights,
                      y.weights);
}

BOOST_AUTO_TEST_CASE(exact_transport_beats_every_permutation) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Rows x = random_rows(7, 2, 10 + seed), y = random_rows(7, 2, 20 + seed);
    const auto result = exact_transport(cloud(x), cloud(y));
    const double best = best_permutation(
        7, [&](std::size_t i, std::size_t j) { return std::pow(distance(x, i, y, j), 2) / 2; });
    BOOST_TEST(result.cost == best, boost::test_tools::tolerance(1e-13));  // sums of seven terms
    BOOST_TEST(result.plan.size() == 7u);  // uniform weights give a permutation, no crumbs
  }
}

BOOST_AUTO_TEST_CASE(exact_transport_takes_any_cost) {
  // negative costs, and a best answer that is obvious: the anti-diagonal
  const std::vector<double> cost{0, 1, -5, 2, -6, 0, -7, 3, 1}, uniform{1, 1, 1};
  const auto result = exact_transport(cost, uniform, uniform);
  BOOST_TEST(result.cost == -6.0, boost::test_tools::tolerance(1e-14));
  check_certificate(result, cost, {1. / 3, 1. / 3, 1. / 3}, {1. / 3, 1. / 3, 1. / 3});
  const auto zero = exact_transport(std::vector<double>(9, 0.0), uniform, uniform);
  BOOST_TEST(zero.cost == 0.0);
}

BOOST_AUTO_TEST_CASE(atoms_without_weight_get_feasible_potentials) {
  Rows x = random_rows(6, 2, 3, true), y = random_rows(5, 2, 4, true);
  for (auto* rows : {&x, &y}) {
    rows->weights[2] = 0;
    const double mass = std::accumulate(rows->weights.begin(), rows->weights.end(), 0.0);
    for (double& w : rows->weights) w /= mass;
  }
  const auto result = exact_transport(cloud(x), cloud(y));
  check_certificate(result, half_squares(x, y), x.weights, y.weights);
  for (const PlanEntry& entry : result.plan) BOOST_TEST((entry.i != 2 && entry.j != 2));
}

BOOST_AUTO_TEST_CASE(exact_transport_names_bad_input) {
  const std::vector<double> ones{1, 1}, cost{0, 1, 1, 0};
  const double nan = std::nan("");
  const auto text = [&](const std::vector<double>& c, const std::vector<double>& a,
                        const std::vector<double>& b) { return message([&] { exact_transport(c, a, b); }); };
  BOOST_TEST(text({0, nan, 1, 0}, ones, ones).find("cost(0, 1)") != std::string::npos);
  BOOST_TEST(text({0, 1, 1}, ones, ones).find("4 costs") != std::string::npos);
  BOOST_TEST(text(cost, {1, -1}, ones).find("source_weights[1] = -1") != std::string::npos);
  BOOST_TEST(text(cost, ones, {0, 0}).find("sum of target_weights") != std::string::npos);
  BOOST_TEST(text({}, {}, ones).find("source_weights") != std::string::npos);
  const Rows plane = random_rows(3, 2, 0), line = random_rows(3, 1, 0);
  BOOST_TEST(message([&] { w2(cloud(plane), cloud(line)); }).find("dimension of x, 2") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(w1_and_w2_on_a_line_are_the_sorted_coupling) {
  for (auto [n, m] : {std::pair{5u, 5u}, {31u, 17u}})
    for (bool weighted : {false, true}) {
      const Rows x = random_rows(n, 1, 5, weighted), y = random_rows(m, 1, 6, weighted);
      const auto near = boost::test_tools::tolerance(1e-11);  // integer costs of relative size 2^-42
      BOOST_TEST(w1(cloud(x), cloud(y)).value == quantile_distance(x, y, 1), near);
      BOOST_TEST(w2(cloud(x), cloud(y)).value == quantile_distance(x, y, 2), near);
      // both are the same sum in another order
      BOOST_TEST(sliced_w2(cloud(x), cloud(y)).value == quantile_distance(x, y, 2),
                 boost::test_tools::tolerance(1e-12));
    }
}

BOOST_AUTO_TEST_CASE(a_translation_moves_by_its_length) {
  const Rows x = random_rows(40, 3, 7);
  Rows y = x;
  for (std::size_t i = 0; i < y.n(); ++i) y(i, 1) += 1e8;  // far from the origin
  BOOST_TEST(w2(cloud(x), cloud(y)).value == 1e8, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(mean_error(host(), cloud(x), cloud(y)).value == 1e8, boost::test_tools::tolerance(1e-14));
  // coordinates of 1e8 carry an absolute rounding of 1e-8, so do their differences from the mean
  BOOST_TEST(covariance_error(host(), cloud(x), cloud(y)).value < 1e-5);
}

BOOST_AUTO_TEST_CASE(energy_distance_and_mmd_are_their_sums) {
  for (auto [n, m] : {std::pair{1u, 1u}, {7u, 9u}, {33u, 64u}})
    for (bool weighted : {false, true})
      for (std::size_t d : {1u, 5u}) {
        const Rows x = random_rows(n, d, 8, weighted), y = random_rows(m, d, 9, weighted);
        const auto squared = [&](const auto& k) {
          return naive_sum(x, x, k) + naive_sum(y, y, k) - 2 * naive_sum(x, y, k);
        };
        const double energy = -squared([](double r) { return r; });
        // sums of terms of order one cancel down to the result: 1e-14 absolute
        BOOST_TEST(std::abs(energy_distance(host(), cloud(x), cloud(y)).value - energy) < 1e-13);
        const double h = 1.7, mmd2 = squared([&](double r) { return std::exp(-r * r / (2 * h * h)); });
        const double value = mmd(host(), cloud(x), cloud(y), h).value;
        BOOST_TEST(std::abs(value * value - mmd2) < 1e-13);
      }
  const Rows x = random_rows(50, 2, 1, true);
  BOOST_TEST(energy_distance(host(), cloud(x), cloud(x)).value < 1e-14);
  BOOST_TEST(mmd(host(), cloud(x), cloud(x), 1).value < 1e-7);  // the root of rounding
  BOOST_TEST(message([&] { mmd(host(), cloud(x), cloud(x), 0); }).find("bandwidth = 0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(median_distance_of_a_square_is_its_side) {
  BOOST_TEST(median_distance(cloud({{0, 0, 0, 1, 1, 0, 1, 1}, 2, {.25, .25, .25, .25}})) == 1.0);
  BOOST_TEST(median_distance(cloud({{3, 3, 3}, 1, {1, 1, 1}})) == 1.0);  // all the same point
}

BOOST_AUTO_TEST_CASE(sliced_w2_of_a_translation) {
  // W2(u.X, u.(X + v)) = |u.v|, whose mean square over directions is |v|^2 / d: within five standard errors
  // of 4000 directions (Var (u.v)^2 = 1/8 at d = 2, |v| = 1)
  Rows x = random_rows(30, 2, 11), y = x;
  for (std::size_t i = 0; i < y.n(); ++i) y(i, 0) += 1;
  const double square = std::pow(sliced_w2(cloud(x), cloud(y), 4000, {.seed = 5}).value, 2);
  BOOST_TEST(std::abs(square - 0.5) < 5 * std::sqrt(1.0 / 8 / 4000));
  BOOST_TEST(message([&] { sliced_w2(cloud(x), cloud(y), 0); }).find("directions = 0") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(moments_are_weighted_sums) {
  for (bool weighted : {false, true}) {
    const Rows x = random_rows(23, 3, 12, weighted);
    const Moments got = moments(host(), cloud(x));
    for (std::size_t k = 0; k < 3; ++k) {
      double mean = 0;
      for (std::size_t i = 0; i < x.n(); ++i) mean += x.weights[i] * x(i, k);
      BOOST_TEST(std::abs(got.mean[k] - mean) < 1e-14);
      for (std::size_t l = 0; l < 3; ++l) {
        double second = 0;
        for (std::size_t i = 0; i < x.n(); ++i) second += x.weights[i] * x(i, k) * x(i, l);
        BOOST_TEST(std::abs(got.covariance(k, l) - (second - mean * got.mean[l])) < 1e-13);
      }
    }
  }
  const Rows x = random_rows(20, 2, 13);
  const auto groups = group_moments<Kokkos::HostSpace>(host(), cloud(x).points(), 5);
  BOOST_TEST(groups.size() == 4u);
  Rows third{{x.values.begin() + 20, x.values.begin() + 30}, 2, std::vector<double>(5, 0.2)};
  const Moments expected = moments(host(), cloud(third));
  for (std::size_t k = 0; k < 2; ++k) BOOST_TEST(std::abs(groups[2].mean[k] - expected.mean[k]) < 1e-15);
  for (std::size_t k = 0; k < 4; ++k)
    BOOST_TEST(std::abs(groups[2].covariance.data()[k] - expected.covariance.data()[k]) < 1e-14);
  BOOST_TEST(message([&] {
               group_moments<Kokkos::HostSpace>(host(), cloud(x).points(), 3);
             }).find("divisor of the number of points, 20") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(bures_wasserstein_closed_forms) {
  const auto near = boost::test_tools::tolerance(1e-12);
  // commuting covariances: half the sum of (difference of standard deviations)^2
  const Moments a{{1, 2}, diagonal({4, 9})}, b{{1, 5}, diagonal({1, 16})};
  BOOST_TEST(bures_wasserstein(a, b) == 4.5 + 0.5 + 0.5, near);
  // 2 x 2 in general: tr (S^{1/2} S' S^{1/2})^{1/2} = sqrt(tr SS' + 2 sqrt(det SS'))
  const Moments p{{0, 0}, {{2, .7}, {.7, 1}}}, q{{3, -1}, {{1, -.4}, {-.4, .5}}};
  const double product_trace = 2 * 1 + 2 * .7 * -.4 + 1 * .5;
  const double determinant = (2 - .49) * (.5 - .16);
  BOOST_TEST(bures_wasserstein(p, q) == 5 + 1.5 + .75 - std::sqrt(product_trace + 2 * std::sqrt(determinant)),
             near);
  BOOST_TEST(bures_wasserstein(p, q) == bures_wasserstein(q, p), near);
  // singular: a point against anything
  const Moments point{{0, 0}, Matrix(2, 2)};
  BOOST_TEST(bures_wasserstein(point, q) == 5 + .75, near);
  BOOST_TEST(bures_wasserstein(p, p) < 1e-14);
  BOOST_TEST(message([&] {
               bures_wasserstein(p, {{0}, diagonal({1})});
             }).find("second") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(uvp_is_bures_wasserstein_in_percent_of_half_the_variance) {
  const Rows x = random_rows(100, 2, 14), y = random_rows(90, 2, 15);
  const Moments p = moments(host(), cloud(x)), q = moments(host(), cloud(y));
  const double bw = bures_wasserstein(p, q), half_variance = (q.covariance(0, 0) + q.covariance(1, 1)) / 2;
  BOOST_TEST(bures_wasserstein(host(), cloud(x), cloud(y)).value == bw);
  BOOST_TEST(bw2_uvp(host(), cloud(x), cloud(y)).value == 100 * bw / half_variance,
             boost::test_tools::tolerance(1e-14));
  const Estimate conditional = cbw2_uvp({p, q}, {q, q}, 2 * half_variance);
  BOOST_TEST(conditional.value == 50 * bw / half_variance, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(conditional.standard_error == conditional.value, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(std::isnan(bw2_uvp(host(), cloud(x), cloud({{1, 1}, 2, {1}})).value));
}

// The promised standard error against the spread over 60 fresh pairs of clouds. A spread of 60 draws is known
// to 9 %, batches of 16 to 18 %: a factor of two either way catches a wrong power or a missing factor.
BOOST_AUTO_TEST_CASE(standard_errors_match_the_spread_of_fresh_draws) {
  const auto check = [](const char* name, std::size_t n,
                        const std::function<Estimate(const Cloud&, const Cloud&)>& metric) {
    std::vector<double> values;
    double promised = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const Rows x = random_rows(n, 2, 100 + seed);
      Rows y = random_rows(3 * n / 4, 2, 200 + seed);
      for (std::size_t i = 0; i < y.n(); ++i) y(i, 0) = 1.5 + 1.3 * y(i, 0);
      const Estimate estimate = metric(cloud(x), cloud(y));
      values.push_back(estimate.value);
      promised += estimate.standard_error / 60;
      BOOST_TEST(!estimate.how.empty());
    }
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 60;
    double spread = 0;
    for (double v : values) spread += (v - mean) * (v - mean) / 59;
    BOOST_TEST_CONTEXT(name << ": promised " << promised << ", seen " << std::sqrt(spread)) {
      BOOST_TEST(promised < 2 * std::sqrt(spread));
      BOOST_TEST(promised > 0.5 * std::sqrt(spread));
    }
  };
  check("w1", 120, [](const auto& x, const auto& y) { return w1(x, y); });
  check("w2", 120, [](const auto& x, const auto& y) { return w2(x, y); });
  check("energy", 120, [](const auto& x, const auto& y) { return energy_distance(host(), x, y); });
  check("mmd", 120, [](const auto& x, const auto& y) { return mmd(host(), x, y, 1); });
  check("sliced", 400, [](const auto& x, const auto& y) { return sliced_w2(x, y, 32); });
  check("bw", 800, [](const auto& x, const auto& y) { return bures_wasserstein(host(), x, y); });
  check("uvp", 800, [](const auto& x, const auto& y) { return bw2_uvp(host(), x, y); });
  check("mean", 120, [](const auto& x, const auto& y) { return mean_error(host(), x, y); });
  check("covariance", 800, [](const auto& x, const auto& y) { return covariance_error(host(), x, y); });
}

BOOST_AUTO_TEST_CASE(too_few_points_for_batches_say_so) {
  const Rows x = random_rows(5, 2, 16);
  const Estimate estimate = sliced_w2(cloud(x), cloud(x));
  BOOST_TEST(estimate.value == 0.0);
  BOOST_TEST(std::isnan(estimate.standard_error));
  BOOST_TEST(estimate.how.empty());
}

BOOST_AUTO_TEST_CASE(floor_is_the_mean_of_its_draws) {
  Estimate estimate{.value = 3};
  set_floor(estimate, {});
  BOOST_TEST(!estimate.floor.has_value());
  set_floor(estimate, {1, 2, 3});
  BOOST_TEST(*estimate.floor == 2.0);
  BOOST_TEST(estimate.floor_standard_error == std::sqrt(1.0 / 3), boost::test_tools::tolerance(1e-15));
  BOOST_TEST(estimate.floor_draws == 3);
}
