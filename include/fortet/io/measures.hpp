#pragma once
// From the description of a problem to measures.
#include "fortet/io/points.hpp"
#include "fortet/io/problem_file.hpp"
#include "fortet/measure/gaussian_mixture.hpp"

namespace fortet {

/// Throws InvalidArgument as the constructor of Gaussian does.
inline Gaussian make_measure(const GaussianDescription& description) {
  return {description.mean, description.covariance};
}

inline GaussianMixture make_measure(const MixtureDescription& description) {
  std::vector<Gaussian> components;
  for (const GaussianDescription& component : description.components)
    components.push_back(make_measure(component));
  return {description.weights, std::move(components)};
}

/// Reads the files. Throws as read_point_cloud() does.
inline PointCloud<double> make_measure(const FileDescription& description) {
  return read_point_cloud<double>(description.points, description.weights);
}

/// Any measure that a problem file can describe.
using AnyMeasure = std::variant<Gaussian, GaussianMixture, PointCloud<double>>;

/// The measure described; `key` ("source" or "target") begins the message of what is thrown.
inline AnyMeasure make_measure(const MeasureDescription& description, const std::string& key) {
  try {
    return std::visit([](const auto& kind) -> AnyMeasure { return make_measure(kind); }, description);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(key + ": " + error.what());
  }
}

}  // namespace fortet
