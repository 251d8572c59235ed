#include <cmath>
#include <string>

#include "fortet/coupling/grid_coupling.hpp"
#include "grid/grid_gibbs.hpp"
#include "grid/interpolation.hpp"
#include "measure/allocate.hpp"

namespace fortet {
namespace {

using detail::allocate;
using impl::GridGeometry;

constexpr int max_dimension = RegularGrid::max_dimension;

/// What a draw from a row of the plan reads.
struct RowDraw {
  GridGeometry geometry;
  RegularGrid mixed[max_dimension];  // source axes before k, target axes from k on
  ConstVector<double> sums[max_dimension];

  /// Log weight of node j on axis k, given the nodes chosen on the later axes.
  KOKKOS_FUNCTION double log_weight(int k, int j, const double* x, const grid::PointStencil& at,
                                    const int* chosen) const {
    std::size_t base = static_cast<std::size_t>(j) * geometry.target.inner(k);
    for (int l = k + 1; l < geometry.dimension(); ++l)
      base += static_cast<std::size_t>(chosen[l]) * geometry.target.inner(l);
    return grid::interpolate(sums[k], mixed[k], at, k, base, -1) +
           geometry.log_factor(k, geometry.pushed(k, x[k]), geometry.target.axis(k).node(j));
  }

  /// Chooses the nodes of one row, last axis first: each from its law given x and the later ones.
  KOKKOS_FUNCTION void draw(RandomKey key, std::size_t row, const double* x, int* chosen) const {
    grid::PointStencil at{};
    for (int k = 0; k < geometry.dimension(); ++k)
      at.axis[k] = grid::axis_stencil(geometry.source.axis(k), geometry.boundary[k], x[k]);
    for (int k = geometry.dimension(); k-- > 0;) {
      const int nodes = geometry.target.axis(k).nodes;
      double most = -Kokkos::Experimental::infinity_v<double>, sum = 0;
      for (int j = 0; j < nodes; ++j) {
        const double w = log_weight(k, j, x, at, chosen);
        if (w > most) {
          sum = sum * Kokkos::exp(most - w) + 1;
          most = w;
        } else if (w > -Kokkos::Experimental::infinity_v<double>) {
          sum += Kokkos::exp(w - most);
        }
      }
      double left = random_uniform(key, row, static_cast<std::uint32_t>(k)) * sum;
      chosen[k] = 0;
      for (int j = 0; j < nodes && left > 0; ++j) {
        const double w = log_weight(k, j, x, at, chosen);
        if (w == -Kokkos::Experimental::infinity_v<double>) continue;
        chosen[k] = j;  // the last node with weight serves if rounding leaves a remainder
        left -= Kokkos::exp(w - most);
      }
    }
  }
};

/// Quintic interpolation of node values at rows of x.
void interpolate_at(const DefaultExec& exec, const RegularGrid& grid, const GridGeometry& geometry,
                    const ConstVector<double>& values, const ConstPoints<double>& x,
                    const Points<double>& out, std::size_t column) {
  Kokkos::parallel_for(
      "fortet::grid::interpolate", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const auto at = grid::point_stencil(grid, geometry.boundary,
                                            [&](int k) { return x(i, static_cast<std::size_t>(k)); });
        out(i, column) = grid::interpolate(values, grid, at, grid.dimension(), 0, -1);
      });
}

void require_shape(const char* function, int dimension, std::size_t columns, std::size_t rows,
                   std::size_t expected) {
  const std::string where = std::string("fortet::GridCoupling::") + function;
  detail::require(static_cast<int>(columns) == dimension, where, "dimension of x", columns,
                  "expected " + std::to_string(dimension));
  detail::require(rows == expected, where, "rows of the output", rows,
                  "expected " + std::to_string(expected));
}

}  // namespace

GridPlan::GridPlan(const DefaultExec& exec, GridMeasure source, GridMeasure target,
                   const impl::GridGeometry& geometry, ConstVector<double> source_potential,
                   ConstVector<double> target_potential)
    : source_(std::move(source)),
      target_(std::move(target)),
      geometry_(geometry),
      f_(source_potential),
      g_(target_potential) {
  detail::require(f_.extent(0) == source_.size(), "fortet::GridCoupling", "source_potential.size()",
                  f_.extent(0),
                  "expected one value for each of the " + std::to_string(source_.size()) + " nodes");
  detail::require(g_.extent(0) == target_.size(), "fortet::GridCoupling", "target_potential.size()",
                  g_.extent(0),
                  "expected one value for each of the " + std::to_string(target_.size()) + " nodes");
  prepare(exec);
}

void GridPlan::prepare(const DefaultExec& exec) {
  const std::size_t n = source_.size(), m = target_.size();
  const GridGeometry geometry = geometry_;
  const double epsilon = geometry_.epsilon;
  const ConstVector<double> g = g_;
  const Vector<double> terms = impl::log_masses(exec, target_),
                       in = allocate(exec, "fortet::grid::mean_terms", m),
                       total = allocate(exec, "fortet::grid::row_sums", n);
  Kokkos::parallel_for(
      "fortet::grid::plan_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, m),
      KOKKOS_LAMBDA(const std::size_t j) { terms(j) += g(j) / epsilon; });
  terms_ = terms;
  // means from sums of one sign: no cancellation
  const auto heat =
      detail::make_heat_kernel<double>(impl::heat_axes(geometry_, impl::Side::source), GridKernel::automatic);
  heat->apply(exec, terms, total);
  for (int k = 0; k < geometry_.dimension(); ++k) {
    const double low = geometry_.target.axis(k).lower;
    const Vector<double> mean = allocate(exec, "fortet::grid::conditional_means", n);
    Kokkos::parallel_for(
        "fortet::grid::mean_terms", Kokkos::RangePolicy<DefaultExec>(exec, 0, m),
        KOKKOS_LAMBDA(const std::size_t j) {
          in(j) = terms(j) + Kokkos::log(geometry.target.coordinate(j, k) - low);
        });
    heat->apply(exec, in, mean);
    Kokkos::parallel_for(
        "fortet::grid::conditional_means", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
        KOKKOS_LAMBDA(const std::size_t i) { mean(i) = low + Kokkos::exp(mean(i) - total(i)); });
    means_[k] = mean;
  }
  // last, so that the partial sums are those of the plan; the kernel goes, its arrays stay
  heat->apply(exec, terms, total);
  for (int k = 0; k + 1 < geometry_.dimension(); ++k) partial_[k] = heat->partial_sums(k);
  exec.fence("fortet::grid::plan");
}

void GridPlan::sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const {
  source_.sample_nodes(exec, key.child(0), x0);
  draw_targets(exec, key.child(1), x0, x1);
  if (cell_draw_ == CellDraw::nodes) return;
  detail::offset_in_cells(exec, key.child(2), source_.grid(), x0);
  detail::offset_in_cells(exec, key.child(3), target_.grid(), x1);
}

void GridPlan::sample_conditional(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                                  Points<double> x1) const {
  draw_targets(exec, key.child(1), x0, x1);
  if (cell_draw_ == CellDraw::offset) detail::offset_in_cells(exec, key.child(3), target_.grid(), x1);
}

void GridPlan::draw_targets(const DefaultExec& exec, RandomKey key, ConstPoints<double> x0,
                            Points<double> x1) const {
  require_shape("sample_conditional", source_dimension(), x0.extent(1), x1.extent(0), x0.extent(0));
  RowDraw rows{
      geometry_, {geometry_.target, geometry_.target, geometry_.target}, {terms_, partial_[0], partial_[1]}};
  for (int k = 1; k < geometry_.dimension(); ++k)
    rows.mixed[k] = rows.mixed[k - 1].with_axis(k - 1, geometry_.source.axis(k - 1));
  Kokkos::parallel_for(
      "fortet::grid::draw_targets", Kokkos::RangePolicy<DefaultExec>(exec, 0, x0.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double x[max_dimension] = {};
        int chosen[max_dimension] = {};
        const int d = rows.geometry.dimension();
        for (int k = 0; k < d; ++k) {
          const GridAxis& axis = rows.geometry.source.axis(k);
          x[k] = Kokkos::clamp(x0(i, static_cast<std::size_t>(k)), axis.lower, axis.upper);
        }
        rows.draw(key, i, x, chosen);
        for (int k = 0; k < d; ++k)
          x1(i, static_cast<std::size_t>(k)) = rows.geometry.target.axis(k).node(chosen[k]);
      });
}

void GridPlan::conditional_mean(const DefaultExec& exec, ConstPoints<double> x0, Points<double> mean) const {
  require_shape("conditional_mean", source_dimension(), x0.extent(1), mean.extent(0), x0.extent(0));
  for (int k = 0; k < geometry_.dimension(); ++k)
    interpolate_at(exec, geometry_.source, geometry_, means_[k], x0, mean, static_cast<std::size_t>(k));
}

void GridPlan::source_potential(const DefaultExec& exec, ConstPoints<double> x, Vector<double> out) const {
  require_shape("source_potential", source_dimension(), x.extent(1), out.extent(0), x.extent(0));
  interpolate_at(exec, geometry_.source, geometry_, f_, x, Points<double>(out.data(), out.extent(0), 1), 0);
}

void GridPlan::target_potential(const DefaultExec& exec, ConstPoints<double> y, Vector<double> out) const {
  require_shape("target_potential", target_dimension(), y.extent(1), out.extent(0), y.extent(0));
  interpolate_at(exec, geometry_.target, geometry_, g_, y, Points<double>(out.data(), out.extent(0), 1), 0);
}

void GridPlan::log_density_ratio(const DefaultExec& exec, ConstPoints<double> x0, ConstPoints<double> x1,
                                 Vector<double> out) const {
  require_shape("log_density_ratio", source_dimension(), x0.extent(1), x1.extent(0), x0.extent(0));
  require_shape("log_density_ratio", source_dimension(), x1.extent(1), out.extent(0), x0.extent(0));
  const Vector<double> g = allocate(exec, "fortet::grid::target_part", out.extent(0));
  source_potential(exec, x0, out);
  target_potential(exec, x1, g);
  const GridGeometry geometry = geometry_;
  Kokkos::parallel_for(
      "fortet::grid::log_density_ratio", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double value = (out(i) + g(i)) / geometry.epsilon;
        for (int k = 0; k < geometry.dimension(); ++k) {
          const auto column = static_cast<std::size_t>(k);
          value += geometry.log_factor(k, geometry.pushed(k, x0(i, column)), x1(i, column));
        }
        out(i) = value;
      });
}

}  // namespace fortet
