#include "mixture_pair.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fortet::validation {
namespace {

constexpr double radius = 5, source_variance = 0.5;
constexpr int count = MixturePair::components;

/// What is known of X1 from X_t = x; `tau` = epsilon (1 - t) is the variance that the reference still adds.
struct Posterior {
  ConstPoints<double> centres;
  double tau;

  /// Probabilities of the components.
  template <class X>
  KOKKOS_FUNCTION void weights(const X& x, std::size_t i, double* w) const {
    double largest = -1e300, sum = 0;
    for (int k = 0; k < count; ++k) {
      w[k] = 0;
      for (std::size_t c = 0; c < centres.extent(1); ++c)
        w[k] -= (x(i, c) - centres(k, c)) * (x(i, c) - centres(k, c)) / (2 * (1 + tau));
      largest = w[k] > largest ? w[k] : largest;
    }
    for (int k = 0; k < count; ++k) sum += w[k] = Kokkos::exp(w[k] - largest);
    for (int k = 0; k < count; ++k) w[k] /= sum;
  }
  /// Coordinate c of the mean of X1.
  template <class X>
  KOKKOS_FUNCTION double mean(const X& x, std::size_t i, std::size_t c, const double* w) const {
    double sum = 0;
    for (int k = 0; k < count; ++k) sum += w[k] * centres(k, c);
    return (tau * sum + x(i, c)) / (1 + tau);
  }
  KOKKOS_FUNCTION double variance() const { return tau / (1 + tau); }
};

Points<double> fresh(std::size_t n, std::size_t d) {
  return Points<double>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::validation::points"), n, d);
}

/// Coordinate `c` of the source's nodes against the target's: N(y | (tau centre + x) / (1 + tau), variance).
Matrix transition(const GridAxis& axis, double centre, double tau) {
  const auto n = static_cast<std::size_t>(axis.nodes);
  const double variance = tau / (1 + tau), constant = 1 / std::sqrt(2 * std::numbers::pi * variance);
  Matrix out(n, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double mean = (tau * centre + axis.node(static_cast<double>(i))) / (1 + tau),
                   z = axis.node(static_cast<double>(j)) - mean;
      out(i, j) = constant * std::exp(-z * z / (2 * variance));
    }
  return out;
}

}  // namespace

MixturePair::MixturePair(int dimension, double epsilon)
    : source_(std::vector<double>(static_cast<std::size_t>(dimension), 0.0),
              isotropic(static_cast<std::size_t>(dimension), source_variance)),
      reference_(brownian_with_epsilon(epsilon)) {
  const auto d = static_cast<std::size_t>(dimension);
  const RandomKey key = RandomKey{.seed = 2023}.child(d);
  for (std::uint64_t k = 0; k < count; ++k) {
    std::vector<double> z(d);
    double norm = 0;
    for (std::size_t c = 0; c < d; ++c) {
      z[c] = random_normal(key, k, static_cast<std::uint32_t>(c));
      norm += z[c] * z[c];
    }
    for (const double value : z) centres_.push_back(radius * value / std::sqrt(norm));
  }
  device_centres_ = points_from_host<double>(std::span<const double>(centres_), count, d);
}

void MixturePair::sample(const DefaultExec& exec, RandomKey key, Out x0, Out x1) const {
  source_.sample(exec, key.child(0), x0);
  sample_conditional(exec, key.child(1), x0, x1);
}

void MixturePair::sample_conditional(const DefaultExec& exec, RandomKey key, In x0, Out x1) const {
  const Posterior law{device_centres_, epsilon()};
  Kokkos::parallel_for(
      "fortet::validation::mixture_conditional", Kokkos::RangePolicy<DefaultExec>(exec, 0, x0.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double w[count];
        law.weights(x0, i, w);
        double u = random_uniform(key.child(1), i, 0);
        int chosen = 0;
        while (chosen + 1 < count && u > w[chosen]) u -= w[chosen++];
        const double deviation = Kokkos::sqrt(law.variance());
        for (std::size_t c = 0; c < x0.extent(1); ++c)
          x1(i, c) = (law.tau * law.centres(chosen, c) + x0(i, c)) / (1 + law.tau) +
                     deviation * random_normal(key, i, static_cast<std::uint32_t>(c));
      });
  exec.fence("fortet::validation::mixture_conditional");
}

void MixturePair::conditional_mean(const DefaultExec& exec, In x0, Out mean) const {
  const Posterior law{device_centres_, epsilon()};
  Kokkos::parallel_for(
      "fortet::validation::mixture_mean", Kokkos::RangePolicy<DefaultExec>(exec, 0, x0.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double w[count];
        law.weights(x0, i, w);
        for (std::size_t c = 0; c < x0.extent(1); ++c) mean(i, c) = law.mean(x0, i, c, w);
      });
  exec.fence("fortet::validation::mixture_mean");
}

void MixturePair::forward_drift(const DefaultExec& exec, double t, In x, Out out) const {
  const double e = epsilon();
  const Posterior law{device_centres_, e * (1 - t)};
  Kokkos::parallel_for(
      "fortet::validation::mixture_drift", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double w[count];
        law.weights(x, i, w);
        for (std::size_t c = 0; c < x.extent(1); ++c) {
          double sum = 0;
          for (int k = 0; k < count; ++k) sum += w[k] * (law.centres(k, c) - x(i, c));
          out(i, c) = e * sum / (1 + law.tau);
        }
      });
  exec.fence("fortet::validation::mixture_drift");
}

void MixturePair::sample_marginal(const DefaultExec& exec, RandomKey key, double t, Out out) const {
  const Out end = fresh(out.extent(0), out.extent(1));
  sample(exec, key.child(0), out, end);
  const RandomKey noise = key.child(1);
  const double deviation = std::sqrt(epsilon() * t * (1 - t));
  Kokkos::parallel_for(
      "fortet::validation::mixture_marginal", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t c = 0; c < out.extent(1); ++c)
          out(i, c) = (1 - t) * out(i, c) + t * end(i, c) +
                      deviation * random_normal(noise, i, static_cast<std::uint32_t>(c));
      });
  exec.fence("fortet::validation::mixture_marginal");
}

std::vector<Moments> MixturePair::conditional_moments(In x0) const {
  const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, x0);
  const std::size_t d = x.extent(1);
  const double tau = epsilon();
  std::vector<Moments> out;
  for (std::size_t i = 0; i < x.extent(0); ++i) {
    double w[count], sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
      double square = 0;
      for (std::size_t c = 0; c < d; ++c) square += std::pow(x(i, c) - centres_[k * d + c], 2);
      w[k] = -square / (2 * (1 + tau));
    }
    const double largest = *std::max_element(w, w + count);
    for (double& value : w) sum += value = std::exp(value - largest);
    Moments law{std::vector<double>(d), isotropic(d, tau / (1 + tau))};
    const auto mean = [&](std::size_t k, std::size_t c) {
      return (tau * centres_[k * d + c] + x(i, c)) / (1 + tau);
    };
    for (std::size_t k = 0; k < count; ++k)
      for (std::size_t c = 0; c < d; ++c) law.mean[c] += w[k] / sum * mean(k, c);
    for (std::size_t k = 0; k < count; ++k)
      for (std::size_t a = 0; a < d; ++a)
        for (std::size_t b = 0; b < d; ++b)
          law.covariance(a, b) += w[k] / sum * (mean(k, a) - law.mean[a]) * (mean(k, b) - law.mean[b]);
    out.push_back(std::move(law));
  }
  return out;
}

GridMeasure MixturePair::target_on(const GridMeasure& source) const {
  const RegularGrid& grid = source.grid();
  const auto n = static_cast<std::size_t>(grid.axis(0).nodes),
             m = static_cast<std::size_t>(grid.axis(1).nodes);
  const double tau = epsilon();
  const auto log_mass = to_host(source.log_density());
  std::vector<double> density(n * m);
  for (std::size_t k = 0; k < count; ++k) {
    const Matrix first = transition(grid.axis(0), centres_[2 * k], tau),
                 second = transition(grid.axis(1), centres_[2 * k + 1], tau);
    Matrix half(n, m);  // mass of component k at the source's nodes, moved along the second axis
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        double w = 0;  // the inverse of the probability of component k
        const double x[2] = {grid.axis(0).node(static_cast<double>(i)),
                             grid.axis(1).node(static_cast<double>(j))};
        const auto square = [&](std::size_t l) {
          return std::pow(x[0] - centres_[2 * l], 2) + std::pow(x[1] - centres_[2 * l + 1], 2);
        };
        for (std::size_t l = 0; l < count; ++l) w += std::exp((square(k) - square(l)) / (2 * (1 + tau)));
        const double mass = std::exp(log_mass[i * m + j]) / w;
        for (std::size_t b = 0; b < m; ++b) half(i, b) += mass * second(j, b);
      }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < m; ++b) density[a * m + b] += first(i, a) * half(i, b);
  }
  for (double& value : density) value = std::log(value);
  return GridMeasure(grid, vector_from_host<double>(std::span<const double>(density)));
}

void MixtureTarget::sample(const DefaultExec& exec, RandomKey key, Points<double> out) const {
  pair_.sample(exec, key, fresh(out.extent(0), out.extent(1)), out);
}

void EulerChain::sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const {
  pair_.source().sample(exec, key.child(0), x0);
  sample_conditional(exec, key.child(1), x0, x1);
}

void EulerChain::sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                                    Points<double> x1) const {
  const Points<double> drift = fresh(x0.extent(0), x0.extent(1));
  Kokkos::deep_copy(exec, x1, x0);
  const double h = 1.0 / steps_, deviation = std::sqrt(pair_.epsilon() * h);
  for (int s = 0; s < steps_; ++s) {
    pair_.forward_drift(exec, s * h, x1, drift);
    const RandomKey noise = key.child(static_cast<std::uint64_t>(s));
    Kokkos::parallel_for(
        "fortet::validation::euler_step", Kokkos::RangePolicy<DefaultExec>(exec, 0, x1.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t c = 0; c < x1.extent(1); c += 2) {
            const NormalPair z = random_normal_pair(noise, i, static_cast<std::uint32_t>(c / 2));
            x1(i, c) += h * drift(i, c) + deviation * z.first;
            if (c + 1 < x1.extent(1)) x1(i, c + 1) += h * drift(i, c + 1) + deviation * z.second;
          }
        });
  }
  exec.fence("fortet::validation::euler_step");
}

}  // namespace fortet::validation
