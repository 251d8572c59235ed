#include "program/compare_problems.hpp"

#include <cmath>
#include <numbers>
#include <utility>

namespace fortet::program {
namespace {

NamedProblem gaussian_pair() {
  return {
      "gaussian",
      "Two Gaussians in the plane",
      "From N((0, 0), I) to N((3, 1), S) with a tilted, narrow S, under Brownian motion with sigma = 1 on "
      "[0, 1]. The bridge is known in closed form, which is the truth here.",
      {GaussianDescription{{0, 0}, {{1, 0}, {0, 1}}}, GaussianDescription{{3, 1}, {{0.5, 0.3}, {0.3, 0.4}}},
       Brownian{.sigma = 1, .horizon = 1}}};
}

/// The two half circles of PlanarDataset(Shape::moons) with the arcs as rows of 24 Gaussians whose standard
/// deviation is half again their distance: the same law but for ripples below rounding, and a density.
MixtureDescription moons() {
  MixtureDescription out;
  const int arc = 24;
  for (int k = 0; k < arc; ++k) {
    const double angle = std::numbers::pi * (k + 0.5) / arc, c = std::cos(angle), s = std::sin(angle);
    for (const auto& [x, y] : {std::pair(3 * c - 1, 3 * s - 1), std::pair(2 - 3 * c, 0.5 - 3 * s)}) {
      out.weights.push_back(1);
      out.components.push_back({{x, y}, isotropic(2, 0.36)});
    }
  }
  return out;
}

MixtureDescription eight_gaussians() {
  MixtureDescription out;
  for (int k = 0; k < 8; ++k) {
    const double angle = std::numbers::pi * k / 4;
    out.weights.push_back(1);
    out.components.push_back({{5 * std::cos(angle), 5 * std::sin(angle)}, isotropic(2, std::sqrt(0.1))});
  }
  return out;
}

NamedProblem eight_gaussians_to_moons() {
  return {
      "eight-gaussians-to-moons",
      "From eight Gaussians to two moons",
      "From eight Gaussians on a circle of radius 5 to two moons, under Brownian motion with sigma = 2 on "
      "[0, 1]. There is no closed form; proportional fitting between the densities on a grid, converged "
      "to 1e-9, is the truth here.",
      {eight_gaussians(), moons(), Brownian{.sigma = 2, .horizon = 1}}};
}

}  // namespace

std::vector<NamedProblem> compare_problems(const std::optional<std::filesystem::path>& file) {
  if (!file) return {gaussian_pair(), eight_gaussians_to_moons()};
  return {{"problem", file->filename().string(), "", read_problem(*file)}};
}

}  // namespace fortet::program
