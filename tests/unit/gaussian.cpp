#include "fortet/measure/gaussian.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian_mixture.hpp"
#include "support/host.hpp"

using namespace fortet;
using namespace fortet::test;
static_assert(SamplableMeasure<Gaussian> && DensityMeasure<Gaussian>);
static_assert(SamplableMeasure<GaussianMixture> && DensityMeasure<GaussianMixture>);

namespace {

const double nan_value = std::nan("");
constexpr std::size_t draws = 200000;
// six standard errors: with some hundred moments over all tests, a chance of 1e-7 had the seeds not been
// fixed
constexpr double far_out = 6;

template <class Measure>
std::vector<double> drawn(const Measure& measure, unsigned seed) {
  return to_host(draw(DefaultExec(), measure, draws, {.seed = seed}).points());
}

template <class Measure>
std::vector<double> log_densities(const Measure& measure, const std::vector<double>& x) {
  const auto at = points(x, static_cast<std::size_t>(measure.dimension()));
  Vector<double> out("out", at.extent(0));
  measure.log_density(DefaultExec(), at, out);
  DefaultExec().fence();
  return to_host(out);
}

double naive_log_density(const Gaussian& g, const double* x) {
  double log_determinant = 0, form = 0;
  const Matrix precision = inverse(g.covariance(), &log_determinant);
  const std::size_t d = g.mean().size();
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j) form += (x[i] - g.mean()[i]) * precision(i, j) * (x[j] - g.mean()[j]);
  return -0.5 * (form + log_determinant + static_cast<double>(d) * std::log(2 * std::numbers::pi));
}

}  // namespace

BOOST_AUTO_TEST_CASE(draws_have_the_moments) {
  for (const std::size_t d : {1u, 2u, 5u}) {
    const Gaussian g(random_vector(d, 3), random_covariance(d, 4));
    BOOST_TEST(standard_errors(drawn(g, 11), g.mean(), g.covariance()) < far_out);
  }
}

BOOST_AUTO_TEST_CASE(singular_covariances_are_drawn_on_their_support) {
  const Gaussian line({1, 2}, Matrix{{1, 2}, {2, 4}});
  BOOST_TEST(line.singular());
  const auto x = drawn(line, 5);
  double off = 0;
  for (std::size_t i = 0; i < draws; ++i)
    off = std::max(off, std::abs(2 * (x[2 * i] - 1) - (x[2 * i + 1] - 2)));
  BOOST_TEST(off < 1e-14);  // some units in the last place of coordinates of size 10
  BOOST_TEST(standard_errors(x, line.mean(), line.covariance()) < far_out);
  for (double v : drawn(Gaussian({3, 4}, Matrix(2, 2)), 6)) BOOST_TEST_REQUIRE((v == 3 || v == 4));
}

BOOST_AUTO_TEST_CASE(rank_does_not_depend_on_units) {
  BOOST_TEST(!Gaussian({0, 0}, diagonal({1, 1e-30})).singular());
  BOOST_TEST(!Gaussian({0, 0}, Matrix{{1, 1e-13}, {1e-13, 4e-26}}).singular());
  BOOST_TEST(Gaussian({0, 0}, diagonal({1, 0})).singular());
  // determinant 1e-17: below what a double beside 1 can hold
  BOOST_TEST(Gaussian({0, 0}, Matrix{{1, 1}, {1, 1 + 1e-16}}).singular());
}

BOOST_AUTO_TEST_CASE(log_density_is_the_formula) {
  for (const std::size_t d : {1u, 3u, 33u}) {
    const Gaussian g(random_vector(d, 1), random_covariance(d, 2));
    const auto x = random_vector(40 * d, 7);
    const auto got = log_densities(g, x);
    for (std::size_t i = 0; i < 40; ++i) {
      const double expected = naive_log_density(g, &x[i * d]);
      // d^2 products, condition number about 20
      BOOST_TEST(std::abs(got[i] - expected) < 1e-13 * static_cast<double>(d) * (1 + std::abs(expected)));
    }
  }
  // a thousand standard deviations out, and beside a coordinate 1e15 times finer
  const Gaussian fine({0, 0}, diagonal({1, 1e-30}));
  const double expected = -0.5 * (1e6 + 4 - 30 * std::log(10)) - std::log(2 * std::numbers::pi);
  BOOST_TEST(std::abs(log_densities(fine, {1e3, 2e-15})[0] - expected) < 1e-12 * std::abs(expected));
}

BOOST_AUTO_TEST_CASE(equal_keys_give_equal_draws) {
  const Gaussian g({0, 1}, random_covariance(2, 8));
  BOOST_TEST(drawn(g, 1) == drawn(g, 1));
  BOOST_TEST(drawn(g, 1) != drawn(g, 2));
}

BOOST_AUTO_TEST_CASE(bad_gaussians_are_named) {
  const auto check = [](std::vector<double> mean, const Matrix& covariance, const std::string& part) {
    const std::string text = message([&] { Gaussian(mean, covariance); });
    BOOST_TEST(contains(text, part), text);
  };
  check({}, Matrix(), "mean");
  check({0, nan_value}, isotropic(2, 1), "mean[1] = nan");
  check({0, 0}, isotropic(3, 1), "3 x 3");
  check({0, 0}, Matrix{{1, nan_value}, {nan_value, 1}}, "covariance(0, 1) = nan");
  check({0, 0}, Matrix{{1, 0.5}, {0.4, 1}}, "symmetry");
  check({0, 0}, diagonal({1, -1}), "covariance(1, 1) = -1");
  check({0, 0}, Matrix{{1, 2}, {2, 1}}, "smallest eigenvalue");
  check({0, 0}, Matrix{{1, 1e-3}, {1e-3, 0}}, "covariance(1, 0)");
  const Gaussian g({0, 0}, isotropic(2, 1)), flat({0, 0}, diagonal({1, 0}));
  BOOST_TEST(contains(message([&] { g.sample(DefaultExec(), {}, Points<double>("x", 4, 3)); }),
                      "out.extent(1) = 3"));
  BOOST_TEST(contains(message([&] { log_densities(flat, {0, 0}); }), "singular"));
}

BOOST_AUTO_TEST_CASE(relative_entropy_and_bures_are_the_formulas) {
  const std::size_t d = 4;
  const Gaussian a(random_vector(d, 1), random_covariance(d, 2)),
      b(random_vector(d, 3), random_covariance(d, 4));
  double log_a = 0, log_b = 0, form = 0, trace = 0;
  inverse(a.covariance(), &log_a);
  const Matrix precision = inverse(b.covariance(), &log_b), product = precision * a.covariance();
  for (std::size_t i = 0; i < d; ++i) {
    trace += product(i, i);
    for (std::size_t j = 0; j < d; ++j)
      form += (a.mean()[i] - b.mean()[i]) * precision(i, j) * (a.mean()[j] - b.mean()[j]);
  }
  const double expected = 0.5 * (trace - 4 + form + log_b - log_a);
  BOOST_TEST(std::abs(relative_entropy(a, b) - expected) < 1e-13 * expected);
  BOOST_TEST(relative_entropy(a, a) < 1e-15);
  // commuting covariances: the distance of standard deviations
  const Gaussian p({0, 0}, diagonal({4, 9})), q({3, 0}, diagonal({1, 0}));
  BOOST_TEST(std::abs(bures_wasserstein(p, q) - 0.5 * (9 + 1 + 9)) < 1e-13);
  BOOST_TEST(bures_wasserstein(a, a) < 1e-15);
  BOOST_TEST(relative_entropy(p, q) == std::numeric_limits<double>::infinity());
  BOOST_TEST(relative_entropy(q, p) == std::numeric_limits<double>::infinity());
  const Gaussian line({0, 0}, Matrix{{1, 1}, {1, 1}}), twice({1, 1}, Matrix{{4, 4}, {4, 4}});
  // on the line x = y: N(0, 2) against N(sqrt 2, 8)
  BOOST_TEST(std::abs(relative_entropy(line, twice) - 0.5 * (0.25 - 1 + std::log(4.0) + 0.25)) < 1e-14);
}

BOOST_AUTO_TEST_CASE(mixtures) {
  const Gaussian a({0, 0}, random_covariance(2, 1)), b({5, -5}, random_covariance(2, 2)),
      c({9, 9}, Matrix(2, 2));
  const GaussianMixture mixture({1, 3, 0}, {a, b, c});
  BOOST_TEST(mixture.weights() == (std::vector<double>{0.25, 0.75, 0}));
  const auto x = drawn(mixture, 3);
  std::vector<double> from_a, from_b;
  for (std::size_t i = 0; i < draws; ++i) {
    // the means are 5 standard deviations from the line between them: misplaced points change moments by less
    // than a tenth of a standard error
    auto& part = x[2 * i] - x[2 * i + 1] < 5 ? from_a : from_b;
    part.insert(part.end(), {x[2 * i], x[2 * i + 1]});
  }
  const double n = static_cast<double>(draws), share = static_cast<double>(from_a.size()) / 2 / n;
  BOOST_TEST(std::abs(share - 0.25) < far_out * std::sqrt(0.25 * 0.75 / n));
  BOOST_TEST(standard_errors(from_a, a.mean(), a.covariance()) < far_out);
  BOOST_TEST(standard_errors(from_b, b.mean(), b.covariance()) < far_out);
  const std::vector<double> at = {0.3, -0.2, 4, -4, 2, -3, 100, 50};
  const auto got = log_densities(mixture, at);
  for (std::size_t i = 0; i < 4; ++i) {
    const double la = std::log(0.25) + naive_log_density(a, &at[2 * i]),
                 lb = std::log(0.75) + naive_log_density(b, &at[2 * i]), top = std::max(la, lb);
    const double expected = top + std::log(std::exp(la - top) + std::exp(lb - top));
    BOOST_TEST(std::abs(got[i] - expected) < 1e-13 * (1 + std::abs(expected)));
  }
}

BOOST_AUTO_TEST_CASE(bad_mixtures_are_named) {
  const Gaussian g({0}, isotropic(1, 1)), wide({0, 0}, isotropic(2, 1));
  const auto check = [](std::vector<double> weights, std::vector<Gaussian> components,
                        const std::string& part) {
    const std::string text = message([&] { GaussianMixture(weights, components); });
    BOOST_TEST(contains(text, part), text);
  };
  check({}, {}, "components");
  check({1}, {g, g}, "2 components");
  check({1, -1}, {g, g}, "weights[1] = -1");
  check({1, nan_value}, {g, g}, "weights[1] = nan");
  check({0, 0}, {g, g}, "sum of weights");
  check({1, 1}, {g, wide}, "components[1].dimension() = 2");
}
