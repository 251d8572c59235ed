// Networks against finite differences, against the portable kernels, and against values computed by numpy.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <tuple>

#include "fortet/nn/adam.hpp"
#include "fortet/nn/mlp.hpp"
#include "nn/plan.hpp"
#include "nn/portable_path.hpp"

using namespace fortet;
using Host = Kokkos::HostSpace;
using Exec = HostExec;
using Reals = std::tuple<float, double>;

namespace {

template <class Real>
struct Data {
  Vector<Real, Host> parameters, times;
  Points<Real, Host> x, cotangent;
};

/// Random parameters (the output layer too) and inputs.
template <class Real>
Data<Real> make_data(const DriftModel<Real, Host>& model, std::size_t n) {
  const std::size_t d = static_cast<std::size_t>(model.dimension());
  Data<Real> data{Vector<Real, Host>("p", model.parameter_count()), Vector<Real, Host>("t", n),
                  Points<Real, Host>("x", n, d), Points<Real, Host>("c", n, d)};
  for (std::size_t i = 0; i < data.parameters.extent(0); ++i)
    data.parameters(i) = static_cast<Real>(0.3 * random_normal({.seed = 1}, i, 0));
  for (std::size_t r = 0; r < n; ++r) {
    data.times(r) = static_cast<Real>(random_uniform({.seed = 2}, r, 0));
    for (std::size_t k = 0; k < d; ++k) {
      data.x(r, k) = static_cast<Real>(random_normal({.seed = 3}, r, static_cast<std::uint32_t>(k)));
      data.cotangent(r, k) = static_cast<Real>(random_normal({.seed = 4}, r, static_cast<std::uint32_t>(k)));
    }
  }
  return data;
}

Architecture awkward(Activation activation, bool residual) {
  Architecture a{.space_branch = {5, 7}, .time_branch = {3}, .trunk = {11, 11, 19}, .time_features = 6};
  a.activation = activation;
  a.residual = residual;
  a.embedding = residual ? TimeEmbedding::fourier : TimeEmbedding::sinusoidal;
  return a;
}

std::vector<Architecture> architectures() {
  std::vector<Architecture> all;
  for (auto activation : {Activation::silu, Activation::leaky_relu, Activation::tanh, Activation::relu})
    for (bool residual : {false, true}) all.push_back(awkward(activation, residual));
  all.push_back(plain_network({17, 17}));
  all.push_back(plain_network({}));
  all.push_back({.space_branch = {}, .time_branch = {9, 4}, .trunk = {33}});
  all.push_back({.space_branch = {8}, .time_branch = {}, .trunk = {33}});
  return all;
}

double inner(const Points<double, Host>& a, const Points<double, Host>& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.extent(1); ++k)
    for (std::size_t r = 0; r < a.extent(0); ++r) sum += a(r, k) * b(r, k);
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_papers_network_has_26498_parameters) {
  BOOST_TEST((Mlp<float, Host>(2, {}).parameter_count()) == 26498u);
}

// The packed tiles against one kernel a layer, which shares nothing with them but the list of layers. Sums of
// up to 50 terms of size one: a few hundred roundings.
BOOST_AUTO_TEST_CASE_TEMPLATE(tiles_agree_with_portable_kernels, Real, Reals) {
  const double tolerance = 2000 * static_cast<double>(std::numeric_limits<Real>::epsilon());
  for (const Architecture& architecture : architectures())
    for (std::size_t n : {1u, 31u, 64u, 200u}) {
      const Mlp<Real, Host> model(3, architecture);
      const auto data = make_data<Real>(model, n);
      const nn::Plan plan = nn::make_plan(3, architecture);
      using Portable = nn::PortablePath<Real, Host>;
      Points<Real, Host> a("a", n, 3), b("b", n, 3), da("da", n, 3), db("db", n, 3);
      Vector<Real, Host> ga("ga", plan.parameters), gb("gb", plan.parameters);
      ModelScratch<Real, Host> scratch;
      const Exec exec;
      model.evaluate(exec, data.parameters, data.times, data.x, a);
      Portable::evaluate(exec, plan, data.parameters, data.times, data.x, b);
      model.vjp(exec, data.parameters, data.times, data.x, data.cotangent, ga, da, scratch);
      Portable::vjp(exec, plan, data.parameters, data.times, data.x, data.cotangent, gb, db, scratch);
      double error = 0, gradient_error = 0, scale = 1;
      for (std::size_t r = 0; r < n; ++r)
        for (std::size_t k = 0; k < 3; ++k) {
          error =
              std::max(error, std::abs(double(a(r, k)) - double(b(r, k))) / (1 + std::abs(double(b(r, k)))));
          error = std::max(error,
                           std::abs(double(da(r, k)) - double(db(r, k))) / (1 + std::abs(double(db(r, k)))));
        }
      for (std::size_t i = 0; i < plan.parameters; ++i) {
        gradient_error = std::max(gradient_error, std::abs(double(ga(i)) - double(gb(i))));
        scale = std::max(scale, std::abs(double(gb(i))));
      }
      BOOST_TEST(error < tolerance, architecture.describe() << " n=" << n << " error " << error);
      BOOST_TEST(gradient_error < tolerance * scale,
                 architecture.describe() << " n=" << n << " gradient error " << gradient_error);
    }
}

// Central differences with h = 1e-5: truncation h^2 ~ 1e-10, rounding 1e-16/1e-5 ~ 1e-11 of a sum of order
// 100. ReLU kinks inside h are avoided by the smooth activations here; the kinked ones are covered above.
BOOST_AUTO_TEST_CASE(products_match_finite_differences) {
  const Exec exec;
  for (auto activation : {Activation::silu, Activation::tanh})
    for (bool residual : {false, true}) {
      const Mlp<double, Host> model(2, awkward(activation, residual));
      auto data = make_data<double>(model, 70);
      Vector<double, Host> gradient("g", model.parameter_count());
      Points<double, Host> dx("dx", 70, 2), out("out", 70, 2);
      ModelScratch<double, Host> scratch;
      model.vjp(exec, data.parameters, data.times, data.x, data.cotangent, gradient, dx, scratch);
      const auto value = [&] {
        model.evaluate(exec, data.parameters, data.times, data.x, out);
        return inner(out, data.cotangent);
      };
      const auto slope = [&](double& at) {
        const double h = 1e-5, kept = at;
        at = kept + h;
        const double up = value();
        at = kept - h;
        const double down = value();
        at = kept;
        return (up - down) / (2 * h);
      };
      for (std::size_t i = 0; i < model.parameter_count(); i += 3)
        BOOST_TEST(std::abs(slope(data.parameters(i)) - gradient(i)) < 2e-7 * (1 + std::abs(gradient(i))));
      for (std::size_t r = 0; r < 70; r += 13)
        for (std::size_t k = 0; k < 2; ++k)
          BOOST_TEST(std::abs(slope(data.x(r, k)) - dx(r, k)) < 2e-7 * (1 + std::abs(dx(r, k))));
    }
}

BOOST_AUTO_TEST_CASE(divergence_is_the_trace_of_the_jacobian) {
  const Exec exec;
  const Mlp<double, Host> model(3, awkward(Activation::silu, true));
  auto data = make_data<double>(model, 40);
  Vector<double, Host> exact("exact", 40), estimate("estimate", 40);
  divergence<double, Host>(exec, model, data.parameters, data.times, data.x, exact);
  Points<double, Host> up("up", 40, 3), down("down", 40, 3);
  std::vector<double> differences(40, 0.0);
  const double h = 1e-5;
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t r = 0; r < 40; ++r) data.x(r, k) += h;
    model.evaluate(exec, data.parameters, data.times, data.x, up);
    for (std::size_t r = 0; r < 40; ++r) data.x(r, k) -= 2 * h;
    model.evaluate(exec, data.parameters, data.times, data.x, down);
    for (std::size_t r = 0; r < 40; ++r) {
      data.x(r, k) += h;
      differences[r] += (up(r, k) - down(r, k)) / (2 * h);
    }
  }
  for (std::size_t r = 0; r < 40; ++r)
    BOOST_TEST(std::abs(exact(r) - differences[r]) < 1e-7 * (1 + std::abs(exact(r))));

  // Hutchinson: the mean over the 40 points of 4000 probes, five standard errors; off-diagonal entries of
  // these Jacobians are below 3, so a probe's deviation is below 3 sqrt(6)
  hutchinson_divergence<double, Host>(exec, model, data.parameters, data.times, data.x, {.seed = 5}, 4000,
                                      estimate);
  double worst = 0;
  for (std::size_t r = 0; r < 40; ++r) worst = std::max(worst, std::abs(estimate(r) - exact(r)));
  BOOST_TEST(worst < 5 * 3 * std::sqrt(6.0 / 4000));
}

// loss_gradient must be what evaluate and vjp say, with padding rows and several slots in play.
BOOST_AUTO_TEST_CASE(fused_loss_is_evaluate_then_vjp) {
  const Exec exec;
  const Mlp<double, Host> model(2, {});
  const std::size_t n = 1000;
  auto data = make_data<double>(model, n);
  Batch<double, Host> batch{data.times, data.x, data.cotangent, Vector<double, Host>("w", n)};
  for (std::size_t r = 0; r < n; ++r) batch.weights(r) = 0.5 + static_cast<double>(r % 3);
  Vector<double, Host> fused("g", model.parameter_count()), separate("g", model.parameter_count());
  ModelScratch<double, Host> scratch;
  const double loss = model.loss_gradient(exec, data.parameters, batch, fused, scratch);
  const double other =
      model.DriftModel<double, Host>::loss_gradient(exec, data.parameters, batch, separate, scratch);
  BOOST_TEST(std::abs(loss - other) < 1e-12 * loss);  // a thousand terms in another order
  double error = 0, scale = 0;
  for (std::size_t i = 0; i < fused.extent(0); ++i) {
    error = std::max(error, std::abs(fused(i) - separate(i)));
    scale = std::max(scale, std::abs(fused(i)));
  }
  BOOST_TEST(error < 1e-12 * scale);
}

namespace {

void fused_walk_is_evaluate(const Architecture& architecture) {
  const Exec exec;
  const Mlp<double, Host> model(3, architecture);
  const std::size_t n = 150;
  auto data = make_data<double>(model, n);
  const std::vector<ChainStep> steps = {{0.0, 0.1, 0.3}, {0.3, 0.2, 0.1}, {0.9, 0.1, 0.0}};
  Points<double, Host> a("a", n, 3), b("b", n, 3);
  Paths<double, Host> path_a("pa", n, 3, 4), path_b("pb", n, 3, 4);
  Paths<double, Host> back_a("ra", n, 3, 3), back_b("rb", n, 3, 3);
  Kokkos::deep_copy(a, data.x);
  Kokkos::deep_copy(b, data.x);
  model.walk(exec, data.parameters, steps, {.seed = 9}, a, path_a, back_a);
  model.DriftModel<double, Host>::walk(exec, data.parameters, steps, {.seed = 9}, b, path_b, back_b);
  double error = 0;
  for (std::size_t r = 0; r < n; ++r)
    for (std::size_t k = 0; k < 3; ++k) {
      error = std::max(error, std::abs(a(r, k) - b(r, k)));
      for (std::size_t s = 0; s < 4; ++s)
        error = std::max(error, std::abs(path_a(r, k, s) - path_b(r, k, s)));
      for (std::size_t s = 0; s < 3; ++s)
        error = std::max(error, std::abs(back_a(r, k, s) - back_b(r, k, s)));
      BOOST_TEST(path_a(r, k, 0) == data.x(r, k));
      BOOST_TEST(path_a(r, k, 3) == a(r, k));
    }
  BOOST_TEST(error < 1e-12);  // three steps of the same sums, in another order
}

}  // namespace

// A chain's steps compute what depends on time alone once for all rows: with branches, without, and where a
// residual joint layer adds the time features themselves to its values.
BOOST_AUTO_TEST_CASE(fused_walk_is_evaluate_step_by_step) {
  auto all = architectures();
  all.push_back({.space_branch = {12}, .time_branch = {8}, .trunk = {20, 20}, .residual = true});
  for (const Architecture& architecture : all) fused_walk_is_evaluate(architecture);
}

// The network of tests/oracles/network.py (numpy), parameters p_i = sin(i + 1) / 2: same inputs, same
// outputs.
BOOST_AUTO_TEST_CASE(agrees_with_numpy) {
  const Exec exec;
  const Mlp<double, Host> model(2, {.space_branch = {3, 2},
                                    .time_branch = {4},
                                    .trunk = {5, 5},
                                    .time_features = 4,
                                    .activation = Activation::silu,
                                    .residual = true});
  Vector<double, Host> parameters("p", model.parameter_count()), times("t", 2),
      gradient("g", parameters.extent(0));
  for (std::size_t i = 0; i < parameters.extent(0); ++i)
    parameters(i) = std::sin(static_cast<double>(i + 1)) / 2;
  Points<double, Host> x("x", 2, 2), out("out", 2, 2), dx("dx", 2, 2), cotangent("c", 2, 2);
  times(0) = 0.25;
  times(1) = 0.75;
  x(0, 0) = 0.5;
  x(0, 1) = -1;
  x(1, 0) = 2;
  x(1, 1) = 0.125;
  Kokkos::deep_copy(cotangent, 1.0);
  ModelScratch<double, Host> scratch;
  model.evaluate(exec, parameters, times, x, out);
  model.vjp(exec, parameters, times, x, cotangent, gradient, dx, scratch);
#include "network_numpy.inc"
  double squares = 0;
  for (std::size_t i = 0; i < gradient.extent(0); ++i)
    squares += gradient(i) * gradient(i) * std::cos(double(i));
  BOOST_TEST(model.parameter_count() == numpy_parameters);
  for (std::size_t r = 0; r < 2; ++r)
    for (std::size_t k = 0; k < 2; ++k) {
      BOOST_TEST(std::abs(out(r, k) - numpy_out[r][k]) < 1e-13);
      BOOST_TEST(std::abs(dx(r, k) - numpy_dx[r][k]) < 1e-13);
    }
  BOOST_TEST(std::abs(squares - numpy_squares) < 1e-12);
}

// Adam on a fixed gradient: after t steps with constant gradient the bias-corrected moments are g and g^2, so
// every step moves a parameter by rate * sign(g) (up to epsilon).
BOOST_AUTO_TEST_CASE(adam_moves_by_the_rate) {
  const Exec exec;
  Vector<double, Host> start("p", 3000), gradient("g", 3000);
  for (std::size_t i = 0; i < 3000; ++i) gradient(i) = (i % 2 ? 1.0 : -3.0) * (1 + static_cast<double>(i));
  Adam<double, Host> adam(start);
  const AdamOptions options{.learning_rate = 0.01, .average = 0};
  for (int t = 0; t < 10; ++t) adam.step(exec, options, 10, gradient);
  for (std::size_t i = 0; i < 3000; ++i) {
    BOOST_TEST(std::abs(adam.parameters(i) - (i % 2 ? -0.1 : 0.1)) < 1e-8);
    BOOST_TEST(adam.average(i) == adam.parameters(i));
  }
}

// With d_t = t/(t + 3), t = 1, 2, ..., parameters that move evenly away from zero have an average of three
// quarters of the way: (t + 1)(t + 2)(t + 3) a_t grows by 3 (t + 1)(t + 2) p_t a step.
BOOST_AUTO_TEST_CASE(the_average_of_a_short_run_forgets_its_start) {
  const Exec exec;
  Vector<double, Host> start("p", 5), gradient("g", 5);
  Kokkos::deep_copy(gradient, 1.0);
  Adam<double, Host> adam(start);
  for (int t = 0; t < 100; ++t) {
    adam.step(exec, {.learning_rate = 0.01}, 100, gradient);
    BOOST_TEST(std::abs(adam.average(4) - 0.75 * adam.parameters(4)) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(adam_options_do_what_they_say) {
  const Exec exec;
  Vector<double, Host> start("p", 4), gradient("g", 4);
  Kokkos::deep_copy(start, 1.0);
  Adam<double, Host> decayed(start);
  decayed.step(exec, {.learning_rate = 0.1, .weight_decay = 0.5}, 1,
               gradient);  // no gradient: decay alone
  BOOST_TEST(std::abs(decayed.parameters(0) - 0.95) < 1e-15);

  Kokkos::deep_copy(gradient,
                    5.0);  // norm 10, clipped to 1: entries 1/2, seen in the first moment
  Vector<double, Host> other("p", 4);
  Adam<double, Host> clipped(other);
  clipped.step(exec, {.clip_norm = 1}, 1, gradient);
  BOOST_TEST(std::abs(clipped.first(0) - 0.1 * 0.5) < 1e-15);

  const AdamOptions cosine{.learning_rate = 1, .schedule = LearningRate::cosine, .warmup = 10};
  BOOST_TEST(std::abs(learning_rate(cosine, 0, 110) - 0.1) < 1e-15);
  BOOST_TEST(std::abs(learning_rate(cosine, 60, 110) - 0.5) < 1e-15);
  BOOST_TEST(std::abs(learning_rate(cosine, 110, 110)) < 1e-15);
  BOOST_CHECK_THROW((AdamOptions{.learning_rate = -1}.validate("test")), InvalidArgument);
  BOOST_CHECK_THROW((AdamOptions{.average = 1}.validate("test")), InvalidArgument);
}

// The tiles and the sums over slots are the same whatever the threads: serial execution space against
// default.
BOOST_AUTO_TEST_CASE(results_do_not_depend_on_threads) {
  const Mlp<float, Host> model(2, {});
  const std::size_t n = 3000;
  const auto data = make_data<float>(model, n);
  const Batch<float, Host> batch{data.times, data.x, data.cotangent, data.times};
  std::vector<Vector<float, Host>> gradients;
  std::vector<double> losses;
#if defined(KOKKOS_ENABLE_OPENMP)
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    const Exec exec(threads);
#else
  for (int repeat = 0; repeat < 2; ++repeat) {
    const Exec exec;
#endif
    gradients.emplace_back("g", model.parameter_count());
    ModelScratch<float, Host> scratch;
    losses.push_back(model.loss_gradient(exec, data.parameters, batch, gradients.back(), scratch));
  }
  for (std::size_t other = 1; other < gradients.size(); ++other) {
    BOOST_TEST(losses[other] == losses[0]);
    for (std::size_t i = 0; i < model.parameter_count(); ++i)
      BOOST_TEST_REQUIRE(gradients[other](i) == gradients[0](i));
  }
}

BOOST_AUTO_TEST_CASE(mistakes_are_named) {
  const Exec exec;
  BOOST_CHECK_THROW((Mlp<float, Host>(0, {})), InvalidArgument);
  BOOST_CHECK_THROW((Mlp<float, Host>(2, {.time_features = 3})), InvalidArgument);
  BOOST_CHECK_THROW((Mlp<float, Host>(2, {.trunk = {16, 0}})), InvalidArgument);
  const Mlp<float, Host> model(2, {});
  const auto data = make_data<float>(model, 4);
  Points<float, Host> narrow("narrow", 4, 1);
  BOOST_CHECK_THROW(model.evaluate(exec, data.parameters, data.times, data.x, narrow), InvalidArgument);
  BOOST_CHECK_THROW(model.evaluate(exec, data.times, data.times, data.x, data.x), InvalidArgument);
}
