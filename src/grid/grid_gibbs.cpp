#include "grid/grid_gibbs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chunked_sum.hpp"
#include "measure/allocate.hpp"
#include "measure/memory.hpp"

namespace fortet::impl {

using fortet::detail::allocate;
using fortet::detail::HeatAxis;

std::vector<Boundary> boundaries(const std::vector<Boundary>& given, int dimension) {
  const auto d = static_cast<std::size_t>(dimension);
  if (given.size() == d) return given;
  detail::require(given.size() <= 1, "fortet::GridIpf", "boundary.size()", given.size(),
                  "expected none, one for all axes, or one for each axis");
  return std::vector<Boundary>(d, given.empty() ? Boundary::free : given.front());
}

GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target,
                           const std::vector<Boundary>& boundary, double epsilon) {
  constexpr const char* where = "fortet::GridIpf";
  detail::require(target.dimension() == source.dimension(), where, "target dimension", target.dimension(),
                  "expected the source's dimension " + std::to_string(source.dimension()));
  GridGeometry geometry{.source = source, .target = target, .epsilon = epsilon};
  const auto each = boundaries(boundary, source.dimension());
  for (int k = 0; k < source.dimension(); ++k) {
    geometry.boundary[k] = each[static_cast<std::size_t>(k)];
    if (geometry.boundary[k] == Boundary::free) continue;
    const bool same =
        source.axis(k).lower == target.axis(k).lower && source.axis(k).upper == target.axis(k).upper;
    detail::require(same, where, "box of the target on axis " + std::to_string(k), "not the source's",
                    "a reflecting or periodic axis needs the same lower and upper on both sides");
  }
  return geometry;
}

GridGeometry grid_geometry(const RegularGrid& source, const RegularGrid& target,
                           const DiagonalBrownian& reference, const std::vector<Boundary>& boundary) {
  GridGeometry geometry = grid_geometry(source, target, boundary, reference.epsilon());
  detail::require(static_cast<int>(reference.sigma.size()) == geometry.dimension(), "fortet::GridIpf",
                  "reference.sigma.size()", reference.sigma.size(), "expected one volatility for each axis");
  for (int k = 0; k < geometry.dimension(); ++k) {
    const double sigma = reference.sigma[static_cast<std::size_t>(k)];
    geometry.weight[k] = 1 / (sigma * sigma);
  }
  return geometry;
}

std::vector<HeatAxis> heat_axes(const GridGeometry& geometry, Side rows) {
  std::vector<HeatAxis> axes;
  for (int k = 0; k < geometry.dimension(); ++k) {
    const GridAxis &from = geometry.source.axis(k), &to = geometry.target.axis(k);
    const grid::Nodes pushed{geometry.pushed(k, from.node(0)), geometry.factor[k] * from.spacing(),
                             from.nodes};
    const grid::Nodes given{to.node(0), to.spacing(), to.nodes};
    const bool forward = rows == Side::source;
    axes.push_back(
        {forward ? pushed : given, forward ? given : pushed, geometry.variance(k), geometry.boundary[k]});
  }
  return axes;
}

void require_memory(const GridGeometry& geometry) {
  double nodes[2] = {1, 1};
  for (const HeatAxis& axis : heat_axes(geometry, Side::source)) {
    nodes[0] *= axis.out.count;
    nodes[1] *= axis.in.count;
  }
  // potentials, ratios, masses; the lines at work, with their images, are few
  fortet::detail::require_memory("fortet::GridIpf", sizeof(double) * 30 * (nodes[0] + nodes[1]));
}

Vector<double> log_masses(const DefaultExec& exec, const GridMeasure& measure) {
  const auto values = measure.log_density();
  const auto masses = allocate(exec, "fortet::grid::log_masses", measure.size());
  const double log_volume = std::log(measure.grid().cell_volume());
  Kokkos::parallel_for(
      "fortet::grid::log_masses", Kokkos::RangePolicy<DefaultExec>(exec, 0, masses.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { masses(i) = values(i) + log_volume; });
  return masses;
}

template <class Real>
GridGibbs<Real>::GridGibbs(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                           const GridGeometry& geometry, GridKernel method)
    : source_(source), target_(target), geometry_(geometry), method_(method) {
  log_weights_[0] = log_masses(exec, source);
  log_weights_[1] = log_masses(exec, target);
  for (const Side rows : {Side::source, Side::target})
    heat_[rows == Side::target] = fortet::detail::make_heat_kernel<Real>(heat_axes(geometry, rows), method);
}

template <class Real>
std::string GridGibbs<Real>::description() const {
  return heat_[0]->description() + (std::is_same_v<Real, float> ? ", float" : ", double");
}

template <class Real>
double GridGibbs<Real>::noise() const {
  // sums of relative error of a few units, of transforms absolute error; the exponents are formed in double
  // whatever Real is
  if (method_ == GridKernel::spectral) return 1e-10;
  return 4 * static_cast<double>(std::numeric_limits<Real>::epsilon()) +
         std::numeric_limits<double>::epsilon() * largest_cost(DefaultExec()) / geometry_.epsilon;
}

template <class Real>
std::shared_ptr<const HalfBridgeKernel<DefaultExec>> GridGibbs<Real>::with_epsilon(const DefaultExec& exec,
                                                                                   double epsilon) const {
  GridGeometry geometry = geometry_;
  geometry.epsilon = epsilon;
  // only the target epsilon must suit a kernel asked for by name
  const GridKernel method = epsilon == geometry_.epsilon ? method_ : GridKernel::automatic;
  return std::make_shared<GridGibbs>(exec, source_, target_, geometry, method);
}

template <class Real>
std::shared_ptr<const HalfBridgeKernel<DefaultExec>> GridGibbs<Real>::in_double(
    const DefaultExec& exec) const {
  const GridKernel method = method_ == GridKernel::spectral ? GridKernel::automatic : method_;
  return std::make_shared<GridGibbs<double>>(exec, source_, target_, geometry_, method);
}

template <class Real>
void GridGibbs<Real>::log_sums(const DefaultExec& exec, Side rows, In in, Out out) const {
  heat_[rows == Side::target]->apply(exec, in, out);
}

template <class Real>
void GridGibbs<Real>::soft_min(const DefaultExec& exec, Side rows, In potential, Out out) const {
  const In lw = log_weights(other(rows));
  const auto in = allocate(exec, "fortet::grid::soft_min_terms", lw.extent(0));
  const double epsilon = geometry_.epsilon;
  Kokkos::parallel_for(
      "fortet::grid::soft_min_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { in(j) = potential(j) / epsilon + lw(j); });
  log_sums(exec, rows, in, out);
  Kokkos::parallel_for(
      "fortet::grid::soft_min", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) *= -epsilon; });
}

template <class Real>
void GridGibbs<Real>::ratios(const DefaultExec& exec, Side rows, In own, In across, Out out) const {
  soft_min(exec, rows, across, out);
  const double epsilon = geometry_.epsilon;
  Kokkos::parallel_for(
      "fortet::grid::ratios", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = Kokkos::exp((own(i) - out(i)) / epsilon); });
}

namespace {

/// Sums against a non-negative payload: out_i = exp(base_i) sum_j exp(terms_j) payload_j K_ij.
template <class Kernel, class Payload>
void payload_sums(const DefaultExec& exec, const Kernel& kernel, Side rows, const Vector<double>& terms,
                  const Vector<double>& base, const Payload& payload, const Vector<double>& out) {
  const auto in = allocate(exec, "fortet::grid::payload", terms.extent(0));
  Kokkos::parallel_for(
      "fortet::grid::payload", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { in(j) = terms(j) + Kokkos::log(payload(j)); });
  kernel.log_sums(exec, rows, in, out);
  Kokkos::parallel_for(
      "fortet::grid::payload_sums", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = Kokkos::exp(out(i) + base(i)); });
}

bool in_free_space(const GridGeometry& geometry) {
  for (int k = 0; k < geometry.dimension(); ++k)
    if (geometry.boundary[k] != Boundary::free) return false;
  return true;
}

/// sum exp(log_weights) values, or with values log values.
double integral(const DefaultExec& exec, const ConstVector<double>& log_weights,
                const ConstVector<double>& values, bool times_log) {
  return chunked_sum(
      exec, "fortet::grid::product_integral", values.extent(0), KOKKOS_LAMBDA(const std::size_t i) {
        const double v = values(i);
        return v > 0 ? Kokkos::exp(log_weights(i)) * v * (times_log ? Kokkos::log(v) : 1.0) : 0.0;
      });
}

double smallest_finite(const DefaultExec& exec, const ConstVector<double>& values) {
  double result = 0;
  Kokkos::parallel_reduce(
      "fortet::grid::smallest", Kokkos::RangePolicy<DefaultExec>(exec, 0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i, double& least) { least = Kokkos::min(least, values(i)); },
      Kokkos::Min<double>(result));
  return result;
}

}  // namespace

/// Every sum has terms of one sign, so none cancels: payloads are measured from their smallest value. The
/// logarithm of a sum of plan and product does not separate along the axes; by convexity
///   q log q <= e log(e / (1 - delta)) + (alpha beta) log(alpha beta / delta),  delta the mass of the
///   product,
/// and this bound is what kl holds. Between bounded axes the cost has no moments to be summed
/// from; there the transport part is left at zero and kl holds the whole of (f + g) / epsilon.
template <class Real>
void GridGibbs<Real>::plan_costs(const DefaultExec& exec, In f, In g, In alpha, In beta, Out transport,
                                 Out kl) const {
  const std::size_t n = size(Side::source), m = size(Side::target);
  const double epsilon = geometry_.epsilon, least = smallest_finite(exec, g);
  const In lw = log_weights(Side::target);
  const Vector<double> terms = allocate(exec, "fortet::grid::plan_terms", m),
                       base = allocate(exec, "fortet::grid::plan_base", n),
                       mass = allocate(exec, "fortet::grid::plan_mass", n),
                       sum = allocate(exec, "fortet::grid::plan_sum", n);
  Kokkos::parallel_for(
      "fortet::grid::plan_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, m),
      KOKKOS_LAMBDA(const std::size_t j) { terms(j) = g(j) / epsilon + lw(j); });
  Kokkos::parallel_for(
      "fortet::grid::plan_base", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) { base(i) = f(i) / epsilon; });
  payload_sums(
      exec, *this, Side::source, terms, base, KOKKOS_LAMBDA(std::size_t) { return 1.0; }, mass);
  payload_sums(
      exec, *this, Side::source, terms, base, KOKKOS_LAMBDA(const std::size_t j) { return g(j) - least; },
      sum);
  Kokkos::parallel_for(
      "fortet::grid::plan_kl", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) {
        kl(i) = ((f(i) + least) * mass(i) + sum(i)) / epsilon;
        transport(i) = 0;
      });
  if (in_free_space(geometry_)) split_costs(exec, terms, base, mass, sum, transport, kl);
  add_product(exec, alpha, beta, mass, transport, kl);
}

/// Moves the quadratic cost of the plan from kl to transport.
template <class Real>
void GridGibbs<Real>::split_costs(const DefaultExec& exec, const Out& terms, const Out& base, const Out& mass,
                                  const Out& sum, const Out& transport, const Out& kl) const {
  const GridGeometry geometry = geometry_;
  const double epsilon = geometry_.epsilon;
  for (int k = 0; k < geometry_.dimension(); ++k)
    for (const int power : {0, 1, 2}) {
      const double low = geometry_.target.axis(k).lower;
      if (power > 0)
        payload_sums(
            exec, *this, Side::source, terms, base,
            KOKKOS_LAMBDA(const std::size_t j) {
              const double y = geometry.target.coordinate(j, k) - low;
              return power == 1 ? y : y * y;
            },
            sum);
      Kokkos::parallel_for(
          "fortet::grid::plan_transport", Kokkos::RangePolicy<DefaultExec>(exec, 0, base.extent(0)),
          KOKKOS_LAMBDA(const std::size_t i) {
            const double x = geometry.pushed(k, geometry.source.coordinate(i, k)) - low;
            const double term = power == 0 ? x * x * mass(i) : power == 1 ? -2 * x * sum(i) : sum(i);
            transport(i) += 0.5 * geometry.weight[k] * term;
            kl(i) -= 0.5 * geometry.weight[k] * term / epsilon;
          });
    }
}

/// The part of the product alpha beta in plan_costs.
template <class Real>
void GridGibbs<Real>::add_product(const DefaultExec& exec, In alpha, In beta, const Out& mass,
                                  const Out& transport, const Out& kl) const {
  const In lw = log_weights(Side::source), target_lw = log_weights(Side::target);
  const double a = integral(exec, lw, alpha, false), b = integral(exec, target_lw, beta, false),
               delta = a * b;
  if (!(delta > 0)) return;
  const double beta_entropy = integral(exec, target_lw, beta, true);
  const double log_delta = std::log(delta), log_rest = std::log1p(-delta);
  // mean cost of a row against beta: one line a axis, by the marginals of beta
  const bool free = in_free_space(geometry_);
  const GridGeometry geometry = geometry_;
  ConstVector<double> row_costs[RegularGrid::max_dimension];
  for (int k = 0; k < geometry_.dimension(); ++k) row_costs[k] = row_cost(exec, k, beta);
  Kokkos::parallel_for(
      "fortet::grid::plan_product", Kokkos::RangePolicy<DefaultExec>(exec, 0, kl.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        kl(i) -= mass(i) * log_rest;
        if (!(alpha(i) > 0)) return;
        double cost = 0;
        for (int k = 0; k < geometry.dimension(); ++k)
          cost += row_costs[k](static_cast<std::size_t>(geometry.source.index(i, k)));
        kl(i) += alpha(i) * (b * (Kokkos::log(alpha(i)) - log_delta) + beta_entropy);
        (free ? transport(i) : kl(i)) += alpha(i) * cost / (free ? 1 : geometry.epsilon);
      });
}

/// sum_j w_j beta_j c_k(x, y_j) along axis k of the cost, at the source's nodes on that axis.
template <class Real>
ConstVector<double> GridGibbs<Real>::row_cost(const DefaultExec& exec, int k, In beta) const {
  const GridGeometry geometry = geometry_;
  const In lw = log_weights(Side::target);
  const auto nodes = static_cast<std::size_t>(geometry.target.axis(k).nodes);
  const std::size_t inner = geometry.target.inner(k), lines = lw.extent(0) / nodes;
  const Vector<double> marginal = allocate(exec, "fortet::grid::product_marginal", nodes),
                       cost = allocate(exec, "fortet::grid::product_cost",
                                       static_cast<std::size_t>(geometry.source.axis(k).nodes));
  Kokkos::parallel_for(
      "fortet::grid::product_marginal", Kokkos::RangePolicy<DefaultExec>(exec, 0, nodes),
      KOKKOS_LAMBDA(const std::size_t j) {
        double sum = 0;
        for (std::size_t l = 0; l < lines; ++l) {
          const std::size_t flat = (l / inner * nodes + j) * inner + l % inner;
          sum += Kokkos::exp(lw(flat)) * beta(flat);
        }
        marginal(j) = sum;
      });
  Kokkos::parallel_for(
      "fortet::grid::product_cost", Kokkos::RangePolicy<DefaultExec>(exec, 0, cost.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double x = geometry.pushed(k, geometry.source.axis(k).node(static_cast<double>(i)));
        double sum = 0;
        for (std::size_t j = 0; j < nodes; ++j)
          if (marginal(j) > 0)
            sum -= marginal(j) * geometry.epsilon *
                   geometry.log_factor(k, x, geometry.target.axis(k).node(static_cast<double>(j)));
        cost(i) = sum;
      });
  return cost;
}

template <class Real>
double GridGibbs<Real>::mean_cost(const DefaultExec& exec) const {
  const auto from = source_.mean(exec), to = target_.mean(exec);
  const Matrix from_spread = source_.covariance(exec), to_spread = target_.covariance(exec);
  double cost = 0;
  for (std::size_t k = 0; k < from.size(); ++k) {
    const int axis = static_cast<int>(k);
    const double factor = geometry_.factor[k], between = geometry_.pushed(axis, from[k]) - to[k];
    cost += 0.5 * geometry_.weight[k] *
            (between * between + factor * factor * from_spread(k, k) + to_spread(k, k));
  }
  return cost;
}

template <class Real>
double GridGibbs<Real>::largest_cost(const DefaultExec&) const {
  double cost = 0;
  for (int k = 0; k < geometry_.dimension(); ++k) {
    const GridAxis &from = geometry_.source.axis(k), &to = geometry_.target.axis(k);
    const double farthest = std::max(std::abs(geometry_.pushed(k, from.lower) - to.upper),
                                     std::abs(geometry_.pushed(k, from.upper) - to.lower));
    cost += 0.5 * geometry_.weight[k] * farthest * farthest;
  }
  return cost;
}

template class GridGibbs<float>;
template class GridGibbs<double>;

}  // namespace fortet::impl
