#pragma once
// DSB by exact regression in one dimension, compared with the population iterates.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/nn/affine_steps.hpp"
#include "fortet/solver/dsb.hpp"
#include "support/dsb_population.hpp"

namespace oracle {

using namespace fortet;
using Affine = NeuralBridge<double>;

/// N(mean, deviation^2 I) in d dimensions.
inline Sampler<double> normal(int d, double mean, double deviation) {
  return {d, [=](const DefaultExec& exec, RandomKey key, Points<double> out) {
            Kokkos::parallel_for(
                "fortet::test::normal", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
                KOKKOS_LAMBDA(const std::size_t i) {
                  for (std::size_t k = 0; k < out.extent(1); ++k)
                    out(i, k) = mean + deviation * random_normal(key, i, static_cast<std::uint32_t>(k));
                });
          }};
}

/// The chain a one-dimensional affine bridge simulates, from its fitted maps.
inline Chain fitted(const Affine& bridge, Direction direction) {
  const auto& drift = bridge.drift(direction);
  const auto& model = dynamic_cast<const AffineSteps<double>&>(*drift.model);
  Chain chain;
  for (std::size_t k = 0; k + 1 < bridge.grid().size(); ++k) {
    const double h = bridge.grid()[k + 1] - bridge.grid()[k];
    const AffineMap map = model.map(k, drift.parameters);
    chain.slope.push_back(1 + h * map.slope(0, 0));
    chain.offset.push_back(h * map.offset[0]);
    chain.noise.push_back(bridge.reference().variance(bridge.grid()[k], bridge.grid()[k + 1]));
  }
  return chain;
}

inline void require_close(const End& a, const End& b, double tolerance) {
  BOOST_TEST(std::abs(a.mean - b.mean) < tolerance);
  BOOST_TEST(std::abs(a.variance - b.variance) < tolerance);
  BOOST_TEST(std::abs(a.covariance - b.covariance) < tolerance);
}

inline DsbOptions exact_regression(int iterations, int particles) {
  DsbOptions options{{.iterations = iterations, .tolerance = 0}, Regression::affine};
  options.training.particles = particles;
  return options;
}

/// Both chains after `iterations` <= 4 iterations of N(-.1, 1) to N(.1, 1) with 20 steps on `n` trajectories.
/// The standard deviations of their means, variances and covariances over 12 seeds were .6 to 1.5 / sqrt(n);
/// five of the largest.
inline void require_population_iterate(int iterations, int n) {
  const Problem problem{normal(1, -0.1, 1), normal(1, 0.1, 1), Brownian{}};
  const auto truth =
      dsb_population(reference_chain(StepSchedule{}.grid(1), 0, 0, 1), {-0.1, 1}, {0.1, 1}, iterations)
          .back();
  const auto [bridge, report] = Dsb<double>(exact_regression(iterations, n)).solve(DefaultExec(), problem);
  const double tolerance = 8 / std::sqrt(double(n));
  require_close(run(fitted(bridge, Direction::backward), {0.1, 1}, false), truth.backward, tolerance);
  require_close(run(fitted(bridge, Direction::forward), {-0.1, 1}, true), truth.forward, tolerance);
  BOOST_TEST(report.iterations == iterations);
  BOOST_TEST(report.history.front().method == "score-based generative modelling");
}

}  // namespace oracle
