#pragma once
// What DSB converges to with infinitely many samples: iterative proportional fitting of a linear-Gaussian
// chain in one dimension with frozen noise, by propagating means, variances and covariances. Independent of
// the library.
#include <cmath>
#include <cstddef>
#include <vector>

namespace oracle {

/// x_{k+1} = slope_k x_k + offset_k + N(0, noise_k): the reference's transitions over each step.
struct Chain {
  std::vector<double> slope, offset, noise;
};

/// An Ornstein-Uhlenbeck process (rate 0: Brownian motion) on a time grid.
inline Chain reference_chain(const std::vector<double>& grid, double rate, double mean, double sigma) {
  Chain chain;
  for (std::size_t k = 0; k + 1 < grid.size(); ++k) {
    const double h = grid[k + 1] - grid[k], alpha = std::exp(-rate * h);
    chain.slope.push_back(alpha);
    chain.offset.push_back((1 - alpha) * mean);
    chain.noise.push_back(rate == 0 ? sigma * sigma * h
                                    : sigma * sigma * (1 - std::exp(-2 * rate * h)) / (2 * rate));
  }
  return chain;
}

struct Normal {
  double mean, variance;
};

/// The end of a chain, and its covariance with the start.
struct End {
  double mean, variance, covariance;
};

/// The same of rows of pairs (start, end) with d coordinates each, averaged over coordinates.
template <class Real>
End end_of(const std::vector<Real>& starts, const std::vector<Real>& ends, std::size_t d) {
  const std::size_t n = ends.size() / d;
  End out{};
  for (std::size_t k = 0; k < d; ++k) {
    double start = 0, end = 0, variance = 0, covariance = 0;
    for (std::size_t i = 0; i < n; ++i) {
      start += starts[i * d + k] / double(n);
      end += ends[i * d + k] / double(n);
    }
    for (std::size_t i = 0; i < n; ++i) {
      variance += (ends[i * d + k] - end) * (ends[i * d + k] - end) / double(n);
      covariance += (starts[i * d + k] - start) * (ends[i * d + k] - end) / double(n);
    }
    out = {out.mean + end / double(d), out.variance + variance / double(d),
           out.covariance + covariance / double(d)};
  }
  return out;
}

/// Runs a chain, k ascending or descending.
inline End run(const Chain& chain, Normal start, bool ascending) {
  End end{start.mean, start.variance, start.variance};
  const std::size_t n = chain.slope.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t k = ascending ? i : n - 1 - i;
    end = {chain.slope[k] * end.mean + chain.offset[k],
           chain.slope[k] * chain.slope[k] * end.variance + chain.noise[k], chain.slope[k] * end.covariance};
  }
  return end;
}

/// The chain in the other direction that DSB's regression gives: E[x' + F(x) - F(x') | x'].
inline Chain reversal(const Chain& chain, Normal start, bool ascending) {
  Chain other = chain;
  const std::size_t n = chain.slope.size();
  Normal at = start;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t k = ascending ? i : n - 1 - i;
    const double a = chain.slope[k];
    const Normal next{a * at.mean + chain.offset[k], a * a * at.variance + chain.noise[k]};
    const double regression = a * at.variance / next.variance;  // slope of x on x'
    other.slope[k] = 1 - a + a * regression;
    other.offset[k] = next.mean + a * at.mean - a * next.mean - other.slope[k] * next.mean;
    at = next;
  }
  return other;
}

struct Iterate {
  End backward, forward;
};

/// Ends of both chains after each full iteration.
inline std::vector<Iterate> dsb_population(const Chain& reference, Normal source, Normal target,
                                           int iterations) {
  std::vector<Iterate> out;
  Chain forward = reference;
  for (int n = 0; n < iterations; ++n) {
    const Chain backward = reversal(forward, source, true);
    forward = reversal(backward, target, false);
    out.push_back({run(backward, target, false), run(forward, source, true)});
  }
  return out;
}

}  // namespace oracle
