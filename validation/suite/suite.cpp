#include "suite.hpp"

#include <cmath>

namespace fortet::validation {

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto family : {gaussian_cases, discretisation_cases, grid_cases, limit_cases, statistics_cases,
                            mixture_cases, generative_cases, neural_cases})
    for (Case& c : family()) all.push_back(std::move(c));
  return all;
}

double relative_error(const std::vector<double>& a, const std::vector<double>& b,
                      const std::vector<double>& weights, std::size_t columns) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double w = weights.empty() ? 1 : weights[i / columns];
    error += w * (a[i] - b[i]) * (a[i] - b[i]);
    size += w * b[i] * b[i];
  }
  return std::sqrt(error / size);
}

Points<double> repeated(const DefaultExec& exec, const Points<double>& rows, std::size_t copies) {
  const Points<double> out("fortet::validation::repeated", rows.extent(0) * copies, rows.extent(1));
  Kokkos::parallel_for(
      "fortet::validation::repeat", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t c = 0; c < rows.extent(1); ++c) out(i, c) = rows(i / copies, c);
      });
  exec.fence("fortet::validation::repeat");
  return out;
}

double exponent(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mx += std::log(x[i]) / n;
    my += std::log(y[i]) / n;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (std::log(x[i]) - mx) * (std::log(x[i]) - mx);
    xy += (std::log(x[i]) - mx) * (std::log(y[i]) - my);
  }
  return xy / xx;
}

}  // namespace fortet::validation
