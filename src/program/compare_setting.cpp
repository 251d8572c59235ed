// A problem file as the solvers of `fortet compare` and `fortet validate --pairs` take it.
#include "fortet/io/points.hpp"
#include "program/compare_solvers.hpp"
#include "program/input.hpp"

namespace fortet::program {
namespace {

ComparedReference isotropic_reference(const ReferenceDescription& description) {
  if (const auto* brownian = std::get_if<Brownian>(&description)) return *brownian;
  if (const auto* process = std::get_if<OrnsteinUhlenbeck>(&description)) return *process;
  throw InvalidArgument(
      "the problem's reference = linear is not allowed; expected brownian or ornstein_uhlenbeck "
      "(fortet gaussian takes a linear reference)");
}

ComparedMeasure build(const MeasureDescription& description) {
  const auto gaussian = [](const GaussianDescription& d) { return Gaussian(d.mean, d.covariance); };
  if (const auto* d = std::get_if<GaussianDescription>(&description)) return gaussian(*d);
  if (const auto* d = std::get_if<MixtureDescription>(&description)) {
    std::vector<Gaussian> components;
    for (const auto& component : d->components) components.push_back(gaussian(component));
    return GaussianMixture(d->weights, std::move(components));
  }
  const auto& file = std::get<FileDescription>(description);
  return reading([&] { return read_point_cloud<double>(file.points, file.weights); });
}

}  // namespace

Setting compare_setting(const ProblemDescription& description) {
  return {.exec = {},
          .source = build(description.source),
          .target = build(description.target),
          .reference = isotropic_reference(description.reference),
          .key = {}};
}

}  // namespace fortet::program
