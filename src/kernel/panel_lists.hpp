#pragma once
// Which panels of target atoms matter to a group of source atoms (block.hpp), from the boxes that they lie
// in. Host-only, no Kokkos.
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/block.hpp"

namespace fortet::kernel {

/// For each group of source atoms, in ascending order, the panels whose entries are not negligible. Empty:
/// all of them.
struct PanelLists {
  std::vector<std::size_t> first;     ///< where the list of a group begins; one more than there are groups
  std::vector<std::uint32_t> panels;  ///< the lists, one after the other

  bool empty() const { return first.empty(); }
  /// How many of `all` tiles, groups times panels, are kept.
  std::size_t kept(std::size_t all) const { return empty() ? all : panels.size(); }
  /// How many tiles come before those of `group`, and its panels, where there are `panel_count`.
  std::pair<std::size_t, Panels> of(std::size_t group, std::size_t panel_count) const {
    if (empty()) return {group * panel_count, {panel_count}};
    return {first[group], {first[group + 1] - first[group], panels.data() + first[group]}};
  }
};

/// The boxes that groups of packed points lie in, with the largest potential of each.
struct Boxes {
  std::size_t count = 0;
  int dimension = 0;
  std::vector<double> lower, upper;  ///< dimension x count
  std::vector<double> top;           ///< count
};

/// Of PackedPoints or PackedColumns in up to small_dimension dimensions; potentials are taken times `scale`.
template <class Packed>
Boxes boxes_of(const Packed& points, const double* potential, double scale);

/// Appends to `out` the panels with an exponent of at least `least` towards `group`, or rather with
///   top(group) + top(panel) - distance of the boxes^2 / 2 >= least,
/// which bounds all of theirs from above. `bounds` is scratch memory.
void append_active(const Boxes& groups, std::size_t group, const Boxes& panels, double least,
                   std::vector<double>& bounds, std::vector<std::uint32_t>& out);

}  // namespace fortet::kernel
