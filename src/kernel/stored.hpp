#pragma once
// The stored kernel: blocks (block.hpp) written once at some potentials and read once an iteration, until the
// potentials have moved so far that entries which underflowed then could matter: then they are written again.
#include "fortet/impl/gibbs_kernel.hpp"
#include "kernel/panel_lists.hpp"
#include "kernel/sweep.hpp"

namespace fortet::kernel {

/// A kernel that writes its own blocks.
template <class Exec>
class BlockWriter {
 public:
  using In = ConstVector<double, typename Exec::memory_space>;
  virtual ~BlockWriter() = default;

  virtual BlockShape block_shape() const = 0;
  /// Expected time of a full iteration that does not keep its blocks, in core nanoseconds a pair.
  virtual double recompute_time() const = 0;
  /// The panels that may hold an entry of at least exp(least); no lists where that is not known cheaply.
  /// Blocking.
  virtual PanelLists active_panels(const Exec& /*exec*/, In /*f*/, In /*g*/, double /*least*/) const {
    return {};
  }
  /// Writes exp((f_i + g_j - c_ij) / epsilon) for the groups, one after the other, and the panels of each
  /// that are listed. Blocking.
  virtual void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, Half* blocks) const = 0;
  virtual void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, float* blocks) const = 0;
  virtual void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, double* blocks) const = 0;
};

}  // namespace fortet::kernel
