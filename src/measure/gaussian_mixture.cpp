#include "fortet/measure/gaussian_mixture.hpp"

#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "gaussian/affine.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::GaussianMixture";

}  // namespace

GaussianMixture::GaussianMixture(std::vector<double> weights, std::vector<Gaussian> components)
    : weights_(std::move(weights)), components_(std::move(components)) {
  detail::require(!components_.empty(), where, "components", "empty", "expected at least one component");
  detail::require(
      weights_.size() == components_.size(), where, "weights.size()", weights_.size(),
      "expected one weight for each of the " + std::to_string(components_.size()) + " components");
  double mass = 0;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    const std::string number = std::to_string(k);
    detail::require(std::isfinite(weights_[k]) && weights_[k] >= 0, where, "weights[" + number + "]",
                    weights_[k], "expected a finite number >= 0");
    detail::require(components_[k].dimension() == dimension(), where,
                    "components[" + number + "].dimension()", components_[k].dimension(),
                    "expected the dimension " + std::to_string(dimension()) + " of the first component");
    mass += weights_[k];
  }
  detail::require(mass > 0 && std::isfinite(mass), where, "sum of weights", mass,
                  "expected a finite number > 0");
  for (double& weight : weights_) weight /= mass;
}

void GaussianMixture::sample(const execution_space& exec, RandomKey key, Points<double> out) const {
  constexpr const char* function = "fortet::GaussianMixture::sample";
  detail::require_kokkos(function);
  gaussian::require_columns(function, "out", out.extent(1), dimension());
  const std::size_t d = out.extent(1), count = components_.size();
  // component c has its mean in row c and its root, row-major, in the rest of that row
  std::vector<double> parameters, cumulative;
  for (std::size_t c = 0; c < count; ++c) {
    const Gaussian& component = components_[c];
    parameters.insert(parameters.end(), component.mean().begin(), component.mean().end());
    parameters.insert(parameters.end(), component.root().data(), component.root().data() + d * d);
    cumulative.push_back((c ? cumulative.back() : 0.0) + weights_[c]);
  }
  // the last component that has weight closes the distribution, whatever rounding did to the sum
  for (std::size_t c = count; c-- > 0;) {
    cumulative[c] = 1;
    if (weights_[c] > 0) break;
  }
  const auto parameter = vector_from_host<double>(std::span<const double>(parameters));
  const auto threshold = vector_from_host<double>(std::span<const double>(cumulative));
  const auto z = gaussian::workspace(exec, out.extent(0), d);
  const RandomKey choice = key.child(0), noise = key.child(1);
  Kokkos::parallel_for(
      "fortet::measure::sample_mixture", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double u = random_uniform(choice, i, 0);
        std::size_t c = 0;
        while (c + 1 < threshold.extent(0) && threshold(c) <= u) ++c;
        const double* mean = &parameter(c * (d + d * d));
        const double* root = mean + d;
        for (std::size_t j = 0; j < d; ++j) z(i, j) = random_normal(noise, i, static_cast<std::uint32_t>(j));
        for (std::size_t k = 0; k < d; ++k) {
          double sum = mean[k];
          for (std::size_t j = 0; j < d; ++j) sum += root[k * d + j] * z(i, j);
          out(i, k) = sum;
        }
      });
}

void GaussianMixture::log_density(const execution_space& exec, ConstPoints<double> x,
                                  Vector<double> out) const {
  constexpr const char* function = "fortet::GaussianMixture::log_density";
  detail::require_kokkos(function);
  gaussian::require_columns(function, "x", x.extent(1), dimension());
  gaussian::require_rows(function, "out", out.extent(0), x.extent(0));
  Points<double> terms(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::measure::mixture_terms"), x.extent(0),
      components_.size());
  for (std::size_t c = 0; c < components_.size(); ++c) {
    const auto term = Kokkos::subview(terms, Kokkos::ALL, c);
    if (weights_[c] > 0)
      components_[c].log_density(exec, x, term);
    else
      Kokkos::deep_copy(exec, term, 0.0);
  }
  std::vector<double> log_weights;
  for (double weight : weights_) log_weights.push_back(std::log(weight));
  const auto log_weight = vector_from_host<double>(std::span<const double>(log_weights));
  Kokkos::parallel_for(
      "fortet::measure::mixture_log_density", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double largest = -Kokkos::Experimental::infinity_v<double>;
        for (std::size_t c = 0; c < terms.extent(1); ++c)
          largest = Kokkos::max(largest, log_weight(c) + terms(i, c));
        // so far out that every density underflows even as a logarithm
        if (largest == -Kokkos::Experimental::infinity_v<double>) {
          out(i) = largest;
          return;
        }
        double sum = 0;
        for (std::size_t c = 0; c < terms.extent(1); ++c)
          sum += Kokkos::exp(log_weight(c) + terms(i, c) - largest);
        out(i) = largest + Kokkos::log(sum);
      });
}

}  // namespace fortet
