#pragma once
// The same network as one Kokkos kernel a layer, for memory the host's packed tiles cannot reach. A tape is n
// x features, so neighbouring threads read neighbouring rows. Also the tests' second opinion on the tiles.
#include "fortet/nn/drift_model.hpp"
#include "nn/plan.hpp"

namespace fortet::nn {

template <class Real>
KOKKOS_INLINE_FUNCTION void activate(Activation kind, Real z, Real& value, Real& slope) {
  switch (kind) {
    case Activation::silu: {
      const Real s = 1 / (1 + Kokkos::exp(-z));
      value = z * s;
      slope = s + value * (1 - s);
      return;
    }
    case Activation::tanh:
      value = Kokkos::tanh(z);
      slope = 1 - value * value;
      return;
    default:
      slope = z > 0 ? Real{1} : kind == Activation::relu ? Real{0} : static_cast<Real>(0.01);
      value = z * slope;
  }
}

template <class Real, class Memory>
struct PortablePath {
  using Exec = typename Memory::execution_space;
  using Policy = Kokkos::RangePolicy<Exec>;
  using Tape = Points<Real, Memory>;

  static Tape make_tape(const Exec& exec, const std::string& label, std::size_t n, const Plan& plan) {
    return Tape(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), n,
                static_cast<std::size_t>(plan.rows));
  }

  static void forward(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                      ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x, Tape value, Tape slope) {
    const std::size_t n = x.extent(0);
    const int d = plan.dimension, space = plan.space_row;
    Kokkos::parallel_for(
        "fortet::nn::load", Policy(exec, 0, n), KOKKOS_LAMBDA(const std::size_t r) {
          for (int k = 0; k < d; ++k) value(r, space + k) = x(r, k);
        });
    for (std::size_t j = 0; j < plan.frequencies.size(); ++j) {
      const Real frequency = static_cast<Real>(plan.frequencies[j]);
      const int row = plan.time_row + 2 * static_cast<int>(j);
      Kokkos::parallel_for(
          "fortet::nn::embed", Policy(exec, 0, n), KOKKOS_LAMBDA(const std::size_t r) {
            value(r, row) = Kokkos::sin(frequency * times(r));
            value(r, row + 1) = Kokkos::cos(frequency * times(r));
          });
    }
    for (const Layer& layer : plan.layers)
      layer_forward(exec, plan.architecture.activation, layer, parameters, value, slope);
  }

  static void layer_forward(const Exec& exec, Activation kind, const Layer layer,
                            ConstVector<Real, Memory> parameters, Tape value, Tape slope) {
    const std::size_t n = value.extent(0);
    const bool keep_slope = slope.extent(0) > 0;
    Kokkos::parallel_for(
        "fortet::nn::layer_forward", Policy(exec, 0, n * static_cast<std::size_t>(layer.out)),
        KOKKOS_LAMBDA(const std::size_t at) {
          const std::size_t r = at % n, o = at / n, in = static_cast<std::size_t>(layer.in);
          Real z = parameters(layer.bias + o);
          for (std::size_t i = 0; i < in; ++i)
            z += parameters(layer.weight + o * in + i) * value(r, static_cast<std::size_t>(layer.from) + i);
          if (layer.activated) {
            Real a, da;
            activate(kind, z, a, da);
            z = layer.residual ? a + value(r, static_cast<std::size_t>(layer.from) + o) : a;
            if (keep_slope) slope(r, static_cast<std::size_t>(layer.to) + o) = da;
          }
          value(r, static_cast<std::size_t>(layer.to) + o) = z;
        });
  }

  /// From cotangents in the output columns of delta.
  static void backward(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters, Tape value,
                       Tape slope, Tape delta, Vector<Real, Memory> gradient) {
    for (auto layer = plan.layers.rbegin(); layer != plan.layers.rend(); ++layer) {
      if (layer->activated && !layer->residual) multiply_slope(exec, *layer, slope, delta);
      if (layer->input_gradient_rows > 0) layer_cotangent(exec, *layer, parameters, slope, delta);
      if (layer->residual) multiply_slope(exec, *layer, slope, delta);
      if (gradient.extent(0) > 0) layer_gradient(exec, *layer, value, delta, gradient);
    }
  }

  static void multiply_slope(const Exec& exec, const Layer layer, Tape slope, Tape delta) {
    const std::size_t n = delta.extent(0);
    Kokkos::parallel_for(
        "fortet::nn::multiply_slope", Policy(exec, 0, n * static_cast<std::size_t>(layer.out)),
        KOKKOS_LAMBDA(const std::size_t at) {
          const std::size_t r = at % n, o = static_cast<std::size_t>(layer.to) + at / n;
          delta(r, o) *= slope(r, o);
        });
  }

  /// delta of the layer's input; a residual layer's own delta has not met its slope yet.
  static void layer_cotangent(const Exec& exec, const Layer layer, ConstVector<Real, Memory> parameters,
                              Tape slope, Tape delta) {
    const std::size_t n = delta.extent(0);
    Kokkos::parallel_for(
        "fortet::nn::layer_cotangent",
        Policy(exec, 0, n * static_cast<std::size_t>(layer.input_gradient_rows)),
        KOKKOS_LAMBDA(const std::size_t at) {
          const std::size_t r = at % n, i = at / n, to = static_cast<std::size_t>(layer.to);
          Real sum = layer.residual ? delta(r, to + i) : Real{0};
          for (std::size_t o = 0; o < static_cast<std::size_t>(layer.out); ++o)
            sum += parameters(layer.weight + o * static_cast<std::size_t>(layer.in) + i) * delta(r, to + o) *
                   (layer.residual ? slope(r, to + o) : Real{1});
          delta(r, static_cast<std::size_t>(layer.from) + i) = sum;
        });
  }

  /// One team an entry of [weight, bias]: its lanes share the sum over rows.
  static void layer_gradient(const Exec& exec, const Layer layer, Tape value, Tape delta,
                             Vector<Real, Memory> gradient) {
    const std::size_t n = delta.extent(0), in = static_cast<std::size_t>(layer.in);
    const std::size_t entries = (in + 1) * static_cast<std::size_t>(layer.out);
    using Team = Kokkos::TeamPolicy<Exec>;
    Kokkos::parallel_for(
        "fortet::nn::layer_gradient", Team(exec, static_cast<int>(entries), Kokkos::AUTO),
        KOKKOS_LAMBDA(const typename Team::member_type& team) {
          const std::size_t entry = static_cast<std::size_t>(team.league_rank());
          const std::size_t o = entry / (in + 1), i = entry % (in + 1);
          Real sum = 0;
          Kokkos::parallel_reduce(
              Kokkos::TeamThreadRange(team, n),
              [&](const std::size_t r, Real& part) {
                part += delta(r, static_cast<std::size_t>(layer.to) + o) *
                        (i < in ? value(r, static_cast<std::size_t>(layer.from) + i) : Real{1});
              },
              sum);
          Kokkos::single(Kokkos::PerTeam(team),
                         [&] { gradient(i < in ? layer.weight + o * in + i : layer.bias + o) = sum; });
        });
  }

  static void evaluate(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                       ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                       Points<Real, Memory> out) {
    const Tape value = make_tape(exec, "fortet::nn::value", x.extent(0), plan);
    forward(exec, plan, parameters, times, x, value, {});
    Kokkos::deep_copy(exec, out, columns(value, plan.output_row, plan.dimension));
  }

  static void vjp(const Exec& exec, const Plan& plan, ConstVector<Real, Memory> parameters,
                  ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                  ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
                  Points<Real, Memory> input_cotangent, ModelScratch<Real, Memory>&) {
    const std::size_t n = x.extent(0);
    const Tape value = make_tape(exec, "fortet::nn::value", n, plan);
    const Tape slope = make_tape(exec, "fortet::nn::slope", n, plan);
    const Tape delta = make_tape(exec, "fortet::nn::delta", n, plan);
    forward(exec, plan, parameters, times, x, value, slope);
    Kokkos::deep_copy(exec, columns(delta, plan.output_row, plan.dimension), cotangent);
    backward(exec, plan, parameters, value, slope, delta, gradient);
    if (input_cotangent.extent(0) > 0)
      Kokkos::deep_copy(exec, input_cotangent, columns(delta, plan.space_row, plan.dimension));
  }

  static Points<Real, Memory> columns(const Tape& tape, int first, int count) {
    return Kokkos::subview(tape, Kokkos::ALL, std::make_pair(first, first + count));
  }
};

}  // namespace fortet::nn
