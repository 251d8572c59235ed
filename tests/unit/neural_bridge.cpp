// Everything a NeuralBridge does, on drifts that are known exactly: a user's own DriftModel that returns
// those of a Gaussian bridge, so that nothing here depends on training.
#include "fortet/coupling/neural_bridge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <vector>

#include "support/moments.hpp"

using namespace fortet;
using test::Moments;
using test::moments;

namespace {

// N(-a, 1) to N(a, 1) in each coordinate with sigma = 1, T = 1: K = (sqrt 5 - 1)/2 (docs/conventions.md)
constexpr double shift = 0.4;
const double K = (std::sqrt(5.0) - 1) / 2;

double mean_at(double t) { return shift * (2 * t - 1); }
double variance_at(double t) { return (1 - t) * (1 - t) + t * t + t * (1 - t) * (2 * K + 1); }

/// The exact drift of one direction.
class GaussianDrift final : public DriftModel<double> {
 public:
  explicit GaussianDrift(Direction direction) : forwards_(direction == Direction::forward) {}
  int dimension() const override { return 2; }
  std::size_t parameter_count() const override { return 0; }
  std::string describe() const override { return "exact Gaussian drift"; }
  void initialise(RandomKey, Vector<double>) const override {}
  void evaluate(const DefaultExec& exec, ConstVector<double>, ConstVector<double> times,
                ConstPoints<double> x, Points<double> out) const override {
    const bool forwards = forwards_;
    const double k = K, a = shift;
    Kokkos::parallel_for(
        "fortet::test::drift", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          const double t = times(i), m = a * (2 * t - 1);
          const double slope = (k - 1) / (forwards ? (1 - t) + t * k : t + (1 - t) * k);
          for (std::size_t j = 0; j < 2; ++j) out(i, j) = (forwards ? 2 * a : -2 * a) + slope * (x(i, j) - m);
        });
  }
  void vjp(const DefaultExec& exec, ConstVector<double>, ConstVector<double> times, ConstPoints<double> x,
           ConstPoints<double> cotangent, Vector<double>, Points<double> out, Scratch&) const override {
    const bool forwards = forwards_;
    const double k = K;
    Kokkos::parallel_for(
        "fortet::test::vjp", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          const double t = times(i), slope = (k - 1) / (forwards ? (1 - t) + t * k : t + (1 - t) * k);
          for (std::size_t j = 0; j < 2; ++j) out(i, j) = slope * cotangent(i, j);
        });
  }

 private:
  bool forwards_;
};

Sampler<double> normal(double mean) {
  return {2, [=](const DefaultExec& exec, RandomKey key, Points<double> out) {
            Kokkos::parallel_for(
                "fortet::test::normal", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
                KOKKOS_LAMBDA(const std::size_t i) {
                  const NormalPair z = random_normal_pair(key, i, 0);
                  out(i, 0) = mean + z.first;
                  out(i, 1) = mean + z.second;
                });
          }};
}

NeuralBridge<double> exact_bridge(int steps) {
  std::vector<double> grid;
  for (int k = 0; k <= steps; ++k) grid.push_back(double(k) / steps);
  return {normal(-shift),
          normal(shift),
          Brownian{},
          grid,
          {std::make_shared<GaussianDrift>(Direction::forward), Vector<double>()},
          {std::make_shared<GaussianDrift>(Direction::backward), Vector<double>()}};
}

constexpr std::size_t count = 100000;
// five standard errors of a mean and of a variance over count rows of two coordinates, variances up to 1.3
const double mean_error = 5 * std::sqrt(1.3 / (2.0 * count)),
             variance_error = 5 * 1.3 * std::sqrt(1.0 / count);

/// The standard normal density at mean `mean`, for flow_log_density.
struct Density {
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  static constexpr bool normalised = true;
  double mean;
  int dimension() const { return 2; }
  void log_density(const DefaultExec& exec, ConstPoints<double> x, Vector<double> out) const {
    const double m = mean;
    Kokkos::parallel_for(
        "fortet::test::density", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          const double a = x(i, 0) - m, b = x(i, 1) - m;
          out(i) = -(a * a + b * b) / 2 - 1.8378770664093453;  // log 2 pi
        });
  }
};

}  // namespace

// b + b' = sigma^2 grad log p_t, to rounding.
BOOST_AUTO_TEST_CASE(drifts_satisfy_nelsons_relation) {
  const auto bridge = exact_bridge(10);
  const DefaultExec exec;
  const auto x =
      points_from_host<double>(std::span<const double>(std::vector<double>{0.3, -1, 2, 0.5}), 2, 2);
  Points<double> forward("f", 2, 2), backward("b", 2, 2), flow("v", 2, 2);
  for (double t : {0.0, 0.3, 1.0}) {
    bridge.forward_drift(exec, t, x, forward);
    bridge.backward_drift(exec, t, x, backward);
    bridge.probability_flow_drift(exec, t, x, flow);
    const auto f = to_host(forward), b = to_host(backward), v = to_host(flow), at = to_host(x);
    for (std::size_t i = 0; i < 4; ++i) {
      BOOST_TEST(std::abs(f[i] + b[i] + (at[i] - mean_at(t)) / variance_at(t)) < 1e-13);
      BOOST_TEST(std::abs(v[i] - (f[i] - b[i]) / 2) < 1e-14);
    }
  }
}

// The SDE, the flow and the family in between and beyond have the same marginals, in both directions. Heun
// with 40 steps: discretisation errors below 1e-3 (measured by refinement below), sampling errors as stated.
BOOST_AUTO_TEST_CASE(every_noise_level_has_the_bridges_marginals) {
  const auto bridge = exact_bridge(40);
  const DefaultExec exec;
  const std::vector<double> times = {0.25, 0.61, 1};
  for (double level : {0.0, 0.5, 1.0, 1.5})
    for (Direction direction : {Direction::forward, Direction::backward}) {
      const bool forwards = direction == Direction::forward;
      Points<double> start("start", count, 2);
      Paths<double> paths("paths", count, 2, 3);
      (forwards ? bridge.source() : bridge.target()).sample(exec, {.seed = 1}, start);
      bridge.sample_paths(
          exec, {.seed = 2}, times, start, paths,
          {.stepper = PathOptions::Stepper::heun, .direction = direction, .noise_level = level});
      for (std::size_t i = 0; i < 3; ++i) {
        const Points<double> at = Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, i);
        const Moments m = moments(to_host(at));
        BOOST_TEST(std::abs(m.mean - mean_at(times[i])) < mean_error + 1e-3,
                   "level " << level << " t " << times[i] << " mean " << m.mean);
        BOOST_TEST(std::abs(m.variance - variance_at(times[i])) < variance_error + 1e-3,
                   "level " << level << " t " << times[i] << " variance " << m.variance);
      }
    }
}

// Euler on the exact drift ends with variance 1.0157 at 20 steps (conventions, section 5), covariance exact;
// the bias halves with refinement.
BOOST_AUTO_TEST_CASE(euler_has_its_known_bias) {
  const auto bridge = exact_bridge(20);
  const DefaultExec exec;
  Points<double> x0("x0", count, 2), x1("x1", count, 2);
  bridge.sample(exec, {.seed = 5}, x0, x1);
  const auto a = to_host(x0), b = to_host(x1);
  const Moments first = moments(a), second = moments(b);
  double covariance = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    covariance += (a[i] - first.mean) * (b[i] - second.mean) / double(a.size());
  BOOST_TEST(std::abs(second.variance - 1.0157) < variance_error);
  BOOST_TEST(std::abs(covariance - K) < variance_error);
  Paths<double> paths("paths", count, 2, 1);
  const double end = 1;
  bridge.sample_paths(exec, {.seed = 6}, std::span(&end, 1), x0, paths, {.refinement = 5});
  const Points<double> refined = Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, 0);
  BOOST_TEST(std::abs(moments(to_host(refined)).variance - 1.0031) < variance_error);
  bridge.sample_marginal(exec, {.seed = 7}, 0.5, x1);
  BOOST_TEST(std::abs(moments(to_host(x1)).variance - variance_at(0.5)) < variance_error + 0.016);
}

BOOST_AUTO_TEST_CASE(log_likelihood_along_the_flow_is_the_closed_form) {
  const auto bridge = exact_bridge(10);
  const DefaultExec exec;
  const auto x =
      points_from_host<double>(std::span<const double>(std::vector<double>{0.3, -1, 2, 0.5, 0, 0}), 3, 2);
  const auto at = to_host(x);
  Vector<double> out("log_density", 3);
  for (double t : {0.0, 0.4, 1.0}) {
    flow_log_density(exec, bridge, Density{-shift}, t, x, out, 50);
    const auto values = to_host(out);
    for (std::size_t i = 0; i < 3; ++i) {
      const double u = at[2 * i] - mean_at(t), v = at[2 * i + 1] - mean_at(t);
      const double exact =
          -(u * u + v * v) / (2 * variance_at(t)) - std::log(2 * std::numbers::pi * variance_at(t));
      BOOST_TEST(std::abs(values[i] - exact) <
                 1e-7);  // fourth order: (1/50)^4 of a smooth field of order one
    }
  }
  // Hutchinson is exact here whatever the signs: the Jacobian is a multiple of the identity
  Points<double> start("start", 3, 2);
  Vector<double> exact("exact", 3), estimated("estimated", 3);
  bridge.pull_back(exec, 1, x, start, exact, 20);
  bridge.pull_back(exec, 1, x, start, estimated, 20, 2, {.seed = 3});
  for (std::size_t i = 0; i < 3; ++i) BOOST_TEST(std::abs(to_host(exact)[i] - to_host(estimated)[i]) < 1e-12);
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  const auto bridge = exact_bridge(4);
  const DefaultExec exec;
  Points<double> start("start", 5, 2);
  Paths<double> paths("paths", 5, 2, 2);
  const auto sample = [&](std::vector<double> times, PathOptions options) {
    bridge.sample_paths(exec, {}, times, start, paths, options);
  };
  BOOST_CHECK_THROW(sample({0.5}, {}), InvalidArgument);
  BOOST_CHECK_THROW(sample({0.5, 0.5}, {}), InvalidArgument);
  BOOST_CHECK_THROW(sample({0.5, 1.5}, {}), InvalidArgument);
  BOOST_CHECK_THROW(sample({0.5, 1.0}, {.noise_level = -1}), InvalidArgument);
  const auto& drift = bridge.drift(Direction::forward);
  BOOST_CHECK_THROW(NeuralBridge<double>(normal(0), normal(0), Brownian{}, {0, 0.5}, drift, drift),
                    InvalidArgument);
  BOOST_CHECK_THROW(NeuralBridge<double>(normal(0), normal(0), Brownian{}, {0, 1}, drift, {}),
                    InvalidArgument);
}
