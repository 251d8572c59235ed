#include "grid/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <sstream>
#include <utility>

#include "chunked_sum.hpp"
#include "grid/chain_rates.hpp"
#include "grid/line_moves.hpp"
#include "measure/allocate.hpp"
#include "measure/memory.hpp"

namespace fortet::grid {

using fortet::detail::allocate;

StepFormula step_formula(Stepper stepper) {
  // R(z) = (1 + sqrt 3) / (1 - a z)^3 - sqrt 3 / (1 - a z)^2 with R = exp + O(z^3); |R| <= 1 on the imaginary
  // axis because 1 + 3 y^2 <= (1 + y^2)^3
  const double root = std::sqrt(3.0);
  if (stepper == Stepper::implicit_euler) return {1.0, 0.0, 0.0};
  return {(3 - root) / 6, -root, 1 + root};
}

namespace {

/// -d log F / ds and d^2 log F / ds^2 of a transform F(s): mean and variance of the time it belongs to.
struct Moments {
  double value, mean, variance;
  /// s-derivative of second order of F itself.
  KOKKOS_FUNCTION double second() const { return value * (variance + mean * mean); }
};

/// Transform of the first passage to a neighbour at rate `rate`, when coming back from the other side
/// (reached at rate `away`) takes `back`.
KOKKOS_INLINE_FUNCTION Moments passage(double s, double rate, double away, const Moments& back) {
  const double D = s + rate + away * (1 - back.value);
  const double mean = (1 + away * back.value * back.mean) / D;
  return {rate / D, mean, mean * mean + away * back.second() / D};
}

/// What step_block does, for one lane of a block on a device.
KOKKOS_INLINE_FUNCTION void solve_lane(bool transposed, const BlockFactor& f, std::size_t n, double* a) {
  constexpr std::size_t L = chain_lanes;
  double carry = 0;
  for (std::size_t i = 0; i < n * L; i += L) {
    const double value = transposed ? a[i] + carry : f.inverse[i] * a[i] + f.lower[i] * carry;
    carry = transposed ? f.upper[i] * value : value;
    a[i] = value;
  }
  carry = 0;
  for (std::size_t i = n * L; i > 0;) {
    i -= L;
    const double given = a[i],
                 value = transposed ? f.inverse[i] * (given + carry) : given + f.upper[i] * carry;
    carry = transposed ? f.lower[i] * (given + carry) : value;
    a[i] = value;
  }
  if (!f.along) return;
  const double scale = *f.gain * (*f.first * a[0] + *f.last * a[(n - 1) * L]);
  for (std::size_t i = 0; i < n * L; i += L) a[i] += scale * f.along[i];
}
KOKKOS_INLINE_FUNCTION void step_lane(bool transposed, const BlockFactor& f, double square, double cube,
                                      std::size_t n, double* a, double* kept) {
  constexpr std::size_t L = chain_lanes;
  solve_lane(transposed, f, n, a);
  if (cube == 0) return;
  solve_lane(transposed, f, n, a);
  for (std::size_t i = 0; i < n * L; i += L) kept[i] = a[i];
  solve_lane(transposed, f, n, a);
  for (std::size_t i = 0; i < n * L; i += L) a[i] = Kokkos::fmax(cube * a[i] + square * kept[i], 0.0);
}

/// Where the lines of a block are in the grid's array.
struct BlockLines {
  std::size_t starts[host_lanes];
  Lines lines;
  BlockLines(const LineBlocks& all, std::size_t block)
      : lines{starts, std::min<std::size_t>(host_lanes, all.lines - block * host_lanes), host_lanes} {
    for (std::size_t l = 0; l < lines.count; ++l) starts[l] = all.natural(block * host_lanes + l, 0);
  }
};

/// Between the grid's array and one lane of a block, on a device.
template <bool Load>
KOKKOS_INLINE_FUNCTION void move_lane(const LineBlocks& lines, std::size_t line, double* values, double* a) {
  double* const start = values + (line < lines.lines ? lines.natural(line, 0) : 0);
  for (std::size_t i = 0; i < lines.nodes; ++i) {
    if constexpr (Load)
      a[i * chain_lanes] = line < lines.lines ? start[i * lines.inner] : 0.0;
    else if (line < lines.lines)
      start[i * lines.inner] = a[i * chain_lanes];
  }
}

/// The factors of a block, from a lane on.
KOKKOS_INLINE_FUNCTION BlockFactor block_factor(const AxisFactor& f, bool transposed, const LineBlocks& lines,
                                                std::size_t block, std::size_t lane) {
  const std::size_t offset = block * lines.nodes * chain_lanes + lane, line = block * chain_lanes + lane;
  BlockFactor result{f.inverse.data() + offset,
                     f.lower.data() + offset,
                     f.upper.data() + offset,
                     nullptr,
                     nullptr,
                     nullptr,
                     nullptr};
  if (f.right.extent(0) == 0) return result;
  result.along = (transposed ? f.left : f.right).data() + offset;
  result.first = (transposed ? f.first : f.one).data() + line;
  result.last = (transposed ? f.last : f.down).data() + line;
  result.gain = f.gain.data() + line;
  return result;
}

/// values = R(dt A)^times values along all lines of an axis, or its transpose.
void sweep(const DefaultExec& exec, bool transposed, const LineBlocks& lines, const AxisFactor& f,
           const StepFormula& formula, int times, const Vector<double>& values) {
  using Policy = Kokkos::TeamPolicy<DefaultExec>;
  const std::size_t block_size = lines.nodes * chain_lanes;
  const std::size_t bytes = (formula.second_order() ? 2 : 1) * block_size * sizeof(double);
  constexpr bool on_host = std::is_same_v<DefaultExec, HostExec>;
  Policy policy(exec, static_cast<int>(lines.blocks()), 1, on_host ? 1 : chain_lanes);
  policy.set_scratch_size(1, Kokkos::PerTeam(static_cast<int>(bytes + 64)));
  double* const data = values.data();
  Kokkos::parallel_for(
      "fortet::grid::chain_sweep", policy, KOKKOS_LAMBDA(const Policy::member_type& member) {
        const auto block = static_cast<std::size_t>(member.league_rank());
        auto* a = static_cast<double*>(member.team_scratch(1).get_shmem_aligned(bytes, 64));
        double* kept = a + block_size;
        KOKKOS_IF_ON_HOST((const BlockLines own(lines, block);
                           pack_lines(data, own.lines, lines.inner, lines.nodes, a);
                           step_block(transposed, block_factor(f, transposed, lines, block, 0), formula,
                                      times, lines.nodes, a, kept);
                           unpack_lines(a, own.lines, lines.inner, lines.nodes, 1.0, data);))
        KOKKOS_IF_ON_DEVICE(
            (Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, chain_lanes), [&](const int l) {
               const auto lane = static_cast<std::size_t>(l);
               move_lane<true>(lines, block * chain_lanes + lane, data, a + lane);
               for (int time = 0; time < times; ++time)
                 step_lane(transposed, block_factor(f, transposed, lines, block, lane), formula.square,
                           formula.cube, lines.nodes, a + lane, kept + lane);
               move_lane<false>(lines, block * chain_lanes + lane, data, a + lane);
             });))
      });
}

void multiply(const DefaultExec& exec, const ConstVector<double>& factor, const Vector<double>& values) {
  Kokkos::parallel_for(
      "fortet::grid::chain_survival", Kokkos::RangePolicy<DefaultExec>(exec, 0, values.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) { values(i) *= factor(i); });
}

Vector<double> to_device(const DefaultExec& exec, const std::vector<double>& values) {
  const Vector<double> result = allocate(exec, "fortet::grid::chain_coefficients", values.size());
  Kokkos::deep_copy(exec, result,
                    Kokkos::View<const double*, Kokkos::HostSpace>(values.data(), values.size()));
  exec.fence("fortet::grid::chain_coefficients");
  return result;
}

constexpr int most_steps = 1 << 20;

}  // namespace

LineBlocks Chain::blocks(int axis) const {
  const auto n = static_cast<std::size_t>(grid_.axis(axis).nodes);
  return {n, grid_.inner(axis), grid_.size() / n};
}

/// W = s (s - A)^-1, s = 1 / (pole dt), has entries W_ij = s F_ij(s) G_jj(s): the transform of the passage
/// from i to j times that of the time spent in j. With m and v the mean and the variance these belong to
/// (both sums over the neighbours passed),
///   (cube W^3 + square W^2)_ij >= 0  <=>  m^2 - 2 c m + v >= 0,  c = |square| / (cube s),
/// which holds for good once v >= c^2 or m >= 2 c.
bool Chain::positive(const DefaultExec& exec, int axis, double duration, ConstVector<double> up,
                     ConstVector<double> down) const {
  if (!formula_.second_order()) return true;
  const LineBlocks lines = blocks(axis);
  const double s = 1 / (formula_.pole * duration), c = -formula_.square / (formula_.cube * s);
  const bool periodic = periodic_[static_cast<std::size_t>(axis)];
  const auto n = static_cast<int>(lines.nodes);
  const Kokkos::View<Moments*, DefaultMemory> right(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::grid::chain_passages"), grid_.size()),
      left(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::grid::chain_passages"),
           grid_.size());
  int negative = 0;
  Kokkos::parallel_reduce(
      "fortet::grid::chain_positive", Kokkos::RangePolicy<DefaultExec>(exec, 0, lines.lines),
      KOKKOS_LAMBDA(const std::size_t line, int& count) {
        const auto at = [&](int i) { return lines.natural(line, static_cast<std::size_t>((i % n + n) % n)); };
        // twice around a ring, so that where the recursion began is forgotten
        const int turns = periodic ? 3 : 1;
        Moments before{0, 0, 0}, after{0, 0, 0};
        for (int i = 0; i < turns * n; ++i)
          before = right(at(i)) = passage(s, up(at(i)), down(at(i)), before);
        for (int i = turns * n; i-- > 0;) after = left(at(i)) = passage(s, down(at(i)), up(at(i)), after);
        const Moments none{0, 0, 0};
        for (int j = 0; j < n; ++j) {
          const Moments& from_left = j > 0 || periodic ? right(at(j - 1)) : none;
          const Moments& from_right = j + 1 < n || periodic ? left(at(j + 1)) : none;
          const double u = up(at(j)), d = down(at(j));
          const double D = s + u * (1 - from_right.value) + d * (1 - from_left.value);
          const double mean =
              (1 + d * from_left.value * from_left.mean + u * from_right.value * from_right.mean) / D;
          const double variance = mean * mean + (d * from_left.second() + u * from_right.second()) / D;
          for (const int side : {-1, 1}) {
            double m = mean, v = variance;
            int steps = 0;
            for (int i = j;;) {
              if (v >= c * c || m >= 2 * c) break;
              if (m * m - 2 * c * m + v < 0) {
                ++count;
                break;
              }
              i += side;
              if (++steps == n || (!periodic && (i < 0 || i >= n))) break;
              const Moments& hop = side < 0 ? right(at(i)) : left(at(i));
              m += hop.mean;
              v += hop.variance;
            }
          }
        }
      },
      negative);
  return negative == 0;
}

AxisFactor Chain::factor(const DefaultExec& exec, int axis, double duration, ConstVector<double> up,
                         ConstVector<double> down) const {
  const LineBlocks lines = blocks(axis);
  const bool periodic = periodic_[static_cast<std::size_t>(axis)];
  const double theta = formula_.pole * duration;
  const auto packed = [&] { return Vector<double>("fortet::grid::chain_factor", lines.packed_size()); };
  const auto per_line = [&] {
    return Vector<double>("fortet::grid::chain_factor", periodic ? lines.blocks() * chain_lanes : 0);
  };
  const Vector<double> inverse = packed(), lower = packed(), upper = packed(),
                       right = periodic ? packed() : Vector<double>(),
                       left = periodic ? packed() : Vector<double>(), first = per_line(), last = per_line(),
                       below = per_line(), gain = per_line(), one = per_line();
  Kokkos::parallel_for(
      "fortet::grid::chain_factor", Kokkos::RangePolicy<DefaultExec>(exec, 0, lines.lines),
      KOKKOS_LAMBDA(const std::size_t line) {
        const std::size_t n = lines.nodes;
        const auto rate_up = [&](std::size_t i) { return theta * up(lines.natural(line, i)); };
        const auto rate_down = [&](std::size_t i) { return theta * down(lines.natural(line, i)); };
        // corners of a ring: -down of the first node at (0, n-1), -up of the last at (n-1, 0)
        const double corner_down = periodic ? rate_down(0) : 0.0, corner_up = periodic ? rate_up(n - 1) : 0.0;
        const double diagonal0 = 1 + rate_up(0) + rate_down(0);
        for (std::size_t i = 0; i < n; ++i) {
          double diagonal = 1 + rate_up(i) + rate_down(i);
          if (periodic && i == 0) diagonal += diagonal0;
          if (periodic && i + 1 == n) diagonal += corner_up * corner_down / diagonal0;
          const std::size_t p = lines.packed(line, i);
          const double l = i == 0 ? 0.0 : rate_down(i);
          const double pivot = diagonal - (i == 0 ? 0.0 : l * upper(lines.packed(line, i - 1)));
          inverse(p) = 1 / pivot;
          lower(p) = l / pivot;
          upper(p) = i + 1 == n ? 0.0 : rate_up(i) / pivot;
        }
        if (!periodic) return;
        // T^-1 (-u) with -u = (diagonal0, 0, ..., corner_up), and T^-T v with v = (1, 0, ..., corner_down /
        // diagonal0)
        const double v = corner_down / diagonal0;
        const auto q = [&](std::size_t i) -> double& { return right(lines.packed(line, i)); };
        const auto z = [&](std::size_t i) -> double& { return left(lines.packed(line, i)); };
        for (std::size_t i = 0; i < n; ++i) {
          const std::size_t p = lines.packed(line, i);
          const double u = i == 0 ? diagonal0 : i + 1 == n ? corner_up : 0.0;
          q(i) = inverse(p) * u + (i == 0 ? 0.0 : lower(p) * q(i - 1));
          z(i) = (i == 0       ? 1.0
                  : i + 1 == n ? v
                               : 0.0) +
                 (i == 0 ? 0.0 : upper(lines.packed(line, i - 1)) * z(i - 1));
        }
        z(n - 1) *= inverse(lines.packed(line, n - 1));
        for (std::size_t i = n - 1; i-- > 0;) {
          q(i) += upper(lines.packed(line, i)) * q(i + 1);
          z(i) = inverse(lines.packed(line, i)) * (z(i) + rate_down(i + 1) * z(i + 1));
        }
        one(line) = 1;
        first(line) = diagonal0;
        last(line) = corner_up;
        below(line) = v;
        gain(line) = 1 / (1 - q(0) - v * q(n - 1));
      });
  return {inverse, lower, upper, right, left, one, first, last, below, gain};
}

bool Chain::prepare(const DefaultExec& exec, double t, Slot& slot) const {
  for (int k = 0; k < grid_.dimension(); ++k) {
    const AxisRates rates = axis_rates(process_, grid_, k, periodic_[static_cast<std::size_t>(k)], t);
    const ConstVector<double> up = to_device(exec, rates.up), down = to_device(exec, rates.down);
    if (!positive(exec, k, duration(k), up, down)) return false;
    slot.axes.push_back(factor(exec, k, duration(k), up, down));
  }
  if (!process_.killing.is_zero())
    slot.survival = to_device(exec, grid::survival(process_, grid_, t, 0.5 * step()));
  return true;
}

Chain::Chain(const DefaultExec& exec, const RegularGrid& grid, const DriftDiffusion& process,
             const std::vector<Boundary>& boundary, Stepper stepper, int steps)
    : grid_(grid),
      process_(process),
      stepper_(stepper == Stepper::automatic ? Stepper::second_order : stepper),
      formula_(step_formula(stepper)),
      asked_(steps),
      steps_(steps) {
  for (int k = 0; k < grid.dimension(); ++k) {
    periodic_.push_back(boundary[static_cast<std::size_t>(k)] == Boundary::periodic);
    fortet::detail::require(!periodic_.back() || grid.axis(k).nodes >= 3, "fortet::GridIpf",
                            "nodes of periodic axis " + std::to_string(k), grid.axis(k).nodes,
                            "expected at least 3");
  }
  for (bool done = false; !done; steps_ *= done ? 1 : 2) {
    fortet::detail::require(steps_ <= most_steps, "fortet::GridIpf", "time steps", steps_,
                            "the stepper is positive only at smaller steps; take implicit Euler");
    const int slots = process.steady() ? 1 : steps_;
    const double arrays = 3.0 * grid.dimension() + 6;
    fortet::detail::require_memory("fortet::GridIpf",
                                   arrays * 8.0 * slots * static_cast<double>(grid.size()));
    slots_.assign(static_cast<std::size_t>(slots), {});
    done = true;
    for (int n = 0; n < slots && done; ++n)
      done = prepare(exec, (n + 0.5) * step(), slots_[static_cast<std::size_t>(n)]);
  }
  exec.fence("fortet::grid::chain");
}

std::vector<Stage> Chain::stages(int n) const {
  std::vector<Stage> result;
  const auto& axes = slot(n).axes;
  const int d = grid_.dimension();
  for (int k = 0; k < d; ++k) result.push_back({k, axes[static_cast<std::size_t>(k)]});
  for (int k = d - 1; k-- > 0;) result.push_back({k, axes[static_cast<std::size_t>(k)]});
  return result;
}

ConstVector<double> Chain::survival(int n) const { return slot(n).survival; }

void Chain::apply_stage(const DefaultExec& exec, const Stage& stage, bool transposed, Vector<double> values,
                        int times) const {
  sweep(exec, transposed, blocks(stage.axis), stage.factor, formula_, times, values);
}

// A step reads the same in both directions, so its transpose is the product of the transposes in the same
// order. Stages of one axis that meet, the halves of two steps, pass over memory once.
void Chain::run(const DefaultExec& exec, bool transposed, int first, int last, Vector<double> values) const {
  Stage waiting{-1, {}};
  int times = 0;
  const auto finish = [&] {
    if (times > 0) apply_stage(exec, waiting, transposed, values, times);
    times = 0;
  };
  for (int i = 0; i < last - first; ++i) {
    const int n = transposed ? first + i : last - 1 - i;
    const auto killed = survival(n);
    if (killed.extent(0)) multiply(exec, killed, values);
    for (const Stage& stage : stages(n)) {
      if (stage.axis != waiting.axis || !process_.steady()) finish();
      waiting = stage;
      ++times;
    }
    if (i + 1 == last - first || killed.extent(0)) finish();
    if (killed.extent(0)) multiply(exec, killed, values);
  }
}

void Chain::backward(const DefaultExec& exec, int first, int last, Vector<double> values) const {
  run(exec, false, first, last, values);
}
void Chain::forward(const DefaultExec& exec, int first, int last, Vector<double> values) const {
  run(exec, true, first, last, values);
}

double Chain::apply_log(const DefaultExec& exec, bool to_forward, int first, int last, ConstVector<double> in,
                        Vector<double> out) const {
  double most = 0;
  Kokkos::parallel_reduce(
      "fortet::grid::chain_scale", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i, double& m) { m = in(i) > m ? in(i) : m; },
      Kokkos::Max<double>(most));
  if (!(most > -1e300)) most = 0;
  // room above for branching and for masses that gather, the rest of the range below
  constexpr double head = 200, lowest = -700;
  Kokkos::parallel_for(
      "fortet::grid::chain_exp", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double value = in(i)-most + head;
        out(i) = value > lowest ? Kokkos::exp(value) : 0.0;
      });
  if (to_forward)
    forward(exec, first, last, out);
  else
    backward(exec, first, last, out);
  // what was left out is at most e^lowest an entry: nothing can be said of results near it
  const double floor = lowest + 30, log_floor = floor + most - head;
  Kokkos::parallel_for(
      "fortet::grid::chain_log", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const double value = Kokkos::log(out(i));
        out(i) = value > floor ? value + most - head : log_floor;
      });
  exec.fence("fortet::grid::chain_log");
  return log_floor;
}

std::string Chain::description() const {
  std::ostringstream text;
  text << "chain, " << steps_ << (stepper_ == Stepper::implicit_euler ? " implicit Euler" : " second-order")
       << " steps";
  if (steps_ != asked_) text << " (" << asked_ << " before positivity)";
  return text.str();
}

namespace {

constexpr int fewest_steps = 8;

/// Largest L1 distance at the eighths of the horizon between the two chains' pushes of `masses`.
double push_distance(const DefaultExec& exec, const Chain& a, const Chain& b,
                     const ConstVector<double>& masses) {
  const Vector<double> x = allocate(exec, "fortet::grid::pushed", masses.extent(0)),
                       y = allocate(exec, "fortet::grid::pushed", masses.extent(0));
  Kokkos::deep_copy(exec, x, masses);
  Kokkos::deep_copy(exec, y, masses);
  double most = 0;
  for (int part = 0; part < fewest_steps; ++part) {
    for (const auto& [chain, values] : {std::pair{&a, x}, std::pair{&b, y}}) {
      const int steps = chain->steps() / fewest_steps;
      chain->forward(exec, part * steps, (part + 1) * steps, values);
    }
    most = std::max(most, impl::chunked_sum(
                              exec, "fortet::grid::push_distance", x.extent(0),
                              KOKKOS_LAMBDA(const std::size_t i) { return Kokkos::fabs(x(i) - y(i)); }));
  }
  return most;
}

}  // namespace

ChosenChain choose_chain(const DefaultExec& exec, const RegularGrid& grid, const DriftDiffusion& process,
                         const std::vector<Boundary>& boundary, const ChainOptions& options,
                         ConstVector<double> masses) {
  const auto build = [&](Stepper stepper, int steps) {
    return std::make_shared<const Chain>(exec, grid, process, boundary, stepper, steps);
  };
  if (options.steps > 0)
    return {build(options.stepper, options.steps), std::numeric_limits<double>::quiet_NaN()};
  // doubling: the finer of two runs is off by a third (first order: all) of their distance
  const auto search = [&](Stepper stepper, int limit) {
    const double share = stepper == Stepper::implicit_euler ? 1.0 : 1.0 / 3;
    ChosenChain coarse{build(stepper, fewest_steps), std::numeric_limits<double>::infinity()};
    while (coarse.error > options.tolerance && coarse.chain->steps() < limit) {
      ChosenChain fine{build(stepper, 2 * coarse.chain->steps()), 0};
      fine.error = share * push_distance(exec, *coarse.chain, *fine.chain, masses);
      coarse = fine;
    }
    return coarse;
  };
  constexpr int limit = 1 << 15;
  if (options.stepper != Stepper::automatic) return search(options.stepper, limit);
  // where positivity asks for many steps of three solves, first order may get by with less work
  const int positive = build(Stepper::second_order, fewest_steps)->steps();
  if (positive >= 16 * fewest_steps) {
    const ChosenChain first = search(Stepper::implicit_euler, std::min(3 * positive, limit));
    if (first.error <= options.tolerance) return first;
  }
  return search(Stepper::second_order, limit);
}

}  // namespace fortet::grid
