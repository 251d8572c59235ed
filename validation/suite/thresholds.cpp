// Every threshold of the validation suite, with its reason. The first pattern that fits "case: metric"
// counts;
// * stands for anything.
#include <string_view>

#include "record.hpp"

namespace fortet::validation {
namespace {

constexpr Threshold thresholds[] = {
    // ---- Gaussian bridges in closed form: identities that share no formula with the implementation
    {"gaussian/closed-form/*: *", 1e-12,
     "rounding of sums of d <= 100 products, a dozen in a row; nothing is inverted, so no condition number "
     "enters"},
    {"gaussian/ipf/*: iterate", 1e-12,
     "trapezoidal rule on Gaussians: exact to 1e-14; twelve iterates, each with the rounding of potentials "
     "of "
     "size |x|^2"},
    {"gaussian/*float: cost", 2e-5,
     "float tiles: 2^-24 of costs whose largest term is a hundred times the mean"},
    {"gaussian/*float: *", 2e-3,
     "potentials and maps from float tiles, relative to their size: 2^-24 times the largest cost over "
     "epsilon"},
    {"gaussian/sinkhorn/*: *", 1e-10,
     "the trapezoidal rule is exact to 1e-11 in the plane, 1e-13 on the line; marginal error 1e-12 times "
     "what "
     "the contraction rate amplifies"},
    {"gaussian/grid/*: *", 1e-9,
     "marginal error 1e-11, amplified; quintic interpolation is exact for quadratic potentials"},
    {"gaussian/paths/*: *", 5,
     "standard errors of sample moments: five happen by chance in one of 1e6 scores"},
    // ---- discretised dynamics
    {"discretisation/*: order", 0.1, "a fit over N = 40 ... 320: the next order is 1/N of the leading one"},
    {"discretisation/bridge-steps: *", 5, "standard errors: exact in law for any number of steps"},
    {"discretisation/dsb*: *", 8,
     "deviations from the N-step population values in units of 1 / sqrt(trajectories); their standard "
     "deviations over seeds are .6 to 1.5 of that"},
    // ---- grid truth
    {"grid/*: refinement of the map", 3e-5,
     "quintic interpolation between nodes at spacing h = .15: (h / .5)^6, for maps that bend over .5, times "
     ".1"},
    {"grid/*: refinement of the cost", 1e-8,
     "sums over nodes are exact beyond h = .5; marginal errors 1e-11"},
    {"grid/*: sinkhorn map over floor", 2,
     "map error of Sinkhorn on samples over the distance of two such runs from each other, which is sqrt(2) "
     "of the error of one"},
    {"grid/*: sinkhorn on the nodes", 1e-8, "the same discrete problem by two solvers, both to 1e-11"},
    // ---- limits in epsilon
    {"limits/exact: above the bound", 1e-9,
     "the rounded plan costs at least the exact one and at most epsilon log n more (entropy of a plan with "
     "uniform marginals) plus the marginal error times the diameter"},
    {"limits/permutation: *", 1e-12, "exp(-gap / epsilon) < 1e-20: rounding alone"},
    {"limits/independent: *", 1e-5,
     "the first correction is the variance of the cost over epsilon = 1e6, relative to a mean cost of one"},
    {"limits/two-by-two: *", 1e-13, "closed form, rounding"},
    // ---- statistics
    {"statistics/rate: exponent", 0.18,
     "five standard errors of a slope through root mean squares of 64 errors; other laws are n^-1/4 and "
     "n^-1"},
    {"statistics/rate: bias*", 4,
     "standard errors of the mean over seeds: at the largest n the bias, of order 1 / n, is below them"},
};

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t k = 0; k <= text.size(); ++k)
      if (fits(pattern.substr(1), text.substr(k))) return true;
    return false;
  }
  return !text.empty() && pattern.front() == text.front() && fits(pattern.substr(1), text.substr(1));
}

}  // namespace

const Threshold* find_threshold(const std::string& name, const std::string& metric) {
  for (const Threshold& threshold : thresholds)
    if (fits(threshold.pattern, name + ": " + metric)) return &threshold;
  return nullptr;
}

}  // namespace fortet::validation
