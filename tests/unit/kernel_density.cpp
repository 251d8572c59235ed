#include "fortet/measure/kernel_density.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "support/messages.hpp"

using namespace fortet;
using test::contains;
using test::message;

namespace {

PointCloud<double> cloud(const std::vector<double>& x, std::size_t d, const std::vector<double>& weights) {
  return {points_from_host<double>(std::span<const double>(x), weights.size(), d),
          vector_from_host<double>(std::span<const double>(weights))};
}
const std::vector<double> x{0.1, -0.4, 0.75, 0.3, -0.6, 0.2, 0.55, -0.15, -0.3, 0.6};
const std::vector<double> w{1, 2, 0.5, 1.5, 1};

}  // namespace

// scipy.stats.gaussian_kde(x, weights=w): factor, and sqrt of the diagonal of its covariance
BOOST_AUTO_TEST_CASE(bandwidths_are_those_of_the_named_rules) {
  double total = 0, square = 0, mean = 0, variance = 0;
  for (double v : w) total += v;
  for (double v : w) square += v * v / (total * total);
  for (std::size_t i = 0; i < 5; ++i) mean += w[i] / total * x[i];
  for (std::size_t i = 0; i < 5; ++i) variance += w[i] / total * (x[i] - mean) * (x[i] - mean) / (1 - square);
  const std::vector<double> line(x.begin(), x.begin() + 5);
  BOOST_TEST(std::abs(bandwidths(cloud(line, 1, w), BandwidthRule::scott)[0] -
                      std::sqrt(variance) * std::pow(1 / square, -0.2)) < 1e-14);
  BOOST_TEST(std::abs(bandwidths(cloud(line, 1, w), BandwidthRule::silverman)[0] -
                      std::sqrt(variance) * std::pow(0.75 / square, -0.2)) < 1e-14);
  // in two dimensions both are n^(-1/6)
  const auto scott = bandwidths(cloud(x, 2, w), BandwidthRule::scott),
             silverman = bandwidths(cloud(x, 2, w), BandwidthRule::silverman);
  for (std::size_t k = 0; k < 2; ++k) BOOST_TEST(std::abs(scott[k] - silverman[k]) < 1e-15);
}

// Against the sum itself; linear binning leaves (spacing / bandwidth)^2 / 6.
BOOST_AUTO_TEST_CASE(the_estimate_is_the_sum_of_its_kernels) {
  const DefaultExec exec;
  const RegularGrid grid{{-3, 3, 150}, {-3.5, 3, 160}};
  const std::vector<double> b{0.3, 0.4};
  const auto p = kernel_density(exec, grid, cloud(x, 2, w), b);
  BOOST_TEST(std::abs(p.mass() - 1) < 1e-9);
  const auto got = to_host(p.log_density());
  double most = 0, worst = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    double sum = 0;
    for (std::size_t s = 0; s < 5; ++s) {
      const double u = (grid.coordinate(i, 0) - x[2 * s]) / b[0],
                   v = (grid.coordinate(i, 1) - x[2 * s + 1]) / b[1];
      sum += w[s] / 6 * std::exp(-0.5 * (u * u + v * v)) / (2 * std::numbers::pi * b[0] * b[1]);
    }
    most = std::max(most, sum);
    worst = std::max(worst, std::abs(std::exp(got[i]) - sum));
  }
  BOOST_TEST(worst < most * std::pow(6.0 / 150 / 0.3, 2) / 6);
  // far from all samples the estimate is still that sum, in the log domain
  BOOST_TEST(std::isfinite(got[0]));
}

BOOST_AUTO_TEST_CASE(mass_outside_the_box_is_told) {
  const DefaultExec exec;
  const auto one = cloud({0.0, 2.0}, 1, {1, 1});
  // half a Gaussian at the wall, moved by half a cell, and a sample outside
  BOOST_TEST(std::abs(kernel_density(exec, RegularGrid{{0, 1, 400}}, one, std::vector<double>{0.05}).mass() -
                      0.25) < 0.01);
  BOOST_TEST(contains(message([&] {
                        kernel_density(exec, RegularGrid{{0, 1, 10}}, one, std::vector<double>{0.05});
                      }),
                      "bandwidth[0] = 0.05"));
  BOOST_TEST(contains(message([&] {
                        kernel_density(exec, RegularGrid{{5, 6, 10}}, one, std::vector<double>{1.0});
                      }),
                      "inside the box"));
  BOOST_TEST(contains(message([&] {
                        kernel_density(exec, RegularGrid{{5, 6, 10}}, one, std::vector<double>{1.0, 1.0});
                      }),
                      "bandwidth.size() = 2"));
  BOOST_TEST(contains(message([&] {
                        bandwidths(cloud({1.0, 1.0}, 1, {1, 1}), BandwidthRule::scott);
                      }),
                      "spread"));
  BOOST_TEST(
      contains(message([&] { bandwidths(cloud({1.0}, 1, {1}), BandwidthRule::scott); }), "at least two"));
}
