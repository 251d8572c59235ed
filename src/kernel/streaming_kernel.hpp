#pragma once
// The definition of make_streaming: included by the files that instantiate it, and by nothing else.
#include <algorithm>
#include <cmath>
#include <limits>

#include "fortet/impl/cost_kernel.hpp"
#include "fortet/impl/discrete_plan.hpp"
#include "kernel/space_order.hpp"
#include "kernel/stored.hpp"
#include "kernel/streaming.hpp"
#include "kernel/sweep.hpp"
#include "kernel/tile.hpp"

namespace fortet::kernel {
namespace streaming {

using impl::Side;

/// |x_i - y_j|^2 / 2 in double, whatever the precision of the points.
template <class Point, class Memory>
struct SquaredEuclidean {
  ConstPoints<Point, Memory> x, y;
  KOKKOS_FUNCTION double operator()(std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t k = 0; k < x.extent(1); ++k) {
      const double difference = static_cast<double>(x(i, k)) - static_cast<double>(y(j, k));
      sum += difference * difference;
    }
    return sum / 2;
  }
};

/// Plain moments of a cloud on the host.
struct Moments {
  std::vector<double> mean;   // weighted
  double square = 0;          // weighted mean of |x - centre|^2
  double largest_square = 0;  // of |x - centre|^2
};

template <class HostPoints>
Moments moments(const HostPoints& points, const std::vector<double>& log_weights,
                const std::vector<double>& centre) {
  const std::size_t n = points.extent(0), d = points.extent(1);
  Moments m;
  m.mean.assign(d, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const double weight = std::exp(log_weights[i]);
    double square = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const double value = static_cast<double>(points(i, k)) - centre[k];
      m.mean[k] += weight * value;
      square += value * value;
    }
    m.square += weight * square;
    m.largest_square = std::max(m.largest_square, square);
  }
  return m;
}

/// One side as the host tiles want it: packed as rows and as columns, with its share of the exponent.
template <class Real>
struct PackedSide {
  PackedPoints<Real> rows;
  PackedColumns<Real> columns;
  std::vector<double> log2_weights;
  std::vector<double> masses;   // the weights themselves
  AlignedBuffer<Real> weights;  // the same for rows.padded atoms
};

/// What all streaming kernels share: scales, and new kernels from this one. By itself it is a whole kernel,
/// one row to a thread in double: what a device without packed tiles runs.
template <class Exec, class Real, class Point>
class Streaming : public impl::CostKernel<Exec, SquaredEuclidean<Point, typename Exec::memory_space>> {
 public:
  using memory_space = typename Exec::memory_space;
  using Cost = SquaredEuclidean<Point, memory_space>;
  using Parent = impl::CostKernel<Exec, Cost>;
  using Base = impl::GibbsKernel<Exec>;
  using typename Parent::In;
  using typename Parent::Out;

  Streaming(const Exec& exec, Cost cost, In log_a, In log_b, double epsilon)
      : Parent(cost, log_a, log_b, epsilon) {
    exec.fence("fortet::kernel::moments");
    const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cost.x);
    const auto y = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, cost.y);
    const auto weights_a = to_host(log_a), weights_b = to_host(log_b);
    // centre between the means: the dot form loses digits with the distance from the origin
    const std::vector<double> origin(x.extent(1), 0.0);
    const Moments far_a = moments(x, weights_a, origin), far_b = moments(y, weights_b, origin);
    centre_ = origin;
    for (std::size_t k = 0; k < centre_.size(); ++k) centre_[k] = (far_a.mean[k] + far_b.mean[k]) / 2;
    const Moments a = moments(x, weights_a, centre_), b = moments(y, weights_b, centre_);
    mean_cost_ = (a.square + b.square) / 2;
    for (std::size_t k = 0; k < centre_.size(); ++k) mean_cost_ -= a.mean[k] * b.mean[k];
    largest_cost_ = std::pow(std::sqrt(a.largest_square) + std::sqrt(b.largest_square), 2) / 2;
  }

  std::string description() const override { return "streaming, one row to a thread, double"; }
  double noise() const override {
    return std::numeric_limits<double>::epsilon() * largest_cost_ / this->epsilon_;
  }
  double mean_cost(const Exec&) const override { return std::max(mean_cost_, 0.0); }
  double largest_cost(const Exec&) const override { return largest_cost_; }

  std::shared_ptr<const impl::HalfBridgeKernel<Exec>> with_epsilon(const Exec& exec,
                                                                   double epsilon) const override {
    return make_streaming<Exec, Real, Point>(exec, this->cost_.x, this->cost_.y, this->log_a_, this->log_b_,
                                             epsilon);
  }
  std::shared_ptr<const impl::HalfBridgeKernel<Exec>> in_double(const Exec& exec) const override {
    return make_streaming<Exec, double, Point>(exec, this->cost_.x, this->cost_.y, this->log_a_, this->log_b_,
                                               this->epsilon_);
  }
  std::shared_ptr<const Base> with_points(const Exec& exec, Side which,
                                          ConstPoints<double, memory_space> points,
                                          double epsilon) const override {
    const std::size_t k = points.extent(0);
    Points<Point, memory_space> atoms(
        Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::new_points"), k,
        points.extent(1));
    Kokkos::deep_copy(exec, atoms, points);
    Out uniform(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::new_weights"), k);
    Kokkos::deep_copy(exec, uniform, -std::log(static_cast<double>(k)));
    if (which == Side::source)
      return make_streaming<Exec, Real, Point>(exec, atoms, this->cost_.y, uniform, this->log_b_, epsilon);
    return make_streaming<Exec, Real, Point>(exec, this->cost_.x, atoms, this->log_a_, uniform, epsilon);
  }

 protected:
  std::vector<double> centre_;
  double mean_cost_ = 0, largest_cost_ = 0;
};

/// The hot loops on packed host tiles.
template <class Exec, class Real, class Point>
class HostStreaming final : public Streaming<Exec, Real, Point>, public BlockWriter<Exec> {
 public:
  using Parent = Streaming<Exec, Real, Point>;
  using typename Parent::Cost;
  using typename Parent::In;
  using typename Parent::memory_space;
  using typename Parent::Out;

  HostStreaming(const Exec& exec, Cost cost, In log_a, In log_b, double epsilon)
      : Parent(exec, cost, log_a, log_b, epsilon), dimension_(static_cast<int>(cost.x.extent(1))) {
    source_ = pack(cost.x, to_host(log_a), this->centre_);
    target_ = pack(cost.y, to_host(log_b), this->centre_);
    if (*std::min_element(target_.masses.begin(), target_.masses.end()) >= least_mass)
      for (const double mass : target_.masses) reciprocals_.push_back(1 / mass);
  }

  std::string description() const override {
    return std::string("streaming, packed host tiles, ") + (std::is_same_v<Real, float> ? "float" : "double");
  }
  double noise() const override {
    return static_cast<double>(std::numeric_limits<Real>::epsilon()) * this->largest_cost_ / this->epsilon_;
  }

  void soft_min(const Exec& exec, Side rows, In potential, Out out) const override {
    const PackedSide<Real>& own = side(rows);
    auto column_terms = terms_of_columns(rows, potential);
    const double back = -this->epsilon_ / log2_e;
    for_each_panel(exec, rows, nullptr, column_terms.data(), 1,
                   [out, &own, back](const auto& tile, auto first, auto count, double* buffer) {
                     row_log_sums(tile, buffer);
                     for (std::size_t i = 0; i < count; ++i)
                       out(first + i) = back * (buffer[i] + own.rows.square_terms[first + i]);
                   });
  }

  void ratios(const Exec& exec, Side rows, In own, In other, Out out) const override {
    auto row_terms = terms_of_rows(rows, own);
    auto column_terms = terms_of_columns(rows, other);
    for_each_panel(exec, rows, row_terms.data(), column_terms.data(), 1,
                   [out](const auto& tile, auto first, auto count, double* buffer) {
                     row_sums(tile, buffer);
                     for (std::size_t i = 0; i < count; ++i) out(first + i) = buffer[i];
                   });
  }

  void sweep(const Exec& exec, In f, In g, double omega, Out source, Out target) const override {
    sweep_with(exec, f, g, reciprocals_.empty() ? target_.weights.data() : nullptr, omega, false, source,
               target);
  }
  bool has_round_trip() const override { return true; }
  bool round_trip(const Exec& exec, In f, In g, In x, Out out) const override {
    AlignedBuffer<Real> weights(target_.rows.padded, Real(0));
    for (std::size_t j = 0; j < x.extent(0); ++j)
      weights.data()[j] = static_cast<Real>(target_.masses[j] * x(j));
    const Out there(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::there"),
                    f.extent(0));
    sweep_with(exec, f, g, weights.data(), -1, false, there, out);
    return true;
  }
  bool round_trip_diagonal(const Exec& exec, In f, In g, Out out) const override {
    const Out there(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::kernel::there"),
                    f.extent(0));
    sweep_with(exec, f, g, target_.weights.data(), 1, true, there, out);
    for (std::size_t j = 0; j < out.extent(0); ++j) out(j) *= target_.masses[j];
    return true;
  }

  /// From t = log2(w_j e_ij): c_ij = f_i + g_j - epsilon log e_ij. With corrections, one row to a thread.
  void plan_costs(const Exec& exec, In f, In g, In alpha, In beta, Out transport, Out kl) const override {
    if (alpha.extent(0) > 0) return Parent::plan_costs(exec, f, g, alpha, beta, transport, kl);
    auto row_terms = terms_of_rows(Side::source, f);
    auto column_terms = terms_of_columns(Side::source, g);
    constexpr std::size_t width = 3;
    std::vector<Real> payload(target_.columns.padded * width, Real(0));
    for (std::size_t j = 0; j < g.extent(0); ++j) {
      if (target_.masses[j] == 0) continue;
      payload[j * width] = 1;
      payload[j * width + 1] = static_cast<Real>(g(j));
      payload[j * width + 2] = static_cast<Real>(target_.log2_weights[j]);
    }
    const std::size_t panel = panel_rows<Real>(dimension_);
    const double scale = this->epsilon_;
    for_each_panel(exec, Side::source, row_terms.data(), column_terms.data(), width + 1,
                   [&, panel, scale](const auto& tile, auto first, auto count, double* sums) {
                     row_averages_and_exponents(tile, payload.data(), width, sums);
                     for (std::size_t i = 0; i < count; ++i) {
                       const double mass = sums[i], of_g = sums[panel + i], of_weights = sums[2 * panel + i];
                       kl(first + i) = (sums[3 * panel + i] - of_weights) / log2_e;
                       transport(first + i) = f(first + i) * mass + of_g - scale * kl(first + i);
                     }
                   });
  }

  BlockShape block_shape() const override {
    const std::size_t panel = panel_rows<Real>(dimension_);
    return {.rows = source_.columns.count,
            .columns = target_.rows.count,
            .group = group_columns<Real>(dimension_),
            .panel = panel,
            .panel_count = target_.rows.padded / panel};
  }
  double recompute_time() const override {
    // measured on AVX-512 at 3.7 GHz (bench_sinkhorn): an exponential and the two sums, then each dimension
    const double per_pack = std::is_same_v<Real, float> ? 3.0 : 4.1, per_dimension = 0.28;
    return (per_pack + per_dimension * dimension_) / static_cast<double>(panel_lanes<Real>());
  }
  PanelLists active_panels(const Exec& exec, In f, In g, double least) const override {
    PanelLists lists;
    if (dimension_ > small_dimension) return lists;
    const double scale = log2_e / this->epsilon_;
    const Boxes groups = boxes_of(source_.columns, f.data(), scale),
                panels = boxes_of(target_.rows, g.data(), scale);
    std::vector<std::vector<std::uint32_t>> found(groups.count);
    constexpr std::size_t run = 64;
    Kokkos::parallel_for("fortet::kernel::active_panels",
                         Kokkos::RangePolicy<Exec>(exec, 0, (groups.count + run - 1) / run),
                         [&](const std::size_t r) {
                           std::vector<double> bounds;
                           for (std::size_t a = r * run; a < std::min((r + 1) * run, groups.count); ++a)
                             append_active(groups, a, panels, least * log2_e, bounds, found[a]);
                         });
    exec.fence("fortet::kernel::active_panels");
    lists.first.push_back(0);
    for (const auto& list : found) {
      lists.panels.insert(lists.panels.end(), list.begin(), list.end());
      lists.first.push_back(lists.panels.size());
    }
    return lists;
  }
  void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, Half* blocks) const override {
    write(exec, f, g, lists, blocks);
  }
  void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, float* blocks) const override {
    write(exec, f, g, lists, blocks);
  }
  void write_blocks(const Exec& exec, In f, In g, const PanelLists& lists, double* blocks) const override {
    if constexpr (std::is_same_v<Real, double>) write(exec, f, g, lists, blocks);
  }
  bool single_precision() const override { return std::is_same_v<Real, float>; }
  std::shared_ptr<const impl::HalfBridgeKernel<Exec>> in_float(const Exec& exec) const override {
    if constexpr (std::is_same_v<Real, float>)
      return nullptr;
    else
      return make_streaming<Exec, float, Point>(exec, this->cost_.x, this->cost_.y, this->log_a_,
                                                this->log_b_, this->epsilon_);
  }
  /// Where boxes of neighbours bound the cost well: in few dimensions.
  std::shared_ptr<const impl::HalfBridgeKernel<Exec>> in_space_order(
      const Exec& exec, Vector<int, memory_space>& source, Vector<int, memory_space>& target) const override {
    if (dimension_ > small_dimension) return nullptr;
    source = order_of(this->cost_.x);
    target = order_of(this->cost_.y);
    return make_streaming<Exec, Real, Point>(
        exec, permuted(exec, this->cost_.x, source), permuted(exec, this->cost_.y, target),
        permuted(exec, this->log_a_, source), permuted(exec, this->log_b_, target), this->epsilon_);
  }

  void averages(const Exec& exec, Side rows, In own, In other, ConstPoints<double, memory_space> payload,
                Points<double, memory_space> out) const override {
    auto row_terms = terms_of_rows(rows, own);
    auto column_terms = terms_of_columns(rows, other);
    const std::size_t width = payload.extent(1), panel = panel_rows<Real>(dimension_);
    std::vector<Real> packed(side(impl::other(rows)).columns.padded * width, Real(0));
    for (std::size_t j = 0; j < payload.extent(0); ++j)
      for (std::size_t k = 0; k < width; ++k) packed[j * width + k] = static_cast<Real>(payload(j, k));
    for_each_panel(exec, rows, row_terms.data(), column_terms.data(), width,
                   [out, &packed, width, panel](const auto& tile, auto first, auto count, double* buffer) {
                     row_averages(tile, packed.data(), width, buffer);
                     for (std::size_t k = 0; k < width; ++k)
                       for (std::size_t i = 0; i < count; ++i) out(first + i, k) = buffer[k * panel + i];
                   });
  }

  std::shared_ptr<const impl::HalfBridgeKernel<Exec>> merged(const Exec& exec, std::size_t source_run,
                                                             std::size_t target_run) const override {
    const auto [x, log_a] = merge(this->cost_.x, this->log_a_, source_run);
    const auto [y, log_b] = merge(this->cost_.y, this->log_b_, target_run);
    return make_streaming<Exec, Real, Point>(exec, x, y, log_a, log_b, this->epsilon_);
  }

  // Public because nvcc asks for it.

  /// Weighted means of runs of atoms, and their weights. A run without weight goes to its first atom.
  static std::pair<ConstPoints<Point, memory_space>, In> merge(const ConstPoints<Point, memory_space>& points,
                                                               const In& log_weights, std::size_t run) {
    if (run == 1) return {points, log_weights};
    const std::size_t n = points.extent(0), d = points.extent(1), count = (n + run - 1) / run;
    const Points<Point, memory_space> means("fortet::kernel::merged_points", count, d);
    const Out logs("fortet::kernel::merged_weights", count);
    for (std::size_t r = 0; r < count; ++r) {
      std::vector<double> sum(d);
      double mass = 0;
      for (std::size_t i = r * run; i < std::min(n, (r + 1) * run); ++i) {
        const double weight = std::exp(log_weights(i));
        mass += weight;
        for (std::size_t k = 0; k < d; ++k) sum[k] += weight * static_cast<double>(points(i, k));
      }
      for (std::size_t k = 0; k < d; ++k)
        means(r, k) = mass > 0 ? static_cast<Point>(sum[k] / mass) : points(r * run, k);
      logs(r) = std::log(mass);
    }
    return {means, logs};
  }
  static Vector<int, memory_space> order_of(const ConstPoints<Point, memory_space>& points) {
    const auto order = space_order(points.data(), points.extent(0), static_cast<int>(points.extent(1)));
    return vector_from_host<int, memory_space>(std::span<const int>(order));
  }
  static ConstPoints<Point, memory_space> permuted(const Exec& exec,
                                                   const ConstPoints<Point, memory_space>& points,
                                                   const Vector<int, memory_space>& order) {
    const Points<Point, memory_space> out("fortet::kernel::ordered_points", points.extent(0),
                                          points.extent(1));
    impl::gather<Exec, Point>(exec, points, order, out);
    return out;
  }
  static In permuted(const Exec& exec, const In& values, const Vector<int, memory_space>& order) {
    const Out out("fortet::kernel::ordered_values", values.extent(0));
    impl::gather<Exec>(exec, values, order, out);
    return out;
  }

 private:
  /// Without `weights` entries have those of the target in them, which saves a multiplication each.
  void sweep_with(const Exec& exec, const In& f, const In& g, const Real* weights, double omega, bool squares,
                  const Out& source, const Out& target) const {
    const auto [group_terms, panel_terms] = terms_of_blocks(f, g, weights == nullptr);
    SweepArguments<Real> arguments{block_shape()};
    arguments.omega = omega;
    arguments.squares = squares;
    arguments.weights = weights;
    arguments.row_masses = source_.masses.data();
    if (!weights) arguments.column_scales = reciprocals_.data();
    sweep_blocks(
        exec, arguments, workspace_,
        [&](std::size_t index, SweepThread<Real>& memory, double* sums) {
          BlockArguments<Real> rows = block(index, group_terms.data(), panel_terms.data());
          if (dimension_ <= small_dimension) shift(rows, index * arguments.group / run_columns, memory);
          memory.block.grow(arguments.group * arguments.padded_columns());
          fill_block(rows, weights, memory.block.data(), sums);
          return Block<Real>{memory.block.data(), rows.panels};
        },
        source, target);
  }

  const PackedSide<Real>& side(Side which) const { return which == Side::source ? source_ : target_; }

  PackedSide<Real> pack(const ConstPoints<Point, memory_space>& points,
                        const std::vector<double>& log_weights, const std::vector<double>& centre) const {
    const std::size_t n = points.extent(0);
    const double scale = std::sqrt(log2_e / this->epsilon_);
    PackedSide<Real> packed;
    packed.rows = pack_rows<Real>(points.data(), n, dimension_, centre.data(), scale);
    packed.columns = pack_columns<Real>(points.data(), n, dimension_, centre.data(), scale);
    packed.log2_weights.resize(n);
    packed.masses.resize(n);
    packed.weights = AlignedBuffer<Real>(packed.rows.padded, Real(0));
    for (std::size_t i = 0; i < n; ++i) {
      packed.log2_weights[i] = log_weights[i] * log2_e;
      packed.masses[i] = std::exp(log_weights[i]);
      packed.weights.data()[i] = static_cast<Real>(packed.masses[i]);
    }
    return packed;
  }

  AlignedBuffer<Real> terms_of_rows(Side rows, const In& potential) const {
    const PackedPoints<Real>& own = side(rows).rows;
    AlignedBuffer<Real> terms(own.padded, Real(0));
    for (std::size_t i = 0; i < own.count; ++i)
      terms.data()[i] = static_cast<Real>(potential(i) * (log2_e / this->epsilon_) + own.square_terms[i]);
    return terms;
  }
  /// Exponents of the source in groups and of the target, with or without its weights, in panels.
  std::pair<AlignedBuffer<Real>, AlignedBuffer<Real>> terms_of_blocks(const In& f, const In& g,
                                                                      bool weighted) const {
    const auto terms = [this](const PackedPoints<Real>& points, const In& potential, const double* logs) {
      AlignedBuffer<Real> out(points.padded, -std::numeric_limits<Real>::infinity());
      for (std::size_t i = 0; i < points.count; ++i)
        out.data()[i] = static_cast<Real>(potential(i) * (log2_e / this->epsilon_) + points.square_terms[i] +
                                          (logs ? logs[i] : 0.0));
      return out;
    };
    return {terms(source_.columns, f, nullptr),
            terms(target_.rows, g, weighted ? target_.log2_weights.data() : nullptr)};
  }
  BlockArguments<Real> block(std::size_t index, const Real* group_terms, const Real* panel_terms) const {
    const std::size_t group = group_columns<Real>(dimension_);
    return {dimension_,
            source_.columns.values.data() + index * group * static_cast<std::size_t>(dimension_),
            group_terms + index * group,
            source_.columns.runs.data() + index * group / run_columns,
            target_.rows.values.data(),
            panel_terms,
            {target_.rows.padded / panel_rows<Real>(dimension_)}};
  }
  /// Puts the panels as the run sees them, which the thread may have from the group before.
  void shift(BlockArguments<Real>& rows, std::size_t run, SweepThread<Real>& memory) const {
    const std::size_t padded = target_.rows.padded, d = static_cast<std::size_t>(dimension_);
    memory.panels.grow((d + 1) * padded);
    Real *const points = memory.panels.data(), *const terms = points + d * padded;
    if (memory.run != run) shift_panels(rows, points, terms);
    memory.run = run;
    rows.points = points;
    rows.panel_terms = terms;
    rows.shifted = true;
  }
  template <class Store>
  void write(const Exec& exec, const In& f, const In& g, const PanelLists& lists, Store* blocks) const {
    const auto [group_terms, panel_terms] = terms_of_blocks(f, g, false);
    const std::size_t group = group_columns<Real>(dimension_), entries = group * panel_rows<Real>(dimension_);
    Kokkos::parallel_for("fortet::kernel::write_blocks",
                         Kokkos::RangePolicy<Exec>(exec, 0, source_.columns.padded / group),
                         [&, entries](const std::size_t index) {
                           double sums[largest_group];
                           BlockArguments<Real> rows = block(index, group_terms.data(), panel_terms.data());
                           const auto [before, panels] = lists.of(index, rows.panels.count);
                           rows.panels = panels;
                           fill_block(rows, target_.weights.data(), blocks + before * entries, sums);
                         });
    exec.fence("fortet::kernel::write_blocks");
  }

  AlignedBuffer<Real> terms_of_columns(Side rows, const In& potential) const {
    const PackedSide<Real>& columns = side(impl::other(rows));
    AlignedBuffer<Real> terms(columns.columns.padded, -std::numeric_limits<Real>::infinity());
    for (std::size_t j = 0; j < columns.columns.count; ++j)
      if (std::isfinite(columns.log2_weights[j]))
        terms.data()[j] = static_cast<Real>(potential(j) * (log2_e / this->epsilon_) +
                                            columns.columns.square_terms[j] + columns.log2_weights[j]);
    return terms;
  }

  /// Runs `work(tile, first row, rows in use, buffer of width * panel doubles)` for every panel of rows.
  /// Blocking: the packed terms live on the caller's stack.
  template <class Work>
  void for_each_panel(const Exec& exec, Side rows, const Real* row_terms, const Real* column_terms,
                      std::size_t width, const Work& work) const {
    const PackedPoints<Real>& own = side(rows).rows;
    const PackedColumns<Real>& columns = side(impl::other(rows)).columns;
    const std::size_t panel = panel_rows<Real>(dimension_), d = static_cast<std::size_t>(dimension_);
    Kokkos::parallel_for("fortet::kernel::panels", Kokkos::RangePolicy<Exec>(exec, 0, own.padded / panel),
                         [&, panel, d, width](const std::size_t p) {
                           const std::size_t first = p * panel;
                           const TileArguments<Real> tile{dimension_,
                                                          own.values.data() + first * d,
                                                          row_terms ? row_terms + first : nullptr,
                                                          columns.values.data(),
                                                          column_terms,
                                                          columns.runs.data(),
                                                          columns.padded};
                           std::vector<double> buffer(panel * width);
                           work(tile, first, std::min(panel, own.count - first), buffer.data());
                         });
    exec.fence("fortet::kernel::panels");
  }

  /// Below this mass of an atom of the target, times it, entries that its column needs could underflow.
  static constexpr double least_mass = 0x1p-40;

  int dimension_;
  PackedSide<Real> source_, target_;
  std::vector<double> reciprocals_;  // of the masses of the target, or none where one is below least_mass
  mutable SweepWorkspace<Real> workspace_;
};

}  // namespace streaming

template <class Exec, class Real, class Point>
std::shared_ptr<const impl::GibbsKernel<Exec>> make_streaming(
    const Exec& exec, ConstPoints<Point, typename Exec::memory_space> x,
    ConstPoints<Point, typename Exec::memory_space> y, ConstVector<double, typename Exec::memory_space> log_a,
    ConstVector<double, typename Exec::memory_space> log_b, double epsilon) {
  using namespace streaming;
  const SquaredEuclidean<Point, typename Exec::memory_space> cost{x, y};
  if constexpr (bool(Kokkos::SpaceAccessibility<Kokkos::HostSpace, typename Exec::memory_space>::accessible))
    return std::make_shared<HostStreaming<Exec, Real, Point>>(exec, cost, log_a, log_b, epsilon);
  else
    return std::make_shared<Streaming<Exec, Real, Point>>(exec, cost, log_a, log_b, epsilon);
}

// Each precision is compiled in a file of its own, streaming_<arithmetic>[_on_<points>].cpp.
#define FORTET_STREAMING(prefix, Exec, Real, Point)                                                 \
  prefix template std::shared_ptr<const impl::GibbsKernel<Exec>> make_streaming<Exec, Real, Point>( \
      const Exec&, ConstPoints<Point, Exec::memory_space>, ConstPoints<Point, Exec::memory_space>,  \
      ConstVector<double, Exec::memory_space>, ConstVector<double, Exec::memory_space>, double);
#if defined(KOKKOS_ENABLE_CUDA)
#define FORTET_STREAMING_EVERYWHERE(prefix, Real, Point) \
  FORTET_STREAMING(prefix, HostExec, Real, Point)        \
  FORTET_STREAMING(prefix, Kokkos::Cuda, Real, Point)
#else
#define FORTET_STREAMING_EVERYWHERE(prefix, Real, Point) FORTET_STREAMING(prefix, HostExec, Real, Point)
#endif
FORTET_STREAMING_EVERYWHERE(extern, float, float)
FORTET_STREAMING_EVERYWHERE(extern, float, double)
FORTET_STREAMING_EVERYWHERE(extern, double, float)
FORTET_STREAMING_EVERYWHERE(extern, double, double)

}  // namespace fortet::kernel
