#include "grid/heat_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>
#include <string>

#include "grid/line_moves.hpp"
#include "kernel/aligned_buffer.hpp"
#include "measure/allocate.hpp"

namespace fortet::detail {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr const char* where = "fortet::GridIpf: kernel";

/// Where element j of the row with its copies is found in the row itself.
KOKKOS_INLINE_FUNCTION int image_index(int j, int copies, int nodes, bool reflect) {
  const int period = reflect ? 2 * nodes : nodes;
  const int q = ((j - copies * nodes) % period + period) % period;
  return q < nodes ? q : period - 1 - q;
}

/// The shape of one axis pass: `outer` x nodes x `inner`.
struct Pass {
  std::size_t outer = 1, inner = 1;
  std::size_t lines() const { return outer * inner; }
};

/// Passes over axes 0, 1, ...: axes already done have their out.count, the others their in.count.
std::vector<Pass> passes(const std::vector<HeatAxis>& axes) {
  std::vector<Pass> result(axes.size());
  for (std::size_t k = 0; k < axes.size(); ++k)
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (a < k) result[k].outer *= static_cast<std::size_t>(axes[a].out.count);
      if (a > k) result[k].inner *= static_cast<std::size_t>(axes[a].in.count);
    }
  return result;
}

/// The execution space whose threads can run host tiles.
[[maybe_unused]] HostExec host_instance(const HostExec& exec) { return exec; }
template <class Exec>
HostExec host_instance(const Exec&) {
  return HostExec();
}

// ---------------------------------------------------------------- dense and tilted: host tiles

template <class Real>
class LineHeat final : public HeatKernel {
 public:
  LineHeat(const std::vector<HeatAxis>& axes, GridKernel method) : axes_(axes), passes_(passes(axes)) {
    std::size_t largest_pass = 0;
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const grid::Nodes in = axes[k].extended();
      const grid::LineMethod line = method == GridKernel::dense ? grid::LineMethod::dense
                                    : method == GridKernel::tilted
                                        ? grid::LineMethod::tilted
                                        : grid::LineKernel<Real>::choose(axes[k].out, in, axes[k].variance);
      offsets_.push_back(row_offsets(axes[k], passes_[k]));
      kernels_.emplace_back(axes[k].out, in, axes[k].variance, line);
      if (k + 1 < axes.size())
        largest_pass =
            std::max(largest_pass, passes_[k].lines() * static_cast<std::size_t>(axes[k].out.count));
    }
    for (const std::size_t k : {0, 1})
      if (axes.size() > k + 1)
        between_[k] = Vector<double, Kokkos::HostSpace>(
            Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::grid::between"), largest_pass);
    evaluated_.resize(axes.size(), 0);
  }

  void apply(const DefaultExec& exec, ConstVector<double> in, Vector<double> out) override {
    const auto host_in = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, in);
    const auto host_out = Kokkos::create_mirror_view(Kokkos::HostSpace{}, out);
    const double* from = host_in.data();
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      double* to = k + 1 == axes_.size() ? host_out.data() : between_[k % 2].data();
      run_pass(host_instance(exec), k, from, to);
      from = to;
    }
    Kokkos::deep_copy(exec, out, host_out);
  }

  ConstVector<double> partial_sums(int k) const override {
    return Kokkos::create_mirror_view_and_copy(DefaultMemory{}, between_[k]);
  }

  std::string description() const override {
    std::string text;
    for (std::size_t k = 0; k < kernels_.size(); ++k) {
      const auto& kernel = kernels_[k];
      text += k ? " x " : "";
      if (kernel.method() == grid::LineMethod::dense) {
        text += "dense";
        continue;
      }
      const double terms = static_cast<double>(count_blocks(k)) * static_cast<double>(kernel.terms());
      const long percent = std::lround(100 * static_cast<double>(evaluated_[k]) / terms);
      text += "tilted " + std::to_string(kernel.width()) + " (" + std::to_string(percent) + " % of terms";
      if (kernel.between() > 0) text += ", " + std::to_string(kernel.between()) + " nodes between";
      text += ")";
    }
    if (skip_bound() > 0) text += ", left out below " + short_number(skip_bound());
    return text;
  }

  double skip_bound() const override {
    double bound = 0;
    for (const auto& kernel : kernels_) bound += kernel.skip_bound();
    return bound;
  }

 private:
  std::size_t count_blocks(std::size_t k) const {
    const auto lines = static_cast<std::size_t>(kernels_[k].lines());
    return (passes_[k].lines() + lines - 1) / lines;
  }

  /// Plain host lambdas: the tiles are host code whatever the default execution space is.
  void run_pass(const HostExec& exec, std::size_t k, const double* from, double* to) {
    const auto& kernel = kernels_[k];
    const Pass pass = passes_[k];
    const HeatAxis axis = axes_[k];
    const std::vector<std::size_t>& offsets = offsets_[k];
    const auto lines = static_cast<std::size_t>(kernel.lines()), blocks = count_blocks(k),
               rows = static_cast<std::size_t>(kernel.padded_rows()),
               tiles = static_cast<std::size_t>(kernel.out_tiles()),
               width = static_cast<std::size_t>(kernel.width());
    // results leave in runs of 64 nodes: narrow tiles would write pieces of cache lines far apart
    const std::size_t together = std::max<std::size_t>(1, 64 / width),
                      groups = (tiles + together - 1) / together;
    const Kokkos::Experimental::UniqueToken<HostExec> threads(exec);
    workspaces_.resize(static_cast<std::size_t>(threads.size()));
    // few lines are shared out tile by tile: what all tiles of a block need is then formed by each thread
    const std::size_t parts = std::clamp<std::size_t>(workspaces_.size() / blocks, 1, groups);
    using Policy = Kokkos::RangePolicy<HostExec, Kokkos::Schedule<Kokkos::Dynamic>>;
    long evaluated = 0;
    Kokkos::parallel_reduce(
        "fortet::grid::apply_lines", Policy(exec, 0, blocks * parts, Kokkos::ChunkSize(1)),
        [&](const std::size_t item, long& count) {
          const auto thread = threads.acquire();
          Workspace& workspace = workspaces_[static_cast<std::size_t>(thread)];
          workspace.block.grow(rows * lines);
          workspace.doubles.grow(static_cast<std::size_t>(kernel.double_rows()) * lines);
          workspace.reals.grow(static_cast<std::size_t>(kernel.real_rows()) * lines);
          double *block = workspace.block.data(), *doubles = workspace.doubles.data();
          Real* reals = workspace.reals.data();
          const std::size_t b = item / parts, part = item % parts;
          pack(axis, pass, offsets, b * lines, lines, rows, from, block);
          kernel.share(block, doubles, reals);
          alignas(64) double results[grid::LineKernel<Real>::max_width * grid::LineKernel<Real>::max_lines];
          for (std::size_t group = groups * part / parts; group < groups * (part + 1) / parts; ++group) {
            const std::size_t first = group * together, last = std::min(first + together, tiles);
            for (std::size_t I = first; I < last; ++I)
              count += kernel.apply(block, doubles, reals, static_cast<int>(I),
                                    results + (I - first) * width * lines);
            unpack(axis, pass, b * lines, lines, first * width, (last - first) * width, results, to);
          }
          threads.release(thread);
        },
        evaluated);
    evaluated_[k] = evaluated;
  }

  /// Where the lines of a block begin in an array with n nodes along the axis.
  struct Starts {
    std::size_t at[grid::LineKernel<Real>::max_lines];
    grid::Lines lines;
    Starts(const Pass& pass, std::size_t n, std::size_t first, std::size_t in_block)
        : lines{at, std::min(in_block, pass.lines() - first), in_block} {
      for (std::size_t l = 0; l < lines.count; ++l) {
        const std::size_t line = first + l;
        at[l] = line / pass.inner * n * pass.inner + line % pass.inner;
      }
    }
  };

  /// For every row of a block how far from the start of a line it is found: images repeat the line.
  static std::vector<std::size_t> row_offsets(const HeatAxis& axis, const Pass& pass) {
    const int copies = axis.images();
    std::vector<std::size_t> result;
    for (int j = 0; j < axis.in.count * (2 * copies + 1); ++j)
      result.push_back(pass.inner * static_cast<std::size_t>(image_index(
                                        j, copies, axis.in.count, axis.boundary == Boundary::reflecting)));
    return result;
  }

  static void pack(const HeatAxis& axis, const Pass& pass, const std::vector<std::size_t>& offsets,
                   std::size_t first, std::size_t lines, std::size_t rows, const double* from,
                   double* block) {
    const Starts starts(pass, static_cast<std::size_t>(axis.in.count), first, lines);
    grid::pack_lines(from, starts.lines, offsets.data(), offsets.size(), std::numbers::log2e, block);
    std::fill(block + offsets.size() * lines, block + rows * lines, minus_infinity);
  }

  static void unpack(const HeatAxis& axis, const Pass& pass, std::size_t first, std::size_t lines,
                     std::size_t first_row, std::size_t width, const double* tile, double* to) {
    const auto n = static_cast<std::size_t>(axis.out.count);
    const Starts starts(pass, n, first, lines);
    grid::unpack_lines(tile, starts.lines, pass.inner, std::min(width, n - first_row), std::numbers::ln2,
                       to + first_row * pass.inner);
  }

  std::vector<HeatAxis> axes_;
  std::vector<Pass> passes_;
  std::vector<std::vector<std::size_t>> offsets_;
  std::vector<grid::LineKernel<Real>> kernels_;
  std::vector<long> evaluated_;
  struct Workspace {
    kernel::AlignedBuffer<double> block, doubles;
    kernel::AlignedBuffer<Real> reals;
  };
  std::vector<Workspace> workspaces_;  // of the threads
  Vector<double, Kokkos::HostSpace> between_[2];
};

// ---------------------------------------------------------------- direct: portable

/// One pass, one output per thread: the largest term, then the sum.
void direct_pass(const DefaultExec& exec, const HeatAxis& axis, const Pass& pass,
                 const ConstVector<double>& in, const Vector<double>& out) {
  const int copies = axis.images(), terms = axis.in.count * (2 * copies + 1);
  const double first = axis.extended().first, step = axis.in.step, precision = 1 / (2 * axis.variance);
  const grid::Nodes rows = axis.out;
  const bool reflect = axis.boundary == Boundary::reflecting;
  const std::size_t n = static_cast<std::size_t>(axis.in.count), m = static_cast<std::size_t>(rows.count),
                    inner = pass.inner;
  const int nodes = axis.in.count;
  Kokkos::parallel_for(
      "fortet::grid::direct", Kokkos::RangePolicy<DefaultExec>(exec, 0, pass.lines() * m),
      KOKKOS_LAMBDA(const std::size_t flat) {
        const std::size_t base = flat / (inner * m) * n * inner + flat % inner;
        const double x = rows.first + static_cast<double>(flat / inner % m) * rows.step;
        const auto term = [&](int j) {
          const double distance = x - (first + j * step);
          const auto source = static_cast<std::size_t>(image_index(j, copies, nodes, reflect));
          return in(base + source * inner) - distance * distance * precision;
        };
        double most = -Kokkos::Experimental::infinity_v<double>, sum = 0;
        for (int j = 0; j < terms; ++j) most = Kokkos::max(most, term(j));
        if (most > -Kokkos::Experimental::infinity_v<double>)
          for (int j = 0; j < terms; ++j) sum += Kokkos::exp(term(j) - most);
        out(flat) = sum > 0 ? most + Kokkos::log(sum) : most;
      });
}

class DirectHeat final : public HeatKernel {
 public:
  explicit DirectHeat(const std::vector<HeatAxis>& axes) : axes_(axes), passes_(passes(axes)) {}

  void apply(const DefaultExec& exec, ConstVector<double> in, Vector<double> out) override {
    ConstVector<double> from = in;
    for (std::size_t k = 0; k < axes_.size(); ++k) {
      const bool last = k + 1 == axes_.size();
      if (!last)
        between_[k] = allocate(exec, "fortet::grid::between",
                               passes_[k].lines() * static_cast<std::size_t>(axes_[k].out.count));
      const Vector<double> to = last ? out : between_[k];
      direct_pass(exec, axes_[k], passes_[k], from, to);
      from = to;
    }
  }
  ConstVector<double> partial_sums(int k) const override { return between_[k]; }
  std::string description() const override { return "direct"; }

 private:
  Vector<double> between_[2];
  std::vector<HeatAxis> axes_;
  std::vector<Pass> passes_;
};

}  // namespace

int HeatAxis::images() const {
  if (boundary == Boundary::free) return 0;
  // the copy after the last one kept is below e^-44 of a copy that is kept
  const double ratio = 88 * variance / (length() * length());
  return boundary == Boundary::reflecting ? static_cast<int>(std::ceil(std::sqrt(1 + ratio)))
                                          : 1 + static_cast<int>(std::ceil(std::sqrt(0.25 + ratio)));
}

grid::Nodes HeatAxis::extended() const {
  const int copies = images();
  return {in.first - copies * length(), in.step, in.count * (2 * copies + 1)};
}

double HeatKernel::log_floor() const { return minus_infinity; }

std::string short_number(double value) {
  std::ostringstream text;
  text.precision(2);
  text << value;
  return text.str();
}

template <class Real>
std::unique_ptr<HeatKernel> make_heat_kernel(const std::vector<HeatAxis>& axes, GridKernel method) {
  if (method == GridKernel::spectral) return make_spectral_heat(axes);
  const bool on_host = std::is_same_v<DefaultExec, HostExec>;
  if (method == GridKernel::direct || (method == GridKernel::automatic && !on_host))
    return std::make_unique<DirectHeat>(axes);
  if (method == GridKernel::dense)
    for (const HeatAxis& axis : axes) {
      const double range = 0.5 * axis.length() * axis.length() / axis.variance,
                   most = grid::LineKernel<Real>::dense_range();
      require(range <= most, where, "dense with cost range / epsilon", range,
              "expected at most " + std::to_string(most) +
                  " in this precision: the products would underflow; use tilted");
    }
  return std::make_unique<LineHeat<Real>>(axes, method);
}

template std::unique_ptr<HeatKernel> make_heat_kernel<float>(const std::vector<HeatAxis>&, GridKernel);
template std::unique_ptr<HeatKernel> make_heat_kernel<double>(const std::vector<HeatAxis>&, GridKernel);

}  // namespace fortet::detail
