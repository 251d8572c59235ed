#include "program/compare_problems.hpp"

#include <cmath>
#include <numbers>

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

NamedProblem eight_gaussians() {
  MixtureDescription ring;
  for (int k = 0; k < 8; ++k) {
    const double angle = std::numbers::pi * k / 4;
    ring.weights.push_back(1);
    ring.components.push_back({{4 * std::cos(angle), 4 * std::sin(angle)}, isotropic(2, 0.1)});
  }
  return {
      "eight-gaussians",
      "From one Gaussian to eight",
      "From N(0, I / 2) to eight Gaussians on a circle of radius 4, under Brownian motion with sigma = 1 on "
      "[0, 1]. There is no closed form; Sinkhorn on three times as many fresh atoms stands in for the "
      "truth, so figures near the floor mean that the two runs agree as well as samples can tell.",
      {GaussianDescription{{0, 0}, isotropic(2, 0.5)}, ring, Brownian{.sigma = 1, .horizon = 1}}};
}

}  // namespace

std::vector<NamedProblem> compare_problems(const std::optional<std::filesystem::path>& file) {
  if (!file) return {gaussian_pair(), eight_gaussians()};
  return {{"problem", file->filename().string(), "", read_problem(*file)}};
}

}  // namespace fortet::program
