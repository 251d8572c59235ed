#include "kernel/stored.hpp"

#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "fortet/impl/stored_kernel.hpp"
#include "instantiate.hpp"
#include "measure/memory.hpp"

namespace fortet::kernel {
namespace {

using impl::Side;

/// Two potentials together may rise this far, in units of epsilon, from where the blocks were written, or
/// sink: an entry that underflowed in float there, below exp(-87), is below exp(-87 + 32) now. With panels
/// left out they rise less far, and a step of the source inside a sweep likewise, so that fewer panels have
/// to be kept. In half precision an entry that became 2^-36 is below 2e-5 now.
template <class Store>
constexpr double largest_move = std::is_same_v<Store, Half> ? 14 : 32;
constexpr double largest_move_of_lists = 8, largest_step_of_lists = 4;
/// What one potential may move by while the other makes up for it.
constexpr double largest_drift = 40;

/// Lists are worth their trouble where they leave out at least this share of the panels, or of what the last
/// ones kept.
constexpr double worth = 0.3;

/// Blocks of any kernel that can give its log-densities, a slab of rows at a time.
template <class Exec>
class DensityWriter final : public BlockWriter<Exec> {
 public:
  using typename BlockWriter<Exec>::In;
  explicit DensityWriter(std::shared_ptr<const impl::GibbsKernel<Exec>> kernel)
      : kernel_(std::move(kernel)) {}

  BlockShape block_shape() const override {
    const std::size_t panel = panel_rows<double>(1), columns = kernel_->size(Side::target);
    return {.rows = kernel_->size(Side::source),
            .columns = columns,
            .group = group_columns<double>(1),
            .panel = panel,
            .panel_count = (columns + panel - 1) / panel};
  }
  double recompute_time() const override { return 10; }  // a cost and an exponential, twice, one by one
  void write_blocks(const Exec& exec, In f, In g, const PanelLists&, Half* blocks) const override {
    write(exec, f, g, blocks);
  }
  void write_blocks(const Exec& exec, In f, In g, const PanelLists&, float* blocks) const override {
    write(exec, f, g, blocks);
  }
  void write_blocks(const Exec& exec, In f, In g, const PanelLists&, double* blocks) const override {
    write(exec, f, g, blocks);
  }

 private:
  template <class Store>
  void write(const Exec& exec, const In& f, const In& g, Store* blocks) const {
    const BlockShape all = block_shape();
    const std::size_t group = all.group, panel = all.panel, m = all.columns;
    constexpr std::size_t slab = 256;
    Kokkos::View<double**, Kokkos::LayoutRight, typename Exec::memory_space> t(
        Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::slab"), slab, m);
    for (std::size_t first = 0; first < all.rows; first += slab) {
      const std::size_t last = std::min(first + slab, all.rows);
      kernel_->log_densities(exec, first, f, g,
                             Kokkos::subview(t, std::make_pair(std::size_t{0}, last - first), Kokkos::ALL));
      Kokkos::parallel_for(
          "fortet::kernel::write_slab",
          Kokkos::RangePolicy<Exec>(exec, 0, (last - first + group - 1) / group),
          [&](const std::size_t index) {
            using Number = std::conditional_t<std::is_same_v<Store, double>, double, float>;
            Store* const kept = blocks + (first / group + index) * group * all.padded_columns();
            AlignedBuffer<Number> numbers;
            Number* block;
            if constexpr (std::is_same_v<Store, Half>) {
              numbers.grow(group * all.padded_columns());
              block = numbers.data();
            } else {
              block = kept;
            }
            for (std::size_t j = 0; j < all.padded_columns(); ++j)
              for (std::size_t c = 0; c < group; ++c) {
                const std::size_t i = index * group + c;
                block[(j / panel * group + c) * panel + j % panel] =
                    j < m && first + i < last ? static_cast<Number>(std::exp(t(i, j))) : Number(0);
              }
            if constexpr (std::is_same_v<Store, Half>) keep_in_half(panel, block, all.panel_count, kept);
          });
      exec.fence("fortet::kernel::write_slab");
    }
  }

  std::shared_ptr<const impl::GibbsKernel<Exec>> kernel_;
};

/// Bytes that can be taken without swapping.
double available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string key; file >> key;) {
    double kilobytes = 0;
    if (key == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return fortet::detail::machine_memory() / 2;
}

/// Panels that matter for marginals to about `negligible`, as long as the potentials stay near; no lists
/// where those would leave out too little.
template <class Exec>
PanelLists lists_for(const Exec& exec, const BlockWriter<Exec>& writer, double negligible,
                     const typename BlockWriter<Exec>::In& f, const typename BlockWriter<Exec>::In& g) {
  const BlockShape shape = writer.block_shape();
  PanelLists lists =
      writer.active_panels(exec, f, g, std::log(negligible) - largest_move_of_lists - largest_step_of_lists);
  const double all = static_cast<double>(shape.tiles());
  return static_cast<double>(lists.panels.size()) < (1 - worth) * all ? lists : PanelLists{};
}

/// Entries in Store, arithmetic in float or, for double, in double.
template <class Exec, class Store>
class StoredKernel final : public impl::HalfBridgeKernel<Exec> {
 public:
  using Real = std::conditional_t<std::is_same_v<Store, double>, double, float>;
  using Base = impl::HalfBridgeKernel<Exec>;
  using typename Base::In;
  using typename Base::memory_space;
  using typename Base::Out;

  /// What the panels left out may add to a marginal ratio is below `negligible`.
  StoredKernel(std::shared_ptr<const Base> base, std::shared_ptr<const BlockWriter<Exec>> writer,
               double negligible, const Base* previous)
      : base_(std::move(base)),
        writer_(std::move(writer)),
        negligible_(negligible),
        shape_(writer_->block_shape()),
        source_masses_(masses(Side::source)),
        target_masses_(masses(Side::target)),
        row_scales_(shape_.rows),
        row_masses_(shape_.rows),
        column_scales_(shape_.columns),
        weights_(shape_.padded_columns(), Real(0)) {
    if (const auto* donor = dynamic_cast<const StoredKernel*>(previous)) blocks_ = donor->blocks_;
  }

  /// Of the entries.
  double bytes() const { return static_cast<double>(blocks_.extent(0)) * sizeof(Store); }

  std::size_t size(Side side) const override { return base_->size(side); }
  double epsilon() const override { return base_->epsilon(); }
  In log_weights(Side side) const override { return base_->log_weights(side); }
  std::string description() const override {
    constexpr const char* name = sizeof(Store) == 2 ? "half" : sizeof(Store) == 4 ? "float" : "double";
    std::string share;
    if (!lists_.empty()) {
      const auto all = shape_.tiles();
      share = std::to_string((100 * lists_.panels.size() + all - 1) / all) + " % of the tiles, ";
    }
    return std::string("stored in ") + name + ", " + share + "from " + base_->description();
  }
  double noise() const override {
    // what entries are off by stays the same; factors and sums of 1024 terms are rounded one by one
    return 4 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  }
  int revision() const override { return revision_; }
  bool single_precision() const override { return std::is_same_v<Real, float>; }
  std::shared_ptr<const Base> with_epsilon(const Exec& exec, double epsilon) const override {
    return base_->with_epsilon(exec, epsilon);
  }
  std::shared_ptr<const Base> in_double(const Exec& exec) const override { return base_->in_double(exec); }
  void soft_min(const Exec& exec, Side rows, In potential, Out out) const override {
    base_->soft_min(exec, rows, potential, out);
  }
  void ratios(const Exec& exec, Side rows, In own, In other, Out out) const override {
    base_->ratios(exec, rows, own, other, out);
  }
  void plan_costs(const Exec& exec, In f, In g, In alpha, In beta, Out transport, Out kl) const override {
    base_->plan_costs(exec, f, g, alpha, beta, transport, kl);
  }
  double mean_cost(const Exec& exec) const override { return base_->mean_cost(exec); }
  double largest_cost(const Exec& exec) const override { return base_->largest_cost(exec); }

  void sweep(const Exec& exec, In f, In g, double omega, Out source, Out target) const override {
    if (!refresh(exec, f, g)) return base_->sweep(exec, f, g, omega, source, target);
    for (std::size_t j = 0; j < column_scales_.size(); ++j)
      weights_.data()[j] = static_cast<Real>(target_masses_[j] * column_scales_[j]);
    sweep_stored(exec, omega, false, source, target);
    if (!lists_.empty() && !steps_are_small(source, omega)) base_->sweep(exec, f, g, omega, source, target);
  }
  bool has_round_trip() const override { return !f0_.empty() || base_->has_round_trip(); }
  bool round_trip(const Exec& exec, In f, In g, In x, Out out) const override {
    if (!refresh(exec, f, g)) return base_->round_trip(exec, f, g, x, out);
    for (std::size_t j = 0; j < column_scales_.size(); ++j)
      weights_.data()[j] = static_cast<Real>(target_masses_[j] * column_scales_[j] * x(j));
    const Out there(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::there"),
                    f.extent(0));
    sweep_stored(exec, -1, false, there, out);
    return true;
  }
  bool round_trip_diagonal(const Exec& exec, In f, In g, Out out) const override {
    if (!refresh(exec, f, g)) return base_->round_trip_diagonal(exec, f, g, out);
    const Out there(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::there"),
                    f.extent(0));
    sweep_stored(exec, 1, true, there, out);
    for (std::size_t j = 0; j < out.extent(0); ++j) out(j) *= target_masses_[j];
    return true;
  }

  // Public because nvcc asks for it.

  /// Blocks written near enough to (f, g), and the factors that lead from there to (f, g). False where there
  /// is no memory for them.
  bool refresh(const Exec& exec, const In& f, const In& g) const {
    exec.fence("fortet::kernel::stored");
    const bool near = !f0_.empty() && moved_little(f, g);
    // as the potentials settle fewer panels matter
    const bool review = ++age_ == next_review_;
    if (review) next_review_ *= 4;
    if ((!near || review) && !write(exec, f, g, near)) return false;
    const double scale = log2_e / epsilon();
    exp2_differences(f.data(), f0_.data(), scale, f0_.size(), row_scales_.data());
    exp2_differences(g.data(), g0_.data(), scale, g0_.size(), column_scales_.data());
    for (std::size_t i = 0; i < row_scales_.size(); ++i) row_masses_[i] = source_masses_[i] * row_scales_[i];
    return true;
  }
  /// Writes the blocks at (f, g), or keeps `still_good` ones where new lists would not be much shorter.
  bool write(const Exec& exec, const In& f, const In& g, bool still_good) const {
    PanelLists lists = lists_for(exec, *writer_, negligible_, f, g);
    const std::size_t all = shape_.tiles();
    if (still_good &&
        static_cast<double>(lists.kept(all)) > (1 - worth) * static_cast<double>(lists_.kept(all)))
      return true;
    lists_ = std::move(lists);
    const std::size_t entries = lists_.kept(all) * shape_.group * shape_.panel;
    if (entries > blocks_.extent(0)) {
      blocks_ = Blocks();  // before the new ones are taken
      if (static_cast<double>(entries) * sizeof(Store) > available_memory() / 2) {
        f0_.clear();
        return false;
      }
      blocks_ =
          Blocks(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::blocks"), entries);
      fortet::detail::prefer_large_pages(blocks_.data(), entries * sizeof(Store));
    }
    writer_->write_blocks(exec, f, g, lists_, blocks_.data());
    ++revision_;
    f0_.assign(f.data(), f.data() + f.extent(0));
    g0_.assign(g.data(), g.data() + g.extent(0));
    return true;
  }
  void sweep_stored(const Exec& exec, double omega, bool squares, const Out& source,
                    const Out& target) const {
    SweepArguments<Real> arguments{shape_};
    arguments.omega = omega;
    arguments.squares = squares;
    arguments.weights = weights_.data();
    arguments.row_scales = row_scales_.data();
    arguments.row_masses = row_masses_.data();
    arguments.column_scales = column_scales_.data();
    const std::size_t entries = shape_.group * shape_.panel;
    sweep_blocks(
        exec, arguments, workspace_,
        [&](std::size_t group, const auto&, double* sums) {
          const auto [before, panels] = lists_.of(group, shape_.panel_count);
          const Store* const block = blocks_.data() + before * entries;
          block_row_sums(arguments.panel, block, panels, arguments.weights, sums);
          return Block<Store>{block, panels};
        },
        source, target);
  }

 private:
  using Blocks = Kokkos::View<Store*, memory_space>;

  std::vector<double> masses(Side side) const {
    std::vector<double> values = to_host(base_->log_weights(side));
    for (double& value : values) value = std::exp(value);
    return values;
  }
  bool moved_little(const In& f, const In& g) const {
    const Moves of_f = moves(f, f0_, source_masses_), of_g = moves(g, g0_, target_masses_);
    const double limit = (lists_.empty() ? largest_move<Store> : largest_move_of_lists) * epsilon(),
                 drift = largest_drift * epsilon();
    return of_f.up + of_g.up <= limit && -(of_f.down + of_g.down) <= limit &&
           std::max({of_f.up, of_g.up, -of_f.down, -of_g.down}) <= drift;
  }
  /// Of the atoms that have mass: the largest and the smallest.
  struct Moves {
    double up = -INFINITY, down = INFINITY;
  };
  static Moves moves(const In& now, const std::vector<double>& then, const std::vector<double>& mass) {
    Moves moves;
    for (std::size_t i = 0; i < then.size(); ++i) {
      if (!(mass[i] > 0)) continue;
      const double by = now(i) - then[i];
      if (!std::isfinite(by)) return {.up = INFINITY};
      moves.up = std::max(moves.up, by);
      moves.down = std::min(moves.down, by);
    }
    return moves;
  }
  /// Whether no atom of the source moves up so far in ratio^(-omega) that panels left out could matter.
  bool steps_are_small(const Out& ratios, double omega) const {
    const double least = std::exp(-largest_step_of_lists / std::max(omega, 1e-300));
    for (std::size_t i = 0; i < ratios.extent(0); ++i)
      if (source_masses_[i] > 0 && !(ratios(i) >= least)) return false;
    return true;
  }

  std::shared_ptr<const Base> base_;
  std::shared_ptr<const BlockWriter<Exec>> writer_;
  double negligible_;
  BlockShape shape_;
  std::vector<double> source_masses_, target_masses_;
  mutable Blocks blocks_;
  mutable PanelLists lists_;
  mutable int age_ = 0, next_review_ = 4;  // in sweeps
  mutable int revision_ = 0;               // how often blocks were written
  // where the blocks were written, and the factors that lead from there to the potentials of a sweep
  mutable std::vector<double> f0_, g0_, row_scales_, row_masses_, column_scales_;
  mutable AlignedBuffer<Real> weights_;
  mutable SweepWorkspace<Real> workspace_;
};

/// Expected time of a full iteration on stored blocks, in core nanoseconds a pair (bench_sinkhorn): two
/// passes over what is in cache, or one over memory at a rate that a few cores exhaust.
double stored_time(double bytes, std::size_t entry, int threads) {
  const long third_level = sysconf(_SC_LEVEL3_CACHE_SIZE);
  const double cache = third_level > 0 ? static_cast<double>(third_level) : 16e6;
  const double in_cache = 0.025, in_memory = 0.07 * std::max(1.0, threads / 8.0);  // a byte
  return static_cast<double>(entry) * (bytes < 0.7 * cache ? in_cache : in_memory);
}

/// Whether `share` of the entries, kept in Store, fit into memory, or into what `previous` gives, and are
/// read faster than computed.
template <class Store, class Exec>
bool pays(const Exec& exec, const BlockWriter<Exec>& writer, double share,
          const impl::HalfBridgeKernel<Exec>* previous) {
  const BlockShape shape = writer.block_shape();
  const double bytes =
      share * static_cast<double>(shape.rows) * static_cast<double>(shape.columns) * sizeof(Store);
  // writing costs about as much as an iteration or two of some tens
  const auto* donor = dynamic_cast<const StoredKernel<Exec, Store>*>(previous);
  return ((donor && bytes <= donor->bytes()) || bytes < available_memory() / 2) &&
         1.1 * share * stored_time(bytes, sizeof(Store), exec.concurrency()) < writer.recompute_time();
}

/// Whether densities fit into a Half near the fixed point: there they are below 1 / max(a_i, b_j).
template <class Exec>
bool densities_fit(const impl::HalfBridgeKernel<Exec>& kernel) {
  const auto least = [&](Side side) {
    double smallest = 0;
    for (const double log : to_host(kernel.log_weights(side)))
      if (std::isfinite(log)) smallest = std::min(smallest, log);
    return smallest;
  };
  return std::max(least(Side::source), least(Side::target)) >= std::log(0x1p-18);
}

}  // namespace
}  // namespace fortet::kernel

namespace fortet::impl {

template <class Exec>
std::shared_ptr<const HalfBridgeKernel<Exec>> make_stored(
    const Exec& exec, const std::shared_ptr<const HalfBridgeKernel<Exec>>& base, double tolerance,
    ConstVector<double, typename Exec::memory_space> f, ConstVector<double, typename Exec::memory_space> g,
    bool always, const std::shared_ptr<const HalfBridgeKernel<Exec>>& previous) {
  using namespace kernel;
  if constexpr (bool(
                    Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Exec::memory_space>::accessible)) {
    auto writer = std::dynamic_pointer_cast<const BlockWriter<Exec>>(base);
    if (!writer)
      if (auto between_atoms = std::dynamic_pointer_cast<const GibbsKernel<Exec>>(base))
        writer = std::make_shared<DensityWriter<Exec>>(between_atoms);
    if (!writer) return nullptr;
    // panels left out may cost a hundredth of the tolerance
    const double negligible = std::max(tolerance / 100, 1e-14);
    const std::size_t all = writer->block_shape().tiles(),
                      kept = lists_for(exec, *writer, negligible, f, g).kept(all);
    const double share = static_cast<double>(kept) / static_cast<double>(all);
    const auto store = [&]<class Store>(Store) -> std::shared_ptr<const HalfBridgeKernel<Exec>> {
      if (!always && !pays<Store>(exec, *writer, share, previous.get())) return nullptr;
      return std::make_shared<StoredKernel<Exec, Store>>(base, writer, negligible, previous.get());
    };
    if (tolerance >= half_tolerance && densities_fit(*base)) return store(Half{});
    return base->single_precision() || tolerance >= 5e-7 ? store(float{}) : store(double{});
  }
  return nullptr;
}

#define FORTET_INSTANTIATE(Exec)                                                              \
  template std::shared_ptr<const HalfBridgeKernel<Exec>> make_stored(                         \
      const Exec&, const std::shared_ptr<const HalfBridgeKernel<Exec>>&, double,              \
      ConstVector<double, Exec::memory_space>, ConstVector<double, Exec::memory_space>, bool, \
      const std::shared_ptr<const HalfBridgeKernel<Exec>>&);
FORTET_FOR_EACH_EXEC(FORTET_INSTANTIATE)

}  // namespace fortet::impl
