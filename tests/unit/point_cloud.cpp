#include "fortet/measure/point_cloud.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "fortet/measure/draw.hpp"
#include "fortet/measure/resampled.hpp"
#include "fortet/measure/sampler.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using Cloud = PointCloud<double>;
static_assert(AtomicMeasure<Cloud> && SamplableMeasure<Cloud>);
static_assert(SamplableMeasure<Resampled<double>> && !AtomicMeasure<Resampled<double>>);
static_assert(SamplableMeasure<Sampler<float>> && !AtomicMeasure<Sampler<float>>);

BOOST_AUTO_TEST_CASE(weights_are_normalised_and_the_mass_is_kept) {
  const Cloud cloud(points({0, 1, 2}, 1), vector({1, 0, 3}));
  const auto log_weights = to_host(cloud.log_weights());
  BOOST_TEST(cloud.mass() == 4.0);
  BOOST_TEST(log_weights[0] == std::log(0.25));
  BOOST_TEST(log_weights[1] == -std::numeric_limits<double>::infinity());
  BOOST_TEST(log_weights[2] == std::log(0.75));
  BOOST_TEST(cloud.normalised().mass() == 1.0);
}

BOOST_AUTO_TEST_CASE(draws_follow_the_weights) {
  const Cloud cloud(points({5, 6, 7}, 1), vector({1, 0, 3}));
  const auto draws = draw(DefaultExec(), cloud, 100000, {.seed = 1});
  const auto values = to_host(draws.points());
  double first = 0;
  for (double v : values) {
    BOOST_TEST_REQUIRE((v == 5 || v == 7));
    first += v == 5;
  }
  // binomial standard error sqrt(.25 * .75 / n), five of them
  BOOST_TEST(std::abs(first / 1e5 - 0.25) < 5 * std::sqrt(0.25 * 0.75 / 1e5));
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const double nan = std::nan("");
  BOOST_TEST(message([] { Cloud(Points<double>("empty", 0, 2)); }).find("at least one point") !=
             std::string::npos);
  BOOST_TEST(message([&] { Cloud(points({0, 1, 2, nan}, 2)); }).find("points(1, 1)") != std::string::npos);
  BOOST_TEST(message([&] {
               Cloud(points({0, 1}, 1), vector({1, -2}));
             }).find("weights(1) = -2") != std::string::npos);
  BOOST_TEST(message([&] {
               Cloud(points({0, 1}, 1), vector({nan, 1}));
             }).find("weights(0)") != std::string::npos);
  BOOST_TEST(message([&] {
               Cloud(points({0, 1}, 1), vector({0, 0}));
             }).find("sum of weights") != std::string::npos);
  BOOST_TEST(message([&] { Cloud(points({0, 1}, 1), vector({1})); }).find("2 points") != std::string::npos);
}
