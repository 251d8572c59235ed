#pragma once
// Full iterations on blocks (block.hpp), on the host: the rows of a group, then their share of the columns,
// before the block leaves the cache. Column sums are gathered in chunks of groups that depend on the problem
// alone, and added in order, so the result is bitwise the same for every thread count.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "fortet/impl/small_work.hpp"
#include "fortet/types.hpp"
#include "kernel/aligned_buffer.hpp"
#include "kernel/block.hpp"

namespace fortet::kernel {

/// How the blocks of a kernel are laid out.
struct BlockShape {
  std::size_t rows = 0, columns = 0;
  std::size_t group = 0, panel = 0, panel_count = 0;  ///< rows in a group, columns in a panel, panels

  std::size_t groups() const { return (rows + group - 1) / group; }
  std::size_t padded_columns() const { return panel * panel_count; }
  /// Of a group and a panel each.
  std::size_t tiles() const { return groups() * panel_count; }
};

/// What a full iteration needs beside the blocks. With u_i = row_scales, v_j in column_scales and weights:
///   source_i = u_i sum_j weights_j block_ij,
///   target_j = column_scales_j sum_i row_masses_i source_i^(-omega) block_ij;
/// scales left out are one. omega = -1 makes it the linear map there and back of Newton's method; `squares`
/// gives target_j = column_scales_j^2 sum_i row_masses_i row_scales_i block_ij^2, its diagonal.
template <class Real>
struct SweepArguments : BlockShape {
  double omega = 1;
  bool squares = false;
  const Real* weights = nullptr;          ///< panel_count x panel_rows; 0 for padding; none: all one
  const double* row_scales = nullptr;     ///< rows
  const double* row_masses = nullptr;     ///< rows: weight of the atom times its u_i
  const double* column_scales = nullptr;  ///< columns
};

inline constexpr std::size_t largest_group = 8;

/// What a thread works in.
template <class Real>
struct SweepThread {
  AlignedBuffer<Real> block;
  AlignedBuffer<Real> panels;  ///< as `run` sees them
  static constexpr std::size_t nothing = -1;
  std::size_t run = nothing;
};

/// Memory of a sweep, kept between sweeps.
template <class Real>
struct SweepWorkspace {
  std::vector<SweepThread<Real>> threads;
  AlignedBuffer<double> columns;  ///< one row a chunk
};

/// A block, in the buffer of a thread or elsewhere, and what it holds.
template <class Store>
struct Block {
  const Store* entries;
  Panels panels;
};

/// `rows_of(group, memory, sums)` returns the group's Block and, in `sums`, its row sums with `weights`, and
/// may use the SweepThread `memory`. Blocking.
template <class Exec, class Real, class RowsOf>
void sweep_blocks(const Exec& exec, const SweepArguments<Real>& a, SweepWorkspace<Real>& workspace,
                  const RowsOf& rows_of, Vector<double, typename Exec::memory_space> source,
                  Vector<double, typename Exec::memory_space> target) {
  const std::size_t group = a.group, groups = a.groups(), padded = a.padded_columns();
  // enough chunks to share out, few enough for their sums to cost nothing beside the pairs
  const std::size_t chunks = std::min(groups, std::clamp<std::size_t>(a.rows / 512, 8, 64));
  const Kokkos::Experimental::UniqueToken<Exec> threads(exec);
  workspace.threads.resize(static_cast<std::size_t>(threads.size()));
  workspace.columns.grow(chunks * padded);
  double* const partial = workspace.columns.data();
  Kokkos::parallel_for(
      "fortet::kernel::sweep",
      Kokkos::RangePolicy<Exec, Kokkos::Schedule<Kokkos::Dynamic>>(exec, 0, chunks, Kokkos::ChunkSize(1)),
      [&](const std::size_t chunk) {
        const auto thread = threads.acquire();
        SweepThread<Real>& memory = workspace.threads[static_cast<std::size_t>(thread)];
        memory.run = SweepThread<Real>::nothing;
        double* const columns = partial + chunk * padded;
        std::fill(columns, columns + padded, 0.0);
        double sums[largest_group], steps[largest_group];
        Real factors[largest_group];
        for (std::size_t g = groups * chunk / chunks; g < groups * (chunk + 1) / chunks; ++g) {
          const auto block = rows_of(g, memory, sums);
          const std::size_t first = g * group, rows = std::min(group, a.rows - first);
          if (a.row_scales)
            for (std::size_t c = 0; c < rows; ++c) sums[c] *= a.row_scales[first + c];
          for (std::size_t c = 0; c < rows; ++c) source(first + c) = sums[c];
          if (a.squares)
            for (std::size_t c = 0; c < rows; ++c) steps[c] = a.row_scales ? a.row_scales[first + c] : 1.0;
          else if (a.omega == -1)
            std::copy(sums, sums + rows, steps);
          else
            powers(sums, -a.omega, rows, steps);
          for (std::size_t c = 0; c < group; ++c) {
            const bool matters = c < rows && a.row_masses[first + c] > 0;
            factors[c] = matters ? static_cast<Real>(a.row_masses[first + c] * steps[c]) : Real(0);
          }
          if (a.squares)
            add_block_squares(a.panel, block.entries, block.panels, factors, columns);
          else
            add_block_columns(a.panel, block.entries, block.panels, factors, columns);
        }
        threads.release(thread);
      });
  constexpr std::size_t run = 256;  // columns that one thread adds up, chunk by chunk
  const Exec space = impl::space_for(exec, 0.1 * static_cast<double>(chunks * a.columns));
  Kokkos::parallel_for("fortet::kernel::sweep_columns",
                       Kokkos::RangePolicy<Exec>(space, 0, (a.columns + run - 1) / run),
                       [&](const std::size_t r) {
                         const std::size_t first = r * run, count = std::min(run, a.columns - first);
                         double sums[run] = {};
                         for (std::size_t chunk = 0; chunk < chunks; ++chunk)
                           for (std::size_t j = 0; j < count; ++j)
                             sums[j] += partial[chunk * padded + first + j];
                         for (std::size_t j = 0; j < count; ++j) {
                           const double scale = a.column_scales ? a.column_scales[first + j] : 1.0;
                           target(first + j) = (a.squares ? scale * scale : scale) * sums[j];
                         }
                       });
  exec.fence("fortet::kernel::sweep");
}

}  // namespace fortet::kernel
