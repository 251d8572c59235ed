// Family "gaussian": bridges between Gaussians, whose every quantity is known in closed form.
#include "gaussian.hpp"

#include <cmath>
#include <sstream>

namespace fortet::validation {

std::string text(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

Quadrature::Quadrature(std::size_t dimension, std::size_t side, double mean, double variance)
    : n(static_cast<std::size_t>(std::llround(std::pow(side, dimension)))),
      d(dimension),
      points(n * d),
      weights(n, 1) {
  const double reach = d == 1 ? 9 : 7.2;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0, index = i; k < d; ++k, index /= side) {
      const double z = reach * (2 * static_cast<double>(index % side) / static_cast<double>(side - 1) - 1);
      points[i * d + k] = mean + std::sqrt(variance) * z;
      weights[i] *= std::exp(-z * z / 2);
    }
}

template <class Real>
std::vector<double> values_at(const std::vector<double>& x, std::size_t d, bool vector_valued,
                              const PointFunction<Real>& f) {
  const std::size_t n = x.size() / d;
  const auto points = points_from_host<Real>(x.data(), n, d, static_cast<std::ptrdiff_t>(d), 1);
  if (vector_valued) {
    Points<Real> out("fortet::validation::out", n, d);
    f(ConstPoints<Real>(points), out);
    return to_host(out);
  }
  Vector<Real> out("fortet::validation::out", n);
  Points<Real> column(out.data(), n, 1);
  f(ConstPoints<Real>(points), column);
  return to_host(out);
}
template std::vector<double> values_at(const std::vector<double>&, std::size_t, bool,
                                       const PointFunction<float>&);
template std::vector<double> values_at(const std::vector<double>&, std::size_t, bool,
                                       const PointFunction<double>&);

void score_costs(Record& record, const Report& report, const GaussianPlan& plan) {
  record.score("cost", std::abs(*report.transport_cost / plan.transport_cost - 1),
               {.oracle = plan.transport_cost});
  record.score("entropic cost", std::abs(*report.entropic_cost - plan.entropic_cost) / plan.transport_cost,
               {.oracle = plan.entropic_cost});
}

std::vector<Case> gaussian_cases() {
  std::vector<Case> cases;
  add_closed_forms(cases);
  add_sinkhorn<double>(cases, "");
  add_sinkhorn<float>(cases, "-float");
  add_grids(cases);
  add_path_samplers(cases);
  return cases;
}

}  // namespace fortet::validation
