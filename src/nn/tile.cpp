#include "nn/tile.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numbers>

#include "kernel/pack.hpp"

namespace fortet::nn {
namespace {

using kernel::broadcast;
using kernel::lanes;
using kernel::load;
using kernel::load_anywhere;
using kernel::Pack;
using kernel::store;
using kernel::store_anywhere;

template <class Real>
inline constexpr int tile_vectors = tile_rows<Real> / lanes<Real>;
// accumulators of the register tile: 6 x 4 of 32 registers, or 4 x 2 of 16
inline constexpr int block_rows = kernel::vector_registers >= 32 ? 6 : 4;
inline constexpr int block_vectors = kernel::vector_registers >= 32 ? 4 : 2;

/// a(m, k) and b(k, n) of a product. Columns of b come in panels of block_vectors vectors: rows b_row apart
/// in a panel, panels b_panel apart.
template <class Real>
struct Factors {
  const Real* a;
  std::ptrdiff_t a_row, a_col;
  const Real* b;
  std::ptrdiff_t b_row, b_panel;
  int depth;
};

/// Rows x Vectors sums in registers, at row m0 and vector n0 of the result.
template <int Rows, int Vectors, class Real, class Begin, class End>
inline void product_block(const Factors<Real>& f, int m0, int n0, const Begin& begin, const End& end) {
  const Real* a = f.a + m0 * f.a_row;
  const Real* b = f.b + n0 / block_vectors * f.b_panel + n0 % block_vectors * lanes<Real>;
  Pack<Real> sum[Rows][Vectors];
#pragma GCC unroll 8
  for (int m = 0; m < Rows; ++m)
#pragma GCC unroll 8
    for (int n = 0; n < Vectors; ++n) sum[m][n] = begin(m0 + m, n0 + n);
  for (int k = 0; k < f.depth; ++k) {
    Pack<Real> column[Vectors];
    for (int n = 0; n < Vectors; ++n) column[n] = load(b + k * f.b_row + n * lanes<Real>);
    for (int m = 0; m < Rows; ++m) {
      const Pack<Real> factor = broadcast(a[m * f.a_row + k * f.a_col]);
      for (int n = 0; n < Vectors; ++n) sum[m][n] += factor * column[n];
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < Rows; ++m)
#pragma GCC unroll 8
    for (int n = 0; n < Vectors; ++n) end(m0 + m, n0 + n, sum[m][n]);
}

/// A block of `rows` <= Rows rows.
template <int Rows, int Vectors, class Real, class Begin, class End>
inline void product_rows(int rows, const Factors<Real>& f, int m0, int n0, const Begin& begin,
                         const End& end) {
  if constexpr (Rows > 0) {
    if (rows == Rows)
      product_block<Rows, Vectors>(f, m0, n0, begin, end);
    else
      product_rows<Rows - 1, Vectors>(rows, f, m0, n0, begin, end);
  }
}

/// Rows are shared out evenly: 128 = 18 x 6 + 4 x 5 keeps the multiply-adds busier than 21 x 6 + 2 does.
template <int Vectors, class Real, class Begin, class End>
inline void product_panel(int rows, const Factors<Real>& f, int n0, const Begin& begin, const End& end) {
  int m0 = 0;
  for (int blocks = (rows + block_rows - 1) / block_rows; blocks > 0; --blocks) {
    const int size = (rows - m0 + blocks - 1) / blocks;
    product_rows<block_rows, Vectors>(size, f, m0, n0, begin, end);
    m0 += size;
  }
}

/// end(m, n, begin(m, n) + sum_k a(m, k) b(k, n)) for all m < rows and all vectors n < vectors. Each sum runs
/// over k in order, so a result does not depend on how the blocks fall.
template <class Real, class Begin, class End>
inline void product(int rows, int vectors, const Factors<Real>& f, const Begin& begin, const End& end) {
  int n = 0;
  for (; n + block_vectors <= vectors; n += block_vectors)
    product_panel<block_vectors>(rows, f, n, begin, end);
  if constexpr (block_vectors > 2)
    for (; n + 2 <= vectors; n += 2) product_panel<2>(rows, f, n, begin, end);
  for (; n < vectors; ++n) product_panel<1>(rows, f, n, begin, end);
}

template <class Real>
inline Pack<Real> sigmoid(Pack<Real> z) {
  const Pack<Real> one = broadcast(Real{1});
  return one / (one + kernel::exp2(z * static_cast<Real>(-std::numbers::log2e)));
}

/// act(z) and its derivative.
template <Activation Kind, class Real>
inline void activate(Pack<Real> z, Pack<Real>& value, Pack<Real>& slope) {
  const Pack<Real> zero{}, one = broadcast(Real{1});
  if constexpr (Kind == Activation::silu) {
    const Pack<Real> s = sigmoid<Real>(z);
    value = z * s;
    slope = s + value * (one - s);
  } else if constexpr (Kind == Activation::tanh) {
    value = Real{2} * sigmoid<Real>(Real{2} * z) - one;
    slope = one - value * value;
  } else {
    const Pack<Real> below = broadcast(Kind == Activation::relu ? Real{0} : static_cast<Real>(0.01));
    slope = z > zero ? one : below;
    value = z * slope;
  }
}

/// The layer on its first `depth` inputs, `bias` in place of its own.
template <Activation Kind, class Real>
void layer_forward(const Layer& layer, const Real* parameters, int depth, const Real* bias, Real* value,
                   Real* slope) {
  constexpr int R = tile_rows<Real>;
  const Real* in = value + layer.from * R;
  Real* out = value + layer.to * R;
  Real* out_slope = slope ? slope + layer.to * R : nullptr;
  product<Real>(
      layer.out, tile_vectors<Real>,
      {parameters + layer.weight, layer.in, 1, in, R, block_vectors * lanes<Real>, depth},
      [=](int o, int) { return broadcast(bias[o]); },
      [=, activated = layer.activated, residual = layer.residual](int o, int n, Pack<Real> z) {
        const int at = o * R + n * lanes<Real>;
        if (!activated) return store(out + at, z);
        Pack<Real> a, da;
        activate<Kind, Real>(z, a, da);
        if (residual) a += load(in + at);
        store(out + at, a);
        if (out_slope) store(out_slope + at, da);
      });
}

/// Layers [first, last).
template <Activation Kind, class Real>
void layers_forward(const Plan& plan, int first, int last, const Real* parameters, Real* value, Real* slope) {
  for (int l = first; l < last; ++l) {
    const Layer& layer = plan.layers[static_cast<std::size_t>(l)];
    layer_forward<Kind>(layer, parameters, layer.in, parameters + layer.bias, value, slope);
  }
}

/// All layers but those of time, whose part is known.
template <Activation Kind, class Real>
void layers_forward_at(const Plan& plan, const Real* parameters, const SharedTime<Real>& time, Real* value) {
  constexpr Real* no_slope = nullptr;
  const Layer& joint = plan.layers[static_cast<std::size_t>(plan.joint)];
  layers_forward<Kind>(plan, 0, plan.first_time_layer, parameters, value, no_slope);
  layer_forward<Kind>(joint, parameters, plan.joined_space, time.offset.data(), value, no_slope);
  layers_forward<Kind>(plan, plan.joint + 1, static_cast<int>(plan.layers.size()), parameters, value,
                       no_slope);
}

/// Calls run with the activation as a constant: run.template operator()<Kind>().
template <class Run>
void with_activation(Activation kind, const Run& run) {
  switch (kind) {
    case Activation::silu:
      return run.template operator()<Activation::silu>();
    case Activation::leaky_relu:
      return run.template operator()<Activation::leaky_relu>();
    case Activation::tanh:
      return run.template operator()<Activation::tanh>();
    case Activation::relu:
      return run.template operator()<Activation::relu>();
  }
}

/// Panels of `width` columns, one after another: panel(r, i) = in(i, r), padded with zeros to whole vectors;
/// a square of lanes at a time. A product then reads its panel from consecutive addresses.
template <class Real>
void transpose(int features, const Real* in, int width, Real* panel) {
  constexpr int R = tile_rows<Real>, L = lanes<Real>;
  for (int i0 = 0; i0 < features; i0 += L) {
    Real* to = panel + i0 / width * width * R + i0 % width;
    for (int r0 = 0; r0 < R; r0 += L) {
      Pack<Real> square[L];
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i) square[i] = i0 + i < features ? load(in + (i0 + i) * R + r0) : Pack<Real>{};
      kernel::transpose<Real>(square);
#pragma GCC unroll 16
      for (int r = 0; r < L; ++r) store(to + (r0 + r) * width, square[r]);
    }
  }
}

/// Columns of a layer's transposed input, in whole panels.
template <class Real>
int padded(int features) {
  constexpr int panel = block_vectors * lanes<Real>;
  return (features + panel - 1) / panel * panel;
}

/// db of one layer: sums over the tile's rows, as many outputs at a time as a pack has lanes.
template <class Real>
void bias_gradient(int outputs, const Real* delta, bool first, Real* gradient) {
  constexpr int R = tile_rows<Real>, L = lanes<Real>;
  for (int o = 0; o < outputs; o += L) {
    const int count = std::min(L, outputs - o);
    Pack<Real> square[L];
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      square[i] = Pack<Real>{};
      if (i < count)
        for (int n = 0; n < R; n += L) square[i] += load(delta + (o + i) * R + n);
    }
    kernel::transpose<Real>(square);
    for (int i = 1; i < L; ++i) square[0] += square[i];
    for (int i = 0; i < count; ++i) gradient[o + i] = square[0][i] + (first ? Real{0} : gradient[o + i]);
  }
}

/// dW and db of one layer, dz in `delta`: written by the first tile, added to by the others.
template <class Real>
void layer_gradient(const Layer& layer, const Real* in, const Real* delta, Real* transposed, bool first,
                    Real* gradient) {
  constexpr int R = tile_rows<Real>, L = lanes<Real>;
  constexpr int panel = block_vectors * L;
  transpose(layer.in, in, panel, transposed);
  Real* weight = gradient + layer.weight;
  const std::ptrdiff_t in_features = layer.in;
  const auto address = [=](int o, int n) { return weight + o * in_features + n * L; };
  const Factors<Real> factors{delta, R, 1, transposed, panel, panel * R, R};
  // the sum begins with what is there, which also brings its lines near for the end
  product<Real>(
      layer.out, layer.in / L, factors,
      [=](int o, int n) { return first ? Pack<Real>{} : load_anywhere(address(o, n)); },
      [=](int o, int n, Pack<Real> sum) { store_anywhere(address(o, n), sum); });
  const int left = layer.in % L;
  if (left > 0)
    product_panel<1>(
        layer.out, factors, layer.in / L, [](int, int) { return Pack<Real>{}; },
        [=](int o, int n, Pack<Real> sum) {
          Real* to = address(o, n);
          for (int i = 0; i < left; ++i) to[i] = sum[i] + (first ? Real{0} : to[i]);
        });
  bias_gradient(layer.out, delta, first, gradient + layer.bias);
}

/// sin(x) for |x| up to a few hundred: x = k pi + r, Taylor polynomial on |r| <= pi/2 (remainder 7e-10 after
/// degree 13, 2e-18 after degree 21).
template <class Real>
inline Pack<Real> sine(Pack<Real> x) {
  constexpr bool single = sizeof(Real) == 4;
  constexpr Real magic = single ? Real(12582912) : Real(6755399441055744);  // rounds when added, then removed
  constexpr Real pi_high = single ? Real(3.140625) : Real(3.14159265160560607910);
  constexpr Real pi_low = static_cast<Real>(3.14159265358979323846L - static_cast<long double>(pi_high));
  const Pack<Real> k = (x * static_cast<Real>(std::numbers::inv_pi) + magic) - magic;
  const Pack<Real> r = (x - k * pi_high) - k * pi_low, r2 = r * r;
  const Pack<Real> half = k * Real{0.5};
  const Pack<Real> odd = half - ((half + magic) - magic);  // 0 when k is even, +-1/2 when odd
  Pack<Real> p = broadcast(Real{1});
  for (int degree = single ? 13 : 21; degree > 1; degree -= 2)
    p = Real{1} - p * r2 * (Real{1} / static_cast<Real>(degree * (degree - 1)));
  return p * r * (Real{1} - Real{8} * odd * odd);
}

}  // namespace

template <class Real>
Tape<Real> thread_tape(const Plan& plan, bool gradients) {
  struct Free {
    void operator()(Real* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<Real[], Free> memory;
  thread_local std::size_t capacity = 0;
  const std::size_t tape = static_cast<std::size_t>(plan.rows) * tile_rows<Real>;
  const std::size_t transposed = static_cast<std::size_t>(padded<Real>(plan.widest)) * tile_rows<Real>;
  const std::size_t needed = gradients ? 3 * tape + transposed : tape;
  if (needed > capacity) {
    memory.reset(static_cast<Real*>(std::aligned_alloc(64, needed * sizeof(Real))));
    if (!memory) throw std::bad_alloc();
    std::fill_n(memory.get(), needed, Real{0});
    capacity = needed;
  }
  Real* p = memory.get();
  return gradients ? Tape<Real>{p, p + tape, p + 2 * tape, p + 3 * tape}
                   : Tape<Real>{p, nullptr, nullptr, nullptr};
}

template <class Real>
void embed(const Plan& plan, const Real* times, Real* value) {
  constexpr int R = tile_rows<Real>;
  constexpr Real half_pi = static_cast<Real>(std::numbers::pi / 2);
  Real* out = value + plan.time_row * R;
  for (const double frequency : plan.frequencies) {
    for (int n = 0; n < R; n += lanes<Real>) {
      const Pack<Real> angle = load_anywhere(times + n) * static_cast<Real>(frequency);
      store(out + n, sine<Real>(angle));
      store(out + R + n, sine<Real>(angle + half_pi));
    }
    out += 2 * R;
  }
}

template <class Real>
void forward(const Plan& plan, const Real* parameters, Real* value, Real* slope) {
  with_activation(plan.architecture.activation, [&]<Activation Kind>() {
    layers_forward<Kind>(plan, 0, static_cast<int>(plan.layers.size()), parameters, value, slope);
  });
}

template <class Real>
SharedTime<Real> share_time(const Plan& plan, const Real* parameters, Real time) {
  constexpr int R = tile_rows<Real>;
  alignas(64) Real times[R];
  std::fill_n(times, R, time);
  Real* value = thread_tape<Real>(plan, false).value;
  embed(plan, times, value);
  with_activation(plan.architecture.activation, [&]<Activation Kind>() {
    layers_forward<Kind>(plan, plan.first_time_layer, plan.joint, parameters, value,
                         static_cast<Real*>(nullptr));
  });
  SharedTime<Real> shared;
  for (int i = 0; i < plan.joined_time; ++i) shared.features.push_back(value[(plan.joined_space + i) * R]);
  const Layer& joint = plan.layers[static_cast<std::size_t>(plan.joint)];
  for (int o = 0; o < joint.out; ++o) {
    const Real* weight = parameters + joint.weight + static_cast<std::ptrdiff_t>(o) * joint.in;
    Real sum = parameters[joint.bias + static_cast<std::size_t>(o)];
    for (int i = 0; i < plan.joined_time; ++i)
      sum += weight[plan.joined_space + i] * shared.features[static_cast<std::size_t>(i)];
    shared.offset.push_back(sum);
  }
  return shared;
}

template <class Real>
void forward_at(const Plan& plan, const Real* parameters, const SharedTime<Real>& time, Real* value) {
  constexpr int R = tile_rows<Real>;
  for (int i = 0; i < plan.joined_time; ++i)  // a residual joint layer reads them
    std::fill_n(value + (plan.joined_space + i) * R, R, time.features[static_cast<std::size_t>(i)]);
  with_activation(plan.architecture.activation,
                  [&]<Activation Kind>() { layers_forward_at<Kind>(plan, parameters, time, value); });
}

template <class Real>
void backward(const Plan& plan, const Real* parameters, const Tape<Real>& tape, bool first, Real* gradient,
              bool input_cotangent) {
  constexpr int R = tile_rows<Real>;
  for (auto layer = plan.layers.rbegin(); layer != plan.layers.rend(); ++layer) {
    Real* out = tape.delta + layer->to * R;
    Real* in = tape.delta + layer->from * R;
    if (layer->residual) std::memcpy(in, out, sizeof(Real) * static_cast<std::size_t>(layer->in * R));
    if (layer->activated) {
      const Real* slope = tape.slope + layer->to * R;
      for (int at = 0; at < layer->out * R; at += lanes<Real>)
        store(out + at, load(out + at) * load(slope + at));
    }
    if (gradient) layer_gradient(*layer, tape.value + layer->from * R, out, tape.transposed, first, gradient);
    if (layer->reads_input && !input_cotangent) continue;
    product<Real>(
        layer->input_gradient_rows, tile_vectors<Real>,
        {parameters + layer->weight, 1, layer->in, out, R, block_vectors * lanes<Real>, layer->out},
        [=, residual = layer->residual](int i, int n) {
          return residual ? load(in + i * R + n * lanes<Real>) : Pack<Real>{};
        },
        [=](int i, int n, Pack<Real> sum) { store(in + i * R + n * lanes<Real>, sum); });
  }
}

#define FORTET_INSTANTIATE(Real)                                                      \
  template Tape<Real> thread_tape(const Plan&, bool);                                 \
  template void embed(const Plan&, const Real*, Real*);                               \
  template void forward(const Plan&, const Real*, Real*, Real*);                      \
  template SharedTime<Real> share_time(const Plan&, const Real*, Real);               \
  template void forward_at(const Plan&, const Real*, const SharedTime<Real>&, Real*); \
  template void backward(const Plan&, const Real*, const Tape<Real>&, bool, Real*, bool);
FORTET_INSTANTIATE(float)
FORTET_INSTANTIATE(double)

}  // namespace fortet::nn
