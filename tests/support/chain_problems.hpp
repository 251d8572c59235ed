#pragma once
// Reference processes with drifts and what tests ask of their bridges.
#include <cmath>
#include <vector>

#include "fortet/solver/grid_ipf.hpp"

namespace fortet::test {

inline const DefaultExec& exec() {
  thread_local const DefaultExec instance;
  return instance;
}

inline Points<double> points(const std::vector<double>& values, std::size_t d = 1) {
  return points_from_host<double>(std::span<const double>(values), values.size() / d, d);
}
inline std::vector<double> drifts(const ChainBridge& b, double t, const std::vector<double>& x,
                                  std::size_t d = 1) {
  Points<double> out("out", x.size() / d, d);
  b.forward_drift(exec(), t, points(x, d), out);
  return to_host(out);
}
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

/// A double well along the first axis, a spring along the second.
inline const DriftDiffusion quartic{.drift = Drift::gradient([](std::span<const double> x) {
                                      return 2 * std::pow(x[0] * x[0] - 1, 2) + x[1] * x[1];
                                    }),
                                    .sigma = 0.9,
                                    .horizon = 1};
/// Rotation with a weak pull to the centre: no gradient.
inline const DriftDiffusion rotating{
    .drift = Drift::field([](std::span<const double> x, std::span<double> b) {
      b[0] = -2 * x[1] - 0.5 * x[0];
      b[1] = 2 * x[0] - 0.5 * x[1];
    }),
    .sigma = 0.8,
    .horizon = 1};
inline GridMeasure blob(const RegularGrid& grid, double x, double y, double variance) {
  return grid_measure(grid, [=](std::span<const double> z) {
    return -0.5 * ((z[0] - x) * (z[0] - x) + (z[1] - y) * (z[1] - y)) / variance;
  });
}
inline Solution<ChainBridge> solve(const GridMeasure& source, const GridMeasure& target,
                                   const DriftDiffusion& r, GridIpfOptions options = {}) {
  return GridIpf<double>(options).solve(exec(), Problem{source, target, r});
}

}  // namespace fortet::test
