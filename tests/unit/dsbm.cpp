// Bridge matching: its batches against the closed form of pinned processes, then with networks.
#include "fortet/solver/dsbm.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "support/exact_dsb.hpp"
#include "support/recorder.hpp"

using namespace fortet;
using oracle::normal;
using oracle::Recorder;

namespace {

/// The pair (from, to), always.
struct OnePair {
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  double from, to;
  static int source_dimension() { return 1; }
  static int target_dimension() { return 1; }
  void sample(const DefaultExec& exec, RandomKey, Points<double> x0, Points<double> x1) const {
    Kokkos::deep_copy(exec, x0, from);
    Kokkos::deep_copy(exec, x1, to);
  }
};

}  // namespace

// X pinned at x0 and x1, relative to the mean, with s = sinh: mean (x0 s(lambda (T - t)) + x1 s(lambda t)) /
// s(lambda T), variance sigma^2 / lambda s(lambda t) s(lambda (T - t)) / s(lambda T), backward drift lambda
// (x0 / s(lambda t) - x coth(lambda t)), an independent form of what the solver computes from transition
// densities.
BOOST_AUTO_TEST_CASE(batches_come_from_the_pinned_reference) {
  const double rate = 0.8, centre = 0.3, sigma = 1.2, T = 1.5, x0 = -1, x1 = 2;
  const Problem problem{normal(1, 0, 1), normal(1, 0, 1),
                        OrnsteinUhlenbeck{.rate = rate, .mean = {centre}, .sigma = sigma, .horizon = T}};
  const auto recorder = std::make_shared<Recorder>();
  DsbmOptions options{{.iterations = 1}};
  const std::size_t rows = 20000;
  options.training = {.steps = 1, .batch = int(rows), .particles = 100};
  Dsbm<double>(options, recorder).solve(DefaultExec(), problem, OnePair{x0, x1});
  BOOST_TEST_REQUIRE(recorder->seen.size() == 2u);  // the backward round of the pair, and the forward round
  const auto& batch = recorder->seen[0];
  const auto s = [](double v) { return std::sinh(v); };
  double mean = 0, square = 0, worst = 0, least = 1, most = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double t = batch.times[i] * T, x = batch.x[i] - centre;
    const double expected = ((x0 - centre) * s(rate * (T - t)) + (x1 - centre) * s(rate * t)) / s(rate * T);
    const double variance = sigma * sigma / rate * s(rate * t) * s(rate * (T - t)) / s(rate * T);
    const double z = (x - expected) / std::sqrt(variance);
    mean += z / double(rows);
    square += z * z / double(rows);
    const double drift = rate * ((x0 - centre) / s(rate * t) - x / std::tanh(rate * t));
    worst = std::max(worst, std::abs(batch.target[i] - drift) / (1 + std::abs(drift)));
    least = std::min(least, batch.times[i]);
    most = std::max(most, batch.times[i]);
  }
  BOOST_TEST(worst < 1e-11);  // 1/t amplifies roundings by a thousand
  BOOST_TEST(std::abs(mean) < 5 / std::sqrt(double(rows)));
  BOOST_TEST(std::abs(square - 1) < 5 * std::sqrt(2.0 / double(rows)));
  BOOST_TEST((least > 1e-3 && least < 2e-3 && most < 1 - 1e-3 && most > 1 - 2e-3));
}

// Forward, from a target that is all but one point.
BOOST_AUTO_TEST_CASE(forward_targets_lead_to_the_target) {
  const double T = 2, sigma = 0.7;
  const Problem problem{normal(1, 1, 1e-9), normal(1, 3, 1e-9), Brownian{.sigma = sigma, .horizon = T}};
  const auto recorder = std::make_shared<Recorder>();
  DsbmOptions options{{.iterations = 1, .schedule = {.steps = 1}}};
  options.training = {.steps = 1, .batch = 5000, .particles = 2};
  Dsbm<double>(options, recorder).solve(DefaultExec(), problem);
  const auto& forward = recorder->seen[1];
  // x1 = 3 up to 1e-9, so the target is (3 - x)/(T - t), whatever x0 was drawn
  double worst = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    const double left = T * (1 - forward.times[i]);
    worst = std::max(worst, std::abs(forward.target[i] * left - (3 - forward.x[i])));
  }
  BOOST_TEST(worst < 1e-7);
}

// Both flavours on N(-.5, I) to N(.5, I), d = 2, two iterations of 800 Adam steps; tolerances as in
// networks_learn_the_bridge. From the reference, iterates are those of proportional fitting (the chain with
// many steps); from the independent coupling the ends are right from the start and the covariance goes to
// .6180: .5463, .6111, .6174, .6180 after the four projections of two iterations.
BOOST_AUTO_TEST_CASE(networks_learn_the_bridge_by_matching) {
  const Problem problem{normal(2, -0.5, 1), normal(2, 0.5, 1), Brownian{}};
  const auto grid = StepSchedule{.steps = 500}.grid(1);
  const oracle::End fitting =
      oracle::dsb_population(oracle::reference_chain(grid, 0, 0, 1), {-0.5, 1}, {0.5, 1}, 2).back().forward;
  for (FirstCoupling first : {FirstCoupling::reference, FirstCoupling::independent}) {
    DsbmOptions options{{.iterations = 2, .tolerance = 0}, first};
    options.network = plain_network({32, 32});
    options.training = {.steps = 800, .batch = 256, .particles = 4000, .refresh = 400};
    options.training.adam = {.learning_rate = 3e-3, .average = 0.99, .schedule = LearningRate::cosine};
    const auto [bridge, report] = Dsbm<float>(options).solve(DefaultExec(), problem);
    const std::size_t n = 20000;
    Points<float> x0("x0", n, 2), x1("x1", n, 2);
    bridge.sample(DefaultExec(), {.seed = 77}, x0, x1);
    const auto a = to_host(x0), b = to_host(x1);
    double ma = 0, mb = 0, variance = 0, covariance = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      ma += a[i] / double(a.size());
      mb += b[i] / double(a.size());
    }
    for (std::size_t i = 0; i < a.size(); ++i) {
      variance += (b[i] - mb) * (b[i] - mb) / double(a.size());
      covariance += (a[i] - ma) * (b[i] - mb) / double(a.size());
    }
    BOOST_TEST_CONTEXT("first coupling " << int(first)) {
      const oracle::End truth = first == FirstCoupling::reference ? fitting : oracle::End{0.5, 1, 0.618};
      BOOST_TEST(std::abs(mb - truth.mean) < 0.08);
      BOOST_TEST(std::abs(variance - truth.variance) < 0.1);
      BOOST_TEST(std::abs(covariance - truth.covariance) < 0.1);
      BOOST_TEST(report.history.front().method == "matching of the first coupling");
    }
  }
}

// From the entropic coupling of minibatches the first projection is already close: between N(-.5, I) and
// N(.5, I) Cov(X0, X1) = .6180, and minibatches of 500 points are .01 away.
BOOST_AUTO_TEST_CASE(the_entropic_coupling_starts_at_the_answer) {
  const auto recorded = std::make_shared<Recorder>();
  const Problem line{normal(1, -0.5, 1), normal(1, 0.5, 1), Brownian{}};
  DsbmOptions options{{.iterations = 1}, FirstCoupling::entropic};
  options.minibatch = 500;
  const std::size_t rows = 20000;
  options.training = {.steps = 1, .batch = int(rows), .particles = int(rows)};
  Dsbm<double>(options, recorded).solve(DefaultExec(), line);
  // the backward target is (x0 - x_t)/t: both ends of the pair can be told from t, x_t and the noise-free
  // mean
  const auto& batch = recorded->seen[0];
  double mean = 0, square = 0, product = 0, at = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double x0 = batch.x[i] + batch.times[i] * batch.target[i];
    mean += x0 / double(rows);
    square += x0 * x0 / double(rows);
    product += (x0 + 0.5) * (batch.x[i] - (2 * batch.times[i] - 1) * 0.5) / double(rows);
    at += (1 - batch.times[i] + batch.times[i] * 0.6180) / double(rows);
  }
  // every pair once: x0 are 20,000 draws, up to the plan's draws with replacement
  BOOST_TEST(std::abs(mean + 0.5) < 5 * std::sqrt(2.0 / double(rows)));
  BOOST_TEST(std::abs(square - 1.25) < 0.08);
  // Cov(X0, X_t) = (1 - t) + t .618 on average over t; five standard deviations and the minibatch bias
  BOOST_TEST(std::abs(product - at) < 5 * std::sqrt(2.0 / double(rows)) + 0.02);
}

// Both drifts at once, pairs simulated anew by the current averages: the online form.
BOOST_AUTO_TEST_CASE(joint_directions_learn_the_bridge) {
  const Problem problem{normal(2, -0.5, 1), normal(2, 0.5, 1), Brownian{}};
  DsbmOptions options{{.iterations = 2, .tolerance = 0}, FirstCoupling::independent, Directions::joint};
  options.network = plain_network({32, 32});
  options.training = {.steps = 1000, .batch = 256, .particles = 2000, .refresh = 50};
  options.training.adam = {.learning_rate = 3e-3, .average = 0.99, .schedule = LearningRate::cosine};
  const auto [bridge, report] = Dsbm<float>(options).solve(DefaultExec(), problem);
  BOOST_TEST(report.history.size() == 4u);
  const std::size_t n = 20000;
  Points<float> x0("x0", n, 2), x1("x1", n, 2);
  bridge.sample(DefaultExec(), {.seed = 77}, x0, x1);
  const auto a = to_host(x0), b = to_host(x1);
  double ma = 0, mb = 0, covariance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ma += a[i] / double(a.size());
    mb += b[i] / double(a.size());
  }
  for (std::size_t i = 0; i < a.size(); ++i) covariance += (a[i] - ma) * (b[i] - mb) / double(a.size());
  // tolerances as for alternating directions
  BOOST_TEST(std::abs(mb - 0.5) < 0.1);
  BOOST_TEST(std::abs(covariance - 0.618) < 0.1);
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  BOOST_CHECK_THROW(Dsbm<float>({{.iterations = 0}}), InvalidArgument);
  BOOST_CHECK_THROW(Dsbm<float>({{.tolerance = -1}}), InvalidArgument);
  const Problem unequal{normal(1, 0, 1), normal(2, 0, 1), Brownian{}};
  BOOST_CHECK_THROW(Dsbm<float>().solve(DefaultExec(), unequal), InvalidArgument);
}
