#pragma once
// Mean and variance of a sample.
#include <vector>

namespace fortet::test {

struct Moments {
  double mean = 0, variance = 0;
};

/// Of all values together: a mean over coordinates where these are points.
inline Moments moments(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Moments m;
  for (double v : values) m.mean += v / n;
  for (double v : values) m.variance += (v - m.mean) * (v - m.mean) / n;
  return m;
}

}  // namespace fortet::test
