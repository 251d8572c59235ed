// Every threshold of the validation suite, with its reason. The first pattern that fits "case: metric"
// counts;
// * stands for anything.
#include <string_view>

#include "record.hpp"

namespace fortet::validation {
namespace {

constexpr double shown = std::numeric_limits<double>::infinity();  // not judged: the reason says why

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
    {"gaussian/grid/*: marginals", 1e-9,
     "relative to the peak: sums over nodes are exact, marginal error 1e-11, amplified"},
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
    {"grid/*/sinkhorn: law*", 0.012,
     "energy distance of 2000 draws a side: .001 to .003 over seeds by itself"},
    {"grid/*/sinkhorn: *", 0.25, "2000 samples: .03 to .09 over seeds"},
    {"grid/*/dsbm: law*", 0.012, "as for Sinkhorn"},
    {"grid/*/dsbm: map", 0.25, "a short training: .09 to .11 over seeds"},
    {"grid/*/dsbm: drift*", 0.55, "a short training: .16 to .33 over seeds; no drift at all would be 1"},
    {"grid/*/dsb: law*", 0.03, "a short training: .005 to .008 over seeds"},
    {"grid/*/dsb: map", 0.45, "a short training of noisy targets: .15 to .23 over seeds"},
    {"grid/*/dsb: drift*", 0.7, "the same: .28 to .45 over seeds; no drift at all would be 1"},
    // ---- limits in epsilon
    {"limits/exact: above the bound", 1e-9,
     "the rounded plan costs at least the exact one and at most epsilon log n more (entropy of a plan with "
     "uniform marginals) plus the marginal error times the diameter"},
    {"limits/permutation: *", 1e-12, "exp(-gap / epsilon) < 1e-20: rounding alone"},
    {"limits/independent: *", 1e-5,
     "the first correction is the variance of the cost over epsilon = 1e6, relative to a mean cost of one"},
    {"limits/two-by-two: *", 1e-13, "closed form, rounding"},
    // ---- mixture pairs made from their bridge
    {"mixtures/*: fresh draws: cBW2-UVP over the floor", 1.5,
     "two estimates from equally many exact draws: their ratio over seeds is 1 +- .1 at D = 2, less above"},
    {"mixtures/*: Euler steps: cBW2-UVP over the floor", 2,
     "the same with the bias of fifty steps, which is of the size of the floor"},
    {"mixtures/d-2/*: Euler steps: BW2-UVP, %", 0.5,
     "ten times the floor of 5000 draws, which spreads like a chi squared of five degrees"},
    {"mixtures/*: Euler steps: BW2-UVP, %", 2, "three to ten times the floor of 5000 draws, for D <= 128"},
    {"mixtures/*: independent: *", shown, "the baseline that others are to beat"},
    {"mixtures/d-2/epsilon-0.1/grid: map", 1e-3,
     "quintic interpolation at spacing .16 of a map that turns within .1, where the components meet"},
    {"mixtures/d-2/epsilon-0.1/grid: drift", 1e-2, "the same, of a drift that turns faster"},
    {"mixtures/d-2/*/grid: map", 2e-4, "the same of a map that turns within .2 (epsilon = 1) or 1 (10)"},
    {"mixtures/d-2/*/grid: drift", 1e-3, "the same, of a drift that turns faster"},
    {"mixtures/d-2/*/grid: cBW2-UVP over the floor", 1.5, "two estimates from equally many draws"},
    {"mixtures/d-2/epsilon-0.1/sinkhorn: cBW2-UVP, %", 5,
     "512 samples: some seventy in the reach of a start, so a tenth of a conditional deviation"},
    {"mixtures/d-2/*/sinkhorn: cBW2-UVP, %", 4, "512 samples: .2 to 1.4 over seeds; the baseline has 76"},
    {"mixtures/d-2/*/sinkhorn: BW2-UVP, %", 2, "moments of 512 samples: five times their own BW2-UVP"},
    {"mixtures/d-2/epsilon-0.1/sinkhorn: drift", shown,
     "between the components the drift turns faster than 512 samples can show"},
    {"mixtures/d-2/*/sinkhorn: drift", 0.3, "three times what 512 samples leave, over seeds"},
    {"mixtures/d-16/epsilon-10/sinkhorn: cBW2-UVP, %", 2, "twice what 512 samples leave; the baseline has 3"},
    {"mixtures/*/sinkhorn: *", shown,
     "Sinkhorn on samples fails in high dimension, the sooner the smaller epsilon: too few samples lie where "
     "a start leads. Shown beside the baseline, not judged"},
    {"mixtures/d-2/epsilon-1/dsbm: cBW2-UVP, %", 3,
     "a short training: three to five times what it reaches over seeds; the baseline has 76"},
    {"mixtures/d-2/epsilon-1/dsbm: BW2-UVP, %", 2, "the same"},
    {"mixtures/d-2/epsilon-1/dsbm: drift", 0.5, "the same; no drift at all would be 1"},
    {"mixtures/*/epsilon-10/dsbm: cBW2*", shown, "the baseline has 3 to 5: there is little to learn"},
    {"mixtures/d-16/*/dsbm: cBW2*", 5, "six rounds of 3000 steps: .6; the baseline has 118 and 38"},
    {"mixtures/d-64/*/dsbm: cBW2*", 10, "six rounds of 3000 steps: 1.2 and 2.5; the baseline has 115 and 30"},
    {"mixtures/*/dsbm: *", shown,
     "trained drifts promise nothing in high dimension or far from the reference: shown beside the baseline"},
    // ---- trained networks
    {"neural/error-against-seconds: GridIpf, largest budget", 1e-8,
     "48 nodes an axis: Gaussians are resolved to rounding, marginal errors are 1e-11"},
    {"neural/error-against-seconds: Sinkhorn, largest budget", 0.15,
     "n^-1/2 at 1000 samples, three times over: .04 to .06 over seeds"},
    {"neural/error-against-seconds: DSBM, largest budget", 0.2,
     "three rounds of 400 steps: .03 to .05 over seeds"},
    {"neural/error-against-seconds: DSB, largest budget", 0.4,
     "three rounds of 400 steps: .07 to .14 over seeds"},
    {"neural/*: drift at T/2", 0.3, "short trainings: .04 to .12 over seeds; no drift at all would be 1"},
    {"neural/dsb/*: variance of X1", 0.4, "short trainings of noisy targets: .10 to .14 over seeds"},
    {"neural/dsbm/*: variance of X1", 0.2, "short trainings: .01 to .05 over seeds"},
    {"neural/*: covariance of X0 and X1", 0.2, "short trainings: up to .04 over seeds"},
    {"generative/moons-to-8gaussians/*: W2", 3, "a short training; two fresh draws are .4 to 1.7 apart"},
    {"generative/8gaussians/*: W2", 2,
     "a short training; two fresh draws are .4 to .7 apart, no training is 4"},
    {"generative/*: W2", 1.2, "a short training; two fresh draws are .1 to .45 apart, no training is 2"},
    {"generative/digits: Sinkhorn, lifted: W2*", 1.1,
     "it returns training digits, and so scores what these score"},
    {"generative/digits: *: distance to the nearest*", shown,
     "0: the training digits themselves; 1: as new as held-out digits; far above: no digits"},
    {"generative/digits: DSB: *", shown, "four rounds make digits that are recognisable at best"},
    // ---- statistics
    {"statistics/d-*: entropic cost", 0.05,
     "1000 samples: .015 at d = 5, less above, where costs concentrate"},
    {"statistics/d-*: map", 0.15, "1000 samples: .04 to .05"},
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
