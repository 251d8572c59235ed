#pragma once
// Batches in host memory through the packed tiles: a thread takes a tile of rows through everything.
#include <algorithm>

#include "fortet/nn/drift_model.hpp"
#include "nn/plan.hpp"
#include "nn/tile.hpp"

namespace fortet::nn {

/// Partial gradients of a batch, whatever the number of threads: consecutive tiles share a slot, slots are
/// added in order.
inline constexpr int gradient_slots = 16;

template <class Real>
struct HostPath {
  using Memory = Kokkos::HostSpace;
  using Exec = Memory::execution_space;
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<int>>;
  static constexpr int R = tile_rows<Real>;

  /// Rows [first, first + count) of a batch.
  struct Rows {
    int first, count;
  };
  static int tiles(std::size_t n) { return static_cast<int>((n + R - 1) / R); }
  static Rows tile(int index, std::size_t n) {
    return {index * R, std::min(R, static_cast<int>(n) - index * R)};
  }

  /// Puts x and its embedded times on the tape; rows past the end are zero.
  static void load(const Plan& plan, ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x, Rows rows,
                   Real* value) {
    alignas(64) Real time[R] = {};
    for (int r = 0; r < rows.count; ++r) time[r] = times(rows.first + r);
    embed(plan, time, value);
    load_points(plan.dimension, x, rows, value + plan.space_row * R);
  }
  static void load_points(int dimension, ConstPoints<Real, Memory> x, Rows rows, Real* to) {
    for (int k = 0; k < dimension; ++k)
      for (int r = 0; r < R; ++r) to[k * R + r] = r < rows.count ? x(rows.first + r, k) : Real{0};
  }

  static void evaluate(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                       ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                       Points<Real, Memory> out) {
    const std::size_t n = x.extent(0);
    Kokkos::parallel_for("fortet::nn::evaluate", Policy(exec, 0, tiles(n)), [=, &plan](const int index) {
      const Rows rows = tile(index, n);
      const Tape<Real> tape = thread_tape<Real>(plan, false);
      load(plan, times, x, rows, tape.value);
      forward<Real>(plan, parameters.data(), tape.value, nullptr);
      const Real* result = tape.value + plan.output_row * R;
      for (int k = 0; k < plan.dimension; ++k)
        for (int r = 0; r < rows.count; ++r) out(rows.first + r, k) = result[k * R + r];
    });
  }

  /// Forward and backward over all tiles. `cotangents(rows, values, deltas)` turns the outputs of a tile into
  /// cotangents and returns the tile's loss; the sum of the losses is returned.
  template <class Cotangents>
  static double gradient(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                         ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                         const Cotangents& cotangents, Vector<Real, Memory> gradient,
                         Points<Real, Memory> input_cotangent, ModelScratch<Real, Memory>& scratch) {
    const std::size_t n = x.extent(0);
    const int all = tiles(n), slots = std::min(all, gradient_slots);
    const bool parameters_too = gradient.extent(0) > 0, inputs_too = input_cotangent.extent(0) > 0;
    prepare(plan, parameters_too, scratch);
    const auto partial = scratch.gradients;
    const auto losses = scratch.losses;
    Kokkos::parallel_for("fortet::nn::gradient", Policy(exec, 0, slots, Kokkos::ChunkSize(1)),
                         [=, &plan, &cotangents](const int slot) {
                           const Tape<Real> tape = thread_tape<Real>(plan, true);
                           Real* sum = parameters_too ? &partial(0, slot) : nullptr;
                           const int begin = all * slot / slots;
                           double loss = 0;
                           for (int index = begin; index < all * (slot + 1) / slots; ++index) {
                             const Rows rows = tile(index, n);
                             load(plan, times, x, rows, tape.value);
                             forward<Real>(plan, parameters.data(), tape.value, tape.slope);
                             loss += cotangents(rows, tape.value + plan.output_row * R,
                                                tape.delta + plan.output_row * R);
                             backward<Real>(plan, parameters.data(), tape, index == begin, sum, inputs_too);
                             const Real* dx = tape.delta + plan.space_row * R;
                             for (int k = 0; inputs_too && k < plan.dimension; ++k)
                               for (int r = 0; r < rows.count; ++r)
                                 input_cotangent(rows.first + r, k) = dx[k * R + r];
                           }
                           losses(slot) = loss;
                         });
    if (parameters_too) add_slots(exec, slots, partial, gradient);
    double loss = 0;
    for (int slot = 0; slot < slots; ++slot) loss += losses(slot);
    return loss;
  }

  static void vjp(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                  ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                  ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> out,
                  Points<Real, Memory> input_cotangent, ModelScratch<Real, Memory>& scratch) {
    const auto given = [&](Rows rows, const Real*, Real* delta) {
      load_points(plan.dimension, cotangent, rows, delta);
      return 0.0;
    };
    gradient(exec, plan, parameters, times, x, given, out, input_cotangent, scratch);
  }

  static double loss_gradient(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                              const Batch<Real, Memory>& batch, Vector<Real, Memory> out,
                              ModelScratch<Real, Memory>& scratch) {
    const double n = static_cast<double>(batch.x.extent(0));
    const auto squared_error = [&](Rows rows, const Real* value, Real* delta) {
      double loss = 0;
      for (int k = 0; k < plan.dimension; ++k)
        for (int r = 0; r < R; ++r) {
          const bool real = r < rows.count;
          const Real weight = real ? batch.weights(rows.first + r) / static_cast<Real>(n) : Real{0};
          const Real error = real ? value[k * R + r] - batch.target(rows.first + r, k) : Real{0};
          delta[k * R + r] = 2 * weight * error;
          loss += static_cast<double>(weight * error * error);
        }
      return loss;
    };
    return gradient(exec, plan, parameters, batch.times, batch.x, squared_error, out, {}, scratch);
  }

  static void walk(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                   const std::vector<ChainStep>& steps, RandomKey key, Points<Real, Memory> x,
                   Paths<Real, Memory> path, Paths<Real, Memory> reversals) {
    const std::size_t n = x.extent(0);
    const bool store = path.extent(0) > 0, reverse = reversals.extent(0) > 0;
    std::vector<SharedTime<Real>> times;
    for (const ChainStep& step : steps)
      times.push_back(share_time(plan, parameters.data(), static_cast<Real>(step.time)));
    Kokkos::parallel_for("fortet::nn::walk", Policy(exec, 0, tiles(n)),
                         [=, &plan, &steps, &times](const int index) {
                           const Rows rows = tile(index, n);
                           const Tape<Real> tape = thread_tape<Real>(plan, false);
                           Real* state = tape.value + plan.space_row * R;
                           const auto save = [&](Points<Real, Memory> to) {
                             for (int k = 0; k < plan.dimension; ++k)
                               for (int r = 0; r < rows.count; ++r) to(rows.first + r, k) = state[k * R + r];
                           };
                           load_points(plan.dimension, x, rows, state);
                           for (std::size_t s = 0; s < steps.size(); ++s) {
                             if (store) save(slice(path, s));
                             forward_at(plan, parameters.data(), times[s], tape.value);
                             if (reverse)
                               begin_reversal(plan, steps[s], rows, tape.value, slice(reversals, s));
                             advance(plan, steps[s], key.child(s), rows, tape.value);
                             if (!reverse) continue;
                             forward_at(plan, parameters.data(), times[s], tape.value);
                             end_reversal(plan, steps[s], rows, tape.value, slice(reversals, s));
                           }
                           save(x);
                           if (store) save(slice(path, steps.size()));
                         });
  }

 private:
  static void prepare(const Plan& plan, bool parameters_too, ModelScratch<Real, Memory>& scratch) {
    const std::size_t whole = (plan.parameters + R - 1) / R * R;  // every slot begins on a vector's address
    if (parameters_too && scratch.gradients.extent(0) != whole)
      scratch.gradients = Points<Real, Memory>(
          Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::nn::partial_gradients"), whole,
          gradient_slots);
    if (scratch.losses.extent(0) == 0)
      scratch.losses = Vector<double, Memory>("fortet::nn::losses", gradient_slots);
  }

  static void add_slots(const Exec& exec, int slots, Points<Real, Memory> partial, Vector<Real, Memory> sum) {
    constexpr int block = 1024;
    const int count = static_cast<int>(sum.extent(0));
    Kokkos::parallel_for("fortet::nn::add_gradients", Policy(exec, 0, (count + block - 1) / block),
                         [=](const int index) {
                           const int first = index * block, size = std::min(block, count - first);
                           Real* to = sum.data() + first;
                           std::copy_n(&partial(first, 0), size, to);
                           for (int slot = 1; slot < slots; ++slot) {
                             const Real* from = &partial(first, slot);
                             for (int i = 0; i < size; ++i) to[i] += from[i];
                           }
                         });
  }

  static Points<Real, Memory> slice(const Paths<Real, Memory>& paths, std::size_t s) {
    return Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, s);
  }

  /// x <- x + length drift + noise Z
  static void advance(const Plan& plan, const ChainStep& step, RandomKey key, Rows rows, Real* value) {
    Real* x = value + plan.space_row * R;
    const Real* drift = value + plan.output_row * R;
    const Real length = static_cast<Real>(step.length), noise = static_cast<Real>(step.noise);
    for (int k = 0; k < plan.dimension; k += 2)
      for (int r = 0; r < rows.count; ++r) {
        const auto row = static_cast<std::uint64_t>(rows.first + r);
        const NormalPair z =
            noise > 0 ? random_normal_pair(key, row, static_cast<std::uint32_t>(k / 2)) : NormalPair{0, 0};
        x[k * R + r] += length * drift[k * R + r] + noise * static_cast<Real>(z.first);
        if (k + 1 < plan.dimension)
          x[(k + 1) * R + r] += length * drift[(k + 1) * R + r] + noise * static_cast<Real>(z.second);
      }
  }

  /// reversal <- F(x) before the step, then (F(x) - F(x')) / length once the drift at the new state x' is
  /// known.
  static void begin_reversal(const Plan& plan, const ChainStep& step, Rows rows, const Real* value,
                             Points<Real, Memory> reversal) {
    const Real *x = value + plan.space_row * R, *drift = value + plan.output_row * R;
    const Real length = static_cast<Real>(step.length);
    for (int k = 0; k < plan.dimension; ++k)
      for (int r = 0; r < rows.count; ++r)
        reversal(rows.first + r, k) = x[k * R + r] + length * drift[k * R + r];
  }
  static void end_reversal(const Plan& plan, const ChainStep& step, Rows rows, const Real* value,
                           Points<Real, Memory> reversal) {
    const Real *x = value + plan.space_row * R, *drift = value + plan.output_row * R;
    const Real scale = 1 / static_cast<Real>(step.length);
    for (int k = 0; k < plan.dimension; ++k)
      for (int r = 0; r < rows.count; ++r)
        reversal(rows.first + r, k) = (reversal(rows.first + r, k) - x[k * R + r]) * scale - drift[k * R + r];
  }
};

}  // namespace fortet::nn
