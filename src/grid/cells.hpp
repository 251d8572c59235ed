#pragma once
// Cells of a coarse grid as unions of the cells of a finer one: a chain on the finer grid whose end is known
// by the masses of coarse cells alone. With E_iI = 1 / count where cell i lies in cell I, and 0 elsewhere,
// spread() is E on masses and log_means() its transpose on functions.
#include "fortet/measure/regular_grid.hpp"
#include "fortet/types.hpp"

namespace fortet::grid {

/// Trivially copyable into kernels.
struct Cells {
  RegularGrid coarse, fine;  // axis by axis the second has a multiple of the first's nodes

  KOKKOS_FUNCTION std::size_t along(int k) const {
    return static_cast<std::size_t>(fine.axis(k).nodes / coarse.axis(k).nodes);
  }
  /// Fine cells in a coarse one.
  KOKKOS_FUNCTION std::size_t count() const { return fine.size() / coarse.size(); }
  /// The coarse cell in which fine cell i lies.
  KOKKOS_FUNCTION std::size_t around(std::size_t i) const {
    std::size_t cell = 0;
    for (int k = 0; k < fine.dimension(); ++k)
      cell += static_cast<std::size_t>(fine.index(i, k)) / along(k) * coarse.inner(k);
    return cell;
  }
  /// The n-th fine cell in a coarse one.
  KOKKOS_FUNCTION std::size_t inside(std::size_t cell, std::size_t n) const {
    std::size_t i = 0;
    for (int k = fine.dimension(); k-- > 0; n /= along(k))
      i += (static_cast<std::size_t>(coarse.index(cell, k)) * along(k) + n % along(k)) * fine.inner(k);
    return i;
  }
};

/// The grid whose cells make up those of both: on every axis the finer of the two. Throws InvalidArgument
/// unless they share a box and on every axis one number of nodes is a multiple of the other.
RegularGrid common_cells(const RegularGrid& source, const RegularGrid& target);

/// Log masses of coarse cells shared out evenly among the fine ones; the same array where the grids are the
/// same.
Vector<double> spread(const DefaultExec& exec, const Cells& cells, const Vector<double>& log_masses);
/// out = log of the means of exp(values) over coarse cells, for finite values.
void log_means(const DefaultExec& exec, const Cells& cells, ConstVector<double> values, Vector<double> out);

}  // namespace fortet::grid
