// DSB with exact regression against the population iterates of the discrete chain, then with networks.
#include "fortet/solver/dsb.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fortet/measure/datasets.hpp"
#include "support/dsb_population.hpp"
#include "support/exact_dsb.hpp"
#include "support/recorder.hpp"

using namespace fortet;
using namespace oracle;
using Affine = NeuralBridge<double>;
static_assert(ConditionalCoupling<Affine>);
static_assert(Bridge<NeuralBridge<float>>);

// The oracle itself reproduces the published N-step fixed points (docs/mathematics/dsb.md).
BOOST_AUTO_TEST_CASE(population_oracle_has_the_known_fixed_points) {
  const auto limit = [](int steps) {
    std::vector<double> grid;
    for (int k = 0; k <= steps; ++k) grid.push_back(double(k) / steps);
    return oracle::dsb_population(oracle::reference_chain(grid, 0, 0, 1), {-0.1, 1}, {0.1, 1}, 30)
        .back()
        .backward;
  };
  require_close(limit(20), {-0.0908, 1.0118, 0.6163},
                6e-5);  // quoted to four digits
  require_close(limit(100), {-0.0981, 1.0023, 0.6175}, 6e-5);
}

// tests/unit/dsb_slow.cpp does the same with more trajectories.
BOOST_AUTO_TEST_CASE(exact_regression_follows_the_population_iterates) {
  for (int iterations : {1, 2}) require_population_iterate(iterations, 40000);
}

// An Ornstein-Uhlenbeck reference, the triangular schedule, unequal variances, a horizon that is not one.
BOOST_AUTO_TEST_CASE(exact_regression_with_another_reference_and_schedule) {
  const int n = 30000;
  const OrnsteinUhlenbeck reference{.rate = 0.7, .mean = {0.5}, .sigma = 1.3, .horizon = 2};
  const Problem problem{normal(1, 1, 0.6), normal(1, -1, 1.4), reference};
  DsbOptions options = exact_regression(3, n);
  options.schedule = {.steps = 15, .kind = StepSchedule::Kind::triangular, .ratio = 10};
  const auto expected = oracle::dsb_population(
      oracle::reference_chain(options.schedule.grid(2), 0.7, 0.5, 1.3), {1, 0.36}, {-1, 1.96}, 3);
  const auto [bridge, report] = Dsb<double>(options).solve(DefaultExec(), problem);
  const double tolerance =
      8 / std::sqrt(double(n)) * 1.96;  // as require_population_iterate, larger variances
  require_close(oracle::run(fitted(bridge, Direction::backward), {-1, 1.96}, false), expected.back().backward,
                tolerance);
  require_close(oracle::run(fitted(bridge, Direction::forward), {1, 0.36}, true), expected.back().forward,
                tolerance);
  BOOST_TEST(report.epsilon == reference.epsilon());
}

// Batches of both half-bridges when every chain is Brownian motion from a point: with the state's own time as
// label, X has variance t (forward chain) or T - t (backward chain), the reversal target -noise / h has
// variance 1 / h and covariance -1 with X. A label off by one step of 20 is wrong by a factor two at one end.
BOOST_AUTO_TEST_CASE(states_carry_their_own_time) {
  const Problem problem{normal(1, 0, 0), normal(1, 0, 0), Brownian{}};
  const auto recorder = std::make_shared<Recorder>();
  DsbOptions options{{.iterations = 1}};
  const int rows = 40000;
  options.training = {.steps = 1, .batch = rows, .particles = rows};
  Dsb<double>(options, recorder).solve(DefaultExec(), problem);
  BOOST_TEST_REQUIRE(recorder->seen.size() == 2u);
  for (int side : {0, 1}) {
    const auto& batch = recorder->seen[static_cast<std::size_t>(side)];
    double variance = 0, target = 0, product = 0;
    for (std::size_t i = 0; i < std::size_t(rows); ++i) {
      const double age = side == 0 ? batch.times[i] : 1 - batch.times[i];
      variance += batch.x[i] * batch.x[i] / age / rows;
      target += batch.target[i] * batch.target[i] / 20 / rows;
      product += batch.x[i] * batch.target[i] / rows;
    }
    // the first two are means of squared standard normals; the product has variance of order 1 / h
    BOOST_TEST(std::abs(variance - 1) < 5 * std::sqrt(2.0 / rows));
    BOOST_TEST(std::abs(target - 1) < 5 * std::sqrt(2.0 / rows));
    BOOST_TEST(std::abs(product + 1) < 5 * std::sqrt(20.0 / rows));
  }
}

// A short training of a small network on the Gaussian problem in d = 2. A smoke test of
// the whole with a loose tolerance for what 600 Adam steps at batch 256 leave; sampling adds only sqrt(2 /
// 40,000) = .007.
BOOST_AUTO_TEST_CASE(networks_learn_the_bridge) {
  const Problem problem{normal(2, -0.5, 1), normal(2, 0.5, 1), Brownian{}};
  DsbOptions options{{.iterations = 2, .tolerance = 0}};
  options.network = plain_network({32, 32});
  options.training = {.steps = 600, .batch = 256, .particles = 3000, .refresh = 300};
  options.training.adam = {.learning_rate = 3e-3, .average = 0.99, .schedule = LearningRate::cosine};
  const auto [bridge, report] = Dsb<float>(options).solve(DefaultExec(), problem);
  const auto truth =
      oracle::dsb_population(oracle::reference_chain(StepSchedule{}.grid(1), 0, 0, 1), {-0.5, 1}, {0.5, 1}, 2)
          .back();
  const std::size_t n = 20000;
  Points<float> x0("x0", n, 2), x1("x1", n, 2);
  bridge.sample(DefaultExec(), {.seed = 77}, x0, x1);
  const End forward = end_of(to_host(x0), to_host(x1), 2);
  BOOST_TEST(std::abs(forward.mean - truth.forward.mean) < 0.08);
  BOOST_TEST(std::abs(forward.variance - truth.forward.variance) < 0.08);
  BOOST_TEST(std::abs(forward.covariance - truth.forward.covariance) < 0.08);
  bridge.target().sample(DefaultExec(), {.seed = 78}, x1);
  bridge.sample_backward(DefaultExec(), {.seed = 79}, x1, x0);
  const End backward = end_of(to_host(x1), to_host(x0), 2);
  BOOST_TEST(std::abs(backward.mean - truth.backward.mean) < 0.08);
  BOOST_TEST(std::abs(backward.variance - truth.backward.variance) < 0.08);
  BOOST_TEST(std::abs(backward.covariance - truth.backward.covariance) < 0.08);
  BOOST_TEST((report.status == Status::iteration_limit));
  BOOST_TEST(report.marginal_error < 0.3);  // two iterations leave the means .12 short of their targets
  BOOST_TEST(report.history.size() == 4u);
}

BOOST_AUTO_TEST_CASE(stops_when_the_chains_stand_still) {
  const Problem problem{normal(1, -0.1, 1), normal(1, 0.1, 1), Brownian{}};
  DsbOptions options = exact_regression(50, 20000);
  options.tolerance = 0.05;  // least squares on 20,000 trajectories moves the ends by about .01
  const auto [bridge, report] = Dsb<double>(options).solve(DefaultExec(), problem);
  BOOST_TEST(report.converged());
  BOOST_TEST(report.iterations < 10);
}

BOOST_AUTO_TEST_CASE(the_observer_sees_and_stops) {
  const Problem problem{PlanarDataset(Shape::moons), normal(2, 0, 1), Brownian{}};
  int calls = 0;
  DsbOptions options{{.iterations = 2}};
  options.network = plain_network({8});
  options.training = {
      .steps = 40, .growth = 2, .batch = 700, .particles = 500};  // a batch larger than the data
  options.check_every = 10;
  options.observer = [&calls](const Progress& progress) {
    ++calls;
    BOOST_TEST(progress.loss > 0);
    BOOST_TEST(progress.samples_per_second > 0);
    BOOST_TEST(std::abs(progress.done - calls / 24.0) < 1e-12);  // rounds of 4, 4, 8 and 8 calls
    BOOST_TEST(std::abs(progress.part - (calls > 8 ? (calls - 8) / 8.0 : (calls - 1) % 4 / 4.0 + 0.25)) <
               1e-12);
    return calls == 10 ? Continue::no : Continue::yes;
  };
  const auto [bridge, report] = Dsb<float>(options).solve(DefaultExec(), problem);
  BOOST_TEST(calls == 10);
  BOOST_TEST((report.status == Status::cancelled));
}

// A rate this high overflows within a few steps; the bridge that comes back is the last good one and is
// finite.
BOOST_AUTO_TEST_CASE(divergence_is_a_status) {
  const Problem problem{normal(1, -0.1, 1), normal(1, 0.1, 1), Brownian{}};
  DsbOptions options{{.iterations = 2}};
  options.network = plain_network({16, 16}, Activation::relu);
  options.training = {.steps = 200, .batch = 64, .particles = 200};
  options.training.adam.learning_rate = 1e25;
  const auto [bridge, report] = Dsb<float>(options).solve(DefaultExec(), problem);
  BOOST_TEST((report.status == Status::diverged));
  Points<float> x0("x0", 10, 1), x1("x1", 10, 1);
  bridge.sample(DefaultExec(), {.seed = 1}, x0, x1);
  for (double value : to_host(x1)) BOOST_TEST(std::isfinite(value));
  BOOST_TEST(report.kernel.find("; diverged in iteration 1, ") != std::string::npos, report.kernel);
  // regression without steps: the chain that comes of it says so
  DsbOptions affine{{.iterations = 2}};
  affine.training.particles = 200;
  affine.regression = Regression::affine;
  const auto nan =
      Dsb<float>(affine).solve(DefaultExec(), Problem{normal(1, NAN, 1), normal(1, 0, 1), Brownian{}});
  BOOST_TEST((nan.report.status == Status::diverged));
  BOOST_TEST(nan.report.kernel.find("the end of its chain is not finite") != std::string::npos,
             nan.report.kernel);
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  BOOST_CHECK_THROW(Dsb<float>({{.iterations = 0}}), InvalidArgument);
  BOOST_CHECK_THROW(Dsb<float>({{.schedule = {}, .training = {.batch = 0}}}), InvalidArgument);
  BOOST_CHECK_THROW(Dsb<float>({{.training = {.growth = 0.5}}}), InvalidArgument);
  const Problem unequal{normal(1, 0, 1), normal(2, 0, 1), Brownian{}};
  BOOST_CHECK_THROW(Dsb<float>().solve(DefaultExec(), unequal), InvalidArgument);
  BOOST_CHECK_THROW((StepSchedule{.times = {0, 0.5, 0.5, 1}}.grid(1)), InvalidArgument);
  BOOST_CHECK_THROW((StepSchedule{.steps = 0}.grid(1)), InvalidArgument);
}
