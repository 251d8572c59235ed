#include "grid/cells.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "measure/allocate.hpp"

namespace fortet::grid {

RegularGrid common_cells(const RegularGrid& source, const RegularGrid& target) {
  constexpr const char* where = "fortet::GridIpf";
  constexpr const char* remedy = "; GridMeasure::resample() brings source and target together";
  fortet::detail::require(source.dimension() == target.dimension(), where, "target dimension",
                          target.dimension(),
                          "expected the source's dimension " + std::to_string(source.dimension()));
  fortet::detail::require(source.same_box(target), where, "box of the target", "not the source's",
                          std::string("a drift needs one box for both") + remedy);
  std::vector<GridAxis> axes = source.axes();
  for (int k = 0; k < source.dimension(); ++k) {
    const int a = source.axis(k).nodes, b = target.axis(k).nodes;
    fortet::detail::require(std::max(a, b) % std::min(a, b) == 0, where,
                            "nodes of the target on axis " + std::to_string(k), b,
                            "with a drift expected the source's " + std::to_string(a) +
                                ", a multiple or a divisor of it" + remedy);
    axes[static_cast<std::size_t>(k)].nodes = std::max(a, b);
  }
  return RegularGrid(axes);
}

Vector<double> spread(const DefaultExec& exec, const Cells& cells, const Vector<double>& log_masses) {
  if (cells.count() == 1) return log_masses;
  const Vector<double> out = fortet::detail::allocate(exec, "fortet::grid::spread_cells", cells.fine.size());
  const double log_count = std::log(static_cast<double>(cells.count()));
  Kokkos::parallel_for(
      "fortet::grid::spread_cells", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { out(i) = log_masses(cells.around(i)) - log_count; });
  return out;
}

void log_means(const DefaultExec& exec, const Cells& cells, ConstVector<double> values, Vector<double> out) {
  const std::size_t count = cells.count();
  if (count == 1) return Kokkos::deep_copy(exec, out, values);
  Kokkos::parallel_for(
      "fortet::grid::cell_means", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t cell) {
        double most = values(cells.inside(cell, 0)), sum = 0;
        for (std::size_t n = 1; n < count; ++n) most = Kokkos::fmax(most, values(cells.inside(cell, n)));
        for (std::size_t n = 0; n < count; ++n) sum += Kokkos::exp(values(cells.inside(cell, n)) - most);
        out(cell) = most + Kokkos::log(sum / static_cast<double>(count));
      });
}

}  // namespace fortet::grid
