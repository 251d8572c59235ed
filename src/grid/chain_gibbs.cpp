#include "grid/chain_gibbs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "chunked_sum.hpp"
#include "grid/grid_gibbs.hpp"
#include "measure/allocate.hpp"

namespace fortet::impl {

using fortet::detail::allocate;

ChainGibbs::ChainGibbs(const DefaultExec& exec, const GridMeasure& source, const GridMeasure& target,
                       std::shared_ptr<const grid::Chain> chain, const std::vector<Boundary>& boundary)
    : source_(source),
      target_(target),
      cells_{{source.grid(), chain->grid()}, {target.grid(), chain->grid()}},
      given_(chain),
      chain_(std::move(chain)),
      boundary_(boundary) {
  log_weights_[0] = log_masses(exec, source);
  log_weights_[1] = log_masses(exec, target);
}

double ChainGibbs::noise() const {
  // products and sums of positive numbers: a few roundings a sweep, added up over the steps
  return 4 * std::numeric_limits<double>::epsilon() * std::max(16, chain_->steps());
}

std::shared_ptr<const HalfBridgeKernel<DefaultExec>> ChainGibbs::with_epsilon(const DefaultExec& exec,
                                                                              double epsilon) const {
  auto kernel = std::make_shared<ChainGibbs>(*this);
  if (epsilon == given_->process().epsilon()) {
    kernel->chain_ = given_;
    return kernel;
  }
  DriftDiffusion process = given_->process();
  process.sigma = std::sqrt(epsilon / process.horizon);
  kernel->chain_ = std::make_shared<const grid::Chain>(exec, given_->grid(), process, boundary_,
                                                       Stepper::implicit_euler, given_->steps());
  return kernel;
}

std::shared_ptr<const HalfBridgeKernel<DefaultExec>> ChainGibbs::in_double(const DefaultExec&) const {
  return std::make_shared<ChainGibbs>(*this);
}

void ChainGibbs::soft_min(const DefaultExec& exec, Side rows, In potential, Out out) const {
  const In lw = log_weights(other(rows));
  const double epsilon = this->epsilon();
  const auto in = allocate(exec, "fortet::grid::chain_terms", lw.extent(0));
  Kokkos::parallel_for(
      "fortet::grid::chain_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { in(j) = potential(j) / epsilon + lw(j); });
  const bool forward = rows == Side::target;
  const Vector<double> states = grid::spread(exec, cells_[!forward], in);
  const double floor = chain_->apply_log(exec, forward, 0, chain_->steps(), states, states);
  grid::log_means(exec, cells_[forward], states, out);
  const In own = log_weights(rows);
  out_of_range_[forward] = chunked_sum(
      exec, "fortet::grid::chain_out_of_range", own.extent(0),
      KOKKOS_LAMBDA(const std::size_t i) { return out(i) <= floor ? Kokkos::exp(own(i)) : 0.0; });
  const int d = chain_->grid().dimension();
  const double constant =
      0.5 * d * std::log(2 * std::numbers::pi * epsilon) - std::log(chain_->grid().cell_volume());
  Kokkos::parallel_for(
      "fortet::grid::chain_soft_min", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = -epsilon * (out(i) + constant); });
}

void ChainGibbs::ratios(const DefaultExec& exec, Side rows, In own, In across, Out out) const {
  soft_min(exec, rows, across, out);
  const double epsilon = this->epsilon();
  Kokkos::parallel_for(
      "fortet::grid::chain_ratios", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = Kokkos::exp((own(i) - out(i)) / epsilon); });
}

void ChainGibbs::plan_costs(const DefaultExec& exec, In f, In g, In /*alpha*/, In /*beta*/, Out transport,
                            Out kl) const {
  // with m = min g: sum_j pi_ij (f_i + g_j) = (f_i + m) mass_i + sum_j pi_ij (g_j - m), terms of one sign
  double least = 0;
  Kokkos::parallel_reduce(
      "fortet::grid::chain_least", Kokkos::RangePolicy<DefaultExec>(exec, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j, double& m) { m = g(j) < m ? g(j) : m; }, Kokkos::Min<double>(least));
  const double epsilon = this->epsilon();
  const auto weighted = allocate(exec, "fortet::grid::chain_weighted", g.extent(0)),
             mass = allocate(exec, "fortet::grid::chain_mass", f.extent(0));
  ratios(exec, Side::source, f, g, mass);
  Kokkos::parallel_for(
      "fortet::grid::chain_weighted", Kokkos::RangePolicy<DefaultExec>(exec, 0, g.extent(0)),
      KOKKOS_LAMBDA(const std::size_t j) { weighted(j) = g(j) + epsilon * Kokkos::log(g(j) - least); });
  ratios(exec, Side::source, f, weighted, kl);
  Kokkos::parallel_for(
      "fortet::grid::chain_costs", Kokkos::RangePolicy<DefaultExec>(exec, 0, f.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        kl(i) = ((f(i) + least) * mass(i) + kl(i)) / epsilon;
        transport(i) = 0;
      });
}

double ChainGibbs::mean_cost(const DefaultExec& exec) const {
  const auto from = source_.mean(exec), to = target_.mean(exec);
  const Matrix from_spread = source_.covariance(exec), to_spread = target_.covariance(exec);
  double cost = 0;
  for (std::size_t k = 0; k < from.size(); ++k)
    cost += 0.5 * ((from[k] - to[k]) * (from[k] - to[k]) + from_spread(k, k) + to_spread(k, k));
  return cost;
}

double ChainGibbs::largest_cost(const DefaultExec&) const {
  double cost = 0;
  for (const GridAxis& axis : chain_->grid().axes()) cost += 0.5 * axis.length() * axis.length();
  return cost;
}

}  // namespace fortet::impl
