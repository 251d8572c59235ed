// The over-relaxation factor, learnt from the errors of iterations whose rates are known.
#include "solver/relaxation.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using fortet::solver::Relaxation;

namespace {

double young(double theta) { return 2 / (1 + std::sqrt(1 - theta)); }

/// Successive over-relaxation of x = b y, y = b x (solution 0), whose plain iteration contracts by
/// theta = b^2: the linear model of two alternating half-steps. The error begins at one; returns iterations
/// until it is 1e-12.
struct TwoBlocks {
  double theta;
  double x = 0, y = 1 / (1 - theta);
  int solve(Relaxation& relaxation, int limit = 400000) {
    const double b = std::sqrt(theta);
    for (int k = 1; k < limit; ++k) {
      const double w = relaxation.factor();
      x += w * (b * y - x);
      y += w * (b * x - y);
      const double error = std::abs(x - b * y);
      if (error < 1e-12) return k;
      relaxation.observe(error);
    }
    return limit;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(learns_the_optimal_factor_of_a_linear_iteration) {
  for (const double theta : {0.9, 0.99, 0.999}) {
    BOOST_TEST_CONTEXT("theta = " << theta) {
      Relaxation learnt(1.999), plain(1);
      const int fast = TwoBlocks{theta}.solve(learnt), slow = TwoBlocks{theta}.solve(plain);
      // the rate w - 1 beyond the optimum is flat, so it is the distance to 2 that counts; a change that
      // gains less than a tenth of it is not made
      BOOST_TEST(std::abs(learnt.factor() - young(theta)) < 0.15 * (2 - young(theta)));
      // the optimum has rate w - 1; finding it costs as much again
      BOOST_TEST(fast < 2.5 * (std::log(1e-12) / std::log(young(theta) - 1)) + 60);
      BOOST_TEST(fast < slow);
      BOOST_TEST(plain.factor() == 1);
      BOOST_TEST(std::abs(std::log(1e-12) / std::log(theta) - slow) < 0.05 * slow + 5);
    }
  }
}

BOOST_AUTO_TEST_CASE(stays_below_the_largest_factor) {
  Relaxation limited(1.5);
  TwoBlocks{0.9999}.solve(limited, 3000);
  BOOST_TEST(limited.factor() == 1.5);
}

BOOST_AUTO_TEST_CASE(refusals_halve_the_step_and_lower_the_limit) {
  Relaxation relaxation(1.9);
  TwoBlocks{0.9999}.solve(relaxation, 3000);
  const double before = relaxation.factor();
  BOOST_TEST(before == 1.9);
  relaxation.refuse();
  BOOST_TEST(relaxation.factor() == 1 + (before - 1) / 2);
  for (int k = 0; k < 60; ++k) relaxation.refuse();
  BOOST_TEST(relaxation.factor() - 1 < 1e-15);
  // ten refusals at most are held against it: half of the limit is out of reach from then on
  TwoBlocks{0.9999}.solve(relaxation, 3000);
  BOOST_TEST(std::abs(relaxation.factor() - 1.4) < 1e-12);
}

BOOST_AUTO_TEST_CASE(nonsense_is_no_observation) {
  Relaxation relaxation(1.9);
  for (int k = 0; k < 200; ++k)
    for (const double error : {0.0, -1.0, std::nan(""), HUGE_VAL}) relaxation.observe(error);
  for (int k = 0; k < 200; ++k) relaxation.observe(1.0);  // no progress: no rate below one
  BOOST_TEST(relaxation.factor() == 1);
  relaxation.restart();
  BOOST_TEST(relaxation.rate() == 1);
}

BOOST_AUTO_TEST_CASE(safe_half_steps_gain) {
  for (const double omega : {1.1, 1.5, 1.9, 1.99})
    for (double r = fortet::solver::safe_log_ratio(omega); r < 5; r += 0.01)
      BOOST_TEST(fortet::solver::dual_gain(r, omega) >= -1e-16);
  // a little further down one loses, or the bound would be idle
  for (const double omega : {1.5, 1.9, 1.99})
    BOOST_TEST(fortet::solver::dual_gain(4 * fortet::solver::safe_log_ratio(omega), omega) < 0);
}

BOOST_AUTO_TEST_CASE(levels_fall_to_the_target) {
  const auto levels = fortet::solver::annealing_levels(0.01, 1, 4, 0.25, 0.1);
  BOOST_TEST(levels.back() == 0.01);
  BOOST_TEST(levels.size() == 5u);  // 2.56, .64, .16, .04, .01
  for (std::size_t k = 1; k < levels.size(); ++k) BOOST_TEST(levels[k] < levels[k - 1]);
  BOOST_TEST(fortet::solver::annealing_levels(0.2, 1, 4, 0.25, 0.1).size() == 1u);
}
