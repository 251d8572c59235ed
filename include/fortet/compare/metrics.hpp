#pragma once
// Distances between weighted clouds, each with its standard error. Every function blocks, takes n and m
// points of equal dimension d with any weights, works in double, and throws InvalidArgument when the
// dimensions differ. Results are bitwise equal for any number of threads.
#include <vector>

#include "fortet/compare/comparison.hpp"
#include "fortet/compare/exact_transport.hpp"
#include "fortet/compare/gaussian_fit.hpp"
#include "fortet/measure/point_cloud.hpp"

namespace fortet {

/// How standard errors by batches are made: both clouds are shuffled by `key` and cut into `batches` parts of
/// equal size, and the standard error is the standard deviation of the parts' scores over sqrt(batches).
/// Fewer than two batches, or fewer than two points a batch: no standard error (NaN).
struct BatchOptions {
  int batches = 16;
  RandomKey key = {.seed = 0};
};

/// Optimal transport between two clouds with cost |x - y|^2 / 2, solved exactly on the host. See
/// exact_transport.hpp for cost, precision, what is returned and what is thrown.
template <class Memory>
ExactTransport exact_transport(const PointCloud<double, Memory>& source,
                               const PointCloud<double, Memory>& target);

/// W1 = min E|X - Y|, exact. Standard error from the dual potentials: Var(f)/n + Var(g)/m. Network simplex:
/// about 0.1 s at n = m = 1000, 10 s at 10,000; 8 n m bytes.
template <class Memory>
Estimate w1(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y);

/// W2 = (min E|X - Y|^2)^(1/2), exact (the root; no factor 1/2). Standard error from the dual potentials
/// (del Barrio, Loubes 2019, the central limit theorem for W2^2) through the root; cost as w1.
template <class Memory>
Estimate w2(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y);

/// Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| of the two weighted clouds (Szekely, Rizzo 2013; no
/// root, diagonal terms included, so >= 0). Analytic standard error (first-order projection). O((n + m)^2 d)
/// time, O(n + m) memory.
template <class Memory>
Estimate energy_distance(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                         const PointCloud<double, Memory>& y);

/// MMD = (E k(X, X') + E k(Y, Y') - 2 E k(X, Y))^(1/2) with the Gaussian kernel k = exp(-|x - y|^2 / (2
/// bandwidth^2)) (Gretton et al. 2012, V-statistic). Analytic standard error; cost as energy_distance.
/// Throws InvalidArgument unless bandwidth is finite and > 0.
template <class Memory>
Estimate mmd(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
             const PointCloud<double, Memory>& y, double bandwidth);

/// Median distance between different points among the first 500 of the cloud: the usual bandwidth of mmd();
/// 1 when that median is zero.
template <class Memory>
double median_distance(const PointCloud<double, Memory>& cloud);

/// Sliced W2 = (mean over `directions` random unit vectors u of W2(u.X, u.Y)^2)^(1/2), W2 exact on each line
/// (Bonneel et al. 2015). Standard error by batches with the directions held. O(directions (n + m) (d + log
/// n)) time, on the host's threads.
template <class Memory>
Estimate sliced_w2(const PointCloud<double, Memory>& x, const PointCloud<double, Memory>& y,
                   int directions = 128, RandomKey key = {.seed = 0}, BatchOptions batches = {});

/// Mean and covariance of a cloud (weights as probabilities, no n - 1 correction). O(n d^2).
template <class Memory>
Moments moments(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& cloud);

/// BW between the clouds' moments. Standard error by batches.
template <class Memory>
Estimate bures_wasserstein(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                           const PointCloud<double, Memory>& y, BatchOptions batches = {});

/// BW2-UVP = 100 BW / (tr S_target / 2), in percent; `target` is the truth. Standard error by batches.
/// NaN when the target does not vary.
template <class Memory>
Estimate bw2_uvp(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& model,
                 const PointCloud<double, Memory>& target, BatchOptions batches = {});

/// |E X - E Y|. Analytic standard error.
template <class Memory>
Estimate mean_error(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                    const PointCloud<double, Memory>& y);

/// |Cov X - Cov Y|_F / |Cov Y|_F in percent; y is the truth. Standard error by batches. NaN when the truth
/// does not vary.
template <class Memory>
Estimate covariance_error(const typename Memory::execution_space& exec, const PointCloud<double, Memory>& x,
                          const PointCloud<double, Memory>& y, BatchOptions batches = {});

/// cBW2-UVP = 100 mean_x BW(model's moments given x; exact moments given x) / (total_variance / 2), in
/// percent, from conditional moments at the same points x; total_variance = tr Cov of the target. Standard
/// error over the points x.
Estimate cbw2_uvp(const std::vector<Moments>& model, const std::vector<Moments>& exact,
                  double total_variance);

/// Moments of consecutive groups of rows: rows i * group ... (i + 1) * group - 1 make the i-th. O(n d^2).
template <class Memory>
std::vector<Moments> group_moments(const typename Memory::execution_space& exec,
                                   const ConstPoints<double, Memory>& points, std::size_t group);

}  // namespace fortet
