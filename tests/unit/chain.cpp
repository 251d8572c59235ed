#include "grid/chain.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace fortet;
using grid::Chain;

namespace {

const DefaultExec& exec() {
  thread_local const DefaultExec instance;
  return instance;
}

Vector<double> vector(const std::vector<double>& values) {
  return vector_from_host<double>(std::span<const double>(values));
}
std::vector<double> wave(std::size_t n, double frequency) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = 1.1 + std::sin(frequency * static_cast<double>(i));
  return values;
}
double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
std::vector<double> backward(const Chain& chain, const std::vector<double>& values) {
  const auto x = vector(values);
  chain.backward(exec(), 0, chain.steps(), x);
  exec().fence();
  return to_host(x);
}
std::vector<double> forward(const Chain& chain, const std::vector<double>& values) {
  const auto x = vector(values);
  chain.forward(exec(), 0, chain.steps(), x);
  exec().fence();
  return to_host(x);
}
std::vector<double> unit(std::size_t n, std::size_t i) {
  std::vector<double> values(n, 0.0);
  values[i] = 1;
  return values;
}

DriftDiffusion whirl() {
  return {.drift = Drift::field([](double t, std::span<const double> x, std::span<double> b) {
            const double y = x.size() > 1 ? x[1] : 0.5;
            b[0] = -y + 2 * t;
            if (b.size() > 1) b[1] = x[0] - x[0] * x[0] * x[0];
            if (b.size() > 2) b[2] = std::cos(x[2]);
          }),
          .sigma = 0.8,
          .horizon = 0.7};
}

using Dense = std::vector<std::vector<double>>;

/// Gauss-Jordan without pivoting: enough for diagonally dominant matrices.
Dense inverse(Dense a) {
  const std::size_t n = a.size();
  Dense b(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) b[i][i] = 1;
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = a[k][k];
    for (std::size_t j = 0; j < n; ++j) a[k][j] /= pivot, b[k][j] /= pivot;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i][k];
      for (std::size_t j = 0; j < n; ++j) a[i][j] -= factor * a[k][j], b[i][j] -= factor * b[k][j];
    }
  }
  return b;
}
Dense product(const Dense& a, const Dense& b) {
  const std::size_t n = a.size();
  Dense c(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) c[i][j] += a[i][k] * b[k][j];
  return c;
}

/// The generator of dX = v(x) dt + sigma dW on an axis, written from its definition.
template <class V>
Dense generator(const GridAxis& axis, double sigma, bool periodic, const V& v) {
  const auto n = static_cast<std::size_t>(axis.nodes);
  Dense a(n, std::vector<double>(n, 0.0));
  const double h = axis.spacing(), D = sigma * sigma / 2;
  const auto weight = [](double z) { return z == 0 ? 1.0 : z / (std::exp(z) - 1); };
  for (std::size_t i = 0; i + (periodic ? 0 : 1) < n; ++i) {
    const std::size_t j = (i + 1) % n;
    const double z = v(axis.lower + h * (static_cast<double>(i) + 1)) * h / D;
    a[i][j] += D / (h * h) * weight(-z);
    a[i][i] -= D / (h * h) * weight(-z);
    a[j][i] += D / (h * h) * weight(z);
    a[j][j] -= D / (h * h) * weight(z);
  }
  return a;
}

/// One step of the second-order formula as a dense matrix.
Dense second_order(const Dense& a, double dt) {
  const double root = std::sqrt(3.0), pole = (3 - root) / 6;
  Dense m = a;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j) m[i][j] = (i == j ? 1.0 : 0.0) - pole * dt * a[i][j];
  const Dense w = inverse(m), w2 = product(w, w), w3 = product(w2, w);
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a.size(); ++j) m[i][j] = (1 + root) * w3[i][j] - root * w2[i][j];
  return m;
}
double smallest(const Dense& a) {
  double least = a[0][0];
  for (const auto& row : a)
    for (double value : row) least = std::min(least, value);
  return least;
}

}  // namespace

// Against the stepper as a dense matrix made from its definition, with walls and around a ring.
BOOST_AUTO_TEST_CASE(a_step_is_its_formula) {
  const GridAxis axis{-1, 2, 19};
  const auto v = [](double x) { return std::sin(3 * x) - 0.3; };
  for (const bool periodic : {false, true}) {
    const DriftDiffusion process{
        .drift = Drift::field([&](std::span<const double> x, std::span<double> b) { b[0] = v(x[0]); }),
        .sigma = 0.9,
        .horizon = 0.3};
    const Chain chain(exec(), RegularGrid{axis}, process,
                      {periodic ? Boundary::periodic : Boundary::reflecting}, Stepper::second_order, 3);
    BOOST_TEST(chain.steps() == 3);
    const Dense step = second_order(generator(axis, 0.9, periodic, v), 0.1),
                all = product(step, product(step, step));
    for (std::size_t j = 0; j < 19; ++j) {
      const auto column = backward(chain, unit(19, j)), row = forward(chain, unit(19, j));
      for (std::size_t i = 0; i < 19; ++i) {
        // a dozen roundings of numbers up to 3
        BOOST_TEST(std::abs(column[i] - all[i][j]) < 1e-14);
        BOOST_TEST(std::abs(row[i] - all[j][i]) < 1e-14);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(forward_is_the_transpose_and_mass_is_kept) {
  const RegularGrid grids[] = {
      {{-2, 2, 37}}, {{-2, 2, 21}, {-1, 2, 18}}, {{-2, 2, 11}, {-1, 2, 9}, {0, 3, 17}}};
  for (const auto& grid : grids)
    for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order})
      for (const bool killed : {false, true}) {
        DriftDiffusion process = whirl();
        if (killed)
          process.killing = KillingRate([](double t, std::span<const double> x) { return t * x[0] * x[0]; });
        std::vector<Boundary> boundary(static_cast<std::size_t>(grid.dimension()), Boundary::reflecting);
        boundary.back() = Boundary::periodic;
        const Chain chain(exec(), grid, process, boundary, stepper, 12);
        const auto v = wave(grid.size(), 0.37), w = wave(grid.size(), 0.91);
        const double a = dot(w, backward(chain, v)), b = dot(forward(chain, w), v);
        // both sums are of positive terms, each a few roundings a sweep
        BOOST_TEST(std::abs(a - b) < 1e-13 * a);
        if (killed) continue;
        for (double one : backward(chain, std::vector<double>(grid.size(), 1.0)))
          BOOST_TEST(std::abs(one - 1) < 1e-13);
        const std::vector<double> ones(grid.size(), 1.0);
        BOOST_TEST(std::abs(dot(forward(chain, w), ones) / dot(w, ones) - 1) < 1e-13);
      }
}

// Halves of an axis that meet between steps pass over memory together: to the bit what single steps give.
BOOST_AUTO_TEST_CASE(many_steps_are_single_steps) {
  const RegularGrid grids[] = {
      {{-2, 2, 37}}, {{-2, 2, 21}, {-1, 2, 18}}, {{-2, 2, 11}, {-1, 2, 9}, {0, 3, 17}}};
  const DriftDiffusion steady{.drift = Drift::field([](std::span<const double> x, std::span<double> b) {
                                for (std::size_t k = 0; k < b.size(); ++k) b[k] = x[(k + 1) % b.size()];
                              })};
  DriftDiffusion killed = steady;
  killed.killing = KillingRate([](std::span<const double> x) { return x[0] * x[0]; });
  for (const auto& grid : grids)
    for (const auto& process : {steady, killed, whirl()})
      for (const bool to_forward : {false, true}) {
        const std::vector<Boundary> boundary(3, Boundary::reflecting);
        const Chain chain(exec(), grid, process, boundary, Stepper::second_order, 8);
        const auto together = vector(wave(grid.size(), 0.37)), apart = vector(wave(grid.size(), 0.37));
        const int last = chain.steps();
        to_forward ? chain.forward(exec(), 0, last, together) : chain.backward(exec(), 0, last, together);
        for (int n = 0; n < last; ++n)
          to_forward ? chain.forward(exec(), n, n + 1, apart)
                     : chain.backward(exec(), last - n - 1, last - n, apart);
        exec().fence();
        BOOST_TEST(to_host(together) == to_host(apart));
      }
}

// exp(-2 U / sigma^2) is reversible for the rates, so it is stationary whatever the spacing and the step.
BOOST_AUTO_TEST_CASE(the_gibbs_density_of_a_potential_is_stationary) {
  const RegularGrid grid{{-2, 2, 24}, {-1.5, 2, 20}};
  const auto U = [](std::span<const double> x) {
    return std::pow(x[0] * x[0] - 1, 2) + 0.5 * x[1] * x[1] + 0.3 * x[0] * x[1];
  };
  const DriftDiffusion process{.drift = Drift::gradient(U), .sigma = 0.7, .horizon = 2};
  std::vector<double> density(grid.size());
  for (std::size_t i = 0; i < density.size(); ++i) {
    const std::vector<double> x{grid.coordinate(i, 0), grid.coordinate(i, 1)};
    density[i] = std::exp(-2 * U(x) / 0.49);
  }
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order}) {
    const Chain chain(exec(), grid, process, {Boundary::reflecting, Boundary::reflecting}, stepper, 10);
    const auto pushed = forward(chain, density);
    for (std::size_t i = 0; i < density.size(); ++i)
      BOOST_TEST(std::abs(pushed[i] - density[i]) < 1e-12 * density[i]);
  }
}

// Without drift any step is positive; with one, the steps found are, and with a quarter of them the dense
// matrix has a negative entry, so the limit that is kept is no mere caution.
BOOST_AUTO_TEST_CASE(positivity_is_kept_by_more_steps) {
  const GridAxis axis{-3, 3, 41};
  const auto chain_of = [&](const DriftDiffusion& process, int steps) {
    return Chain(exec(), RegularGrid{axis}, process, {Boundary::reflecting}, Stepper::second_order, steps);
  };
  BOOST_TEST(chain_of({.sigma = 1, .horizon = 1000}, 1).steps() == 1);
  BOOST_TEST(smallest(second_order(generator(axis, 1, false, [](double) { return 0.0; }), 1000)) > -1e-14);
  const auto v = [](double x) { return -4 * x; };
  const DriftDiffusion pulled{
      .drift = Drift::field([&](std::span<const double> x, std::span<double> b) { b[0] = v(x[0]); }),
      .sigma = 0.5,
      .horizon = 1};
  const int steps = chain_of(pulled, 1).steps();
  BOOST_TEST(steps > 4);
  const Dense A = generator(axis, 0.5, false, v);
  BOOST_TEST(smallest(second_order(A, 1.0 / steps)) > -1e-15);
  BOOST_TEST(smallest(second_order(A, 4.0 / steps)) < -1e-6);
  // implicit Euler at a hundred times the explicit limit
  double fastest = 0;
  for (std::size_t i = 0; i < A.size(); ++i) fastest = std::max(fastest, -A[i][i]);
  DriftDiffusion longer = pulled;
  longer.horizon = 100 / fastest;
  const Chain euler(exec(), RegularGrid{axis}, longer, {Boundary::reflecting}, Stepper::implicit_euler, 1);
  BOOST_TEST(euler.steps() == 1);
  for (std::size_t i = 0; i < 41; ++i)
    for (double p : backward(euler, unit(41, i))) BOOST_TEST(p > 0);
}

// Order in time against a chain of very many steps, on one grid: two thirds of the finest distance remain at
// most.
BOOST_AUTO_TEST_CASE(order_in_time) {
  const RegularGrid grid{{-2, 2, 21}, {-2, 2, 18}};
  const auto start = wave(grid.size(), 0.02);
  const auto ends = [&](Stepper stepper, int steps) {
    DriftDiffusion process = whirl();
    process.killing = KillingRate([](double t, std::span<const double> x) { return x[0] - t; });
    return backward(
        Chain(exec(), grid, process, {Boundary::reflecting, Boundary::reflecting}, stepper, steps), start);
  };
  const auto exact = ends(Stepper::second_order, 1024);
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order}) {
    double error[2];
    for (int level = 0; level < 2; ++level) {
      const auto got = ends(stepper, 32 << level);
      error[level] = 0;
      for (std::size_t i = 0; i < got.size(); ++i)
        error[level] = std::max(error[level], std::abs(got[i] - exact[i]));
    }
    BOOST_TEST(std::log2(error[0] / error[1]) > (stepper == Stepper::second_order ? 1.9 : 0.95));
  }
}

BOOST_AUTO_TEST_CASE(results_do_not_depend_on_the_scale_of_the_input) {
  const RegularGrid grid{{-2, 2, 40}};
  const DriftDiffusion process{.sigma = 0.3, .horizon = 1};
  const Chain chain(exec(), grid, process, {Boundary::reflecting}, Stepper::second_order, 32);
  std::vector<double> in(40);
  for (std::size_t i = 0; i < 40; ++i) in[i] = 5000 - 8.0 * static_cast<double>(i);
  in[3] = -INFINITY;
  const auto out = vector(in), lower = vector(in);
  const double floor = chain.apply_log(exec(), false, 0, 32, vector(in), out);
  for (double& value : in) value -= 5000;
  chain.apply_log(exec(), false, 0, 32, vector(in), lower);
  const auto a = to_host(out), b = to_host(lower);
  for (std::size_t i = 0; i < 40; ++i) {
    BOOST_TEST(a[i] > floor);
    // the exponent 5000 has absolute roundings of 1e-12
    BOOST_TEST(std::abs(a[i] - 5000 - b[i]) < 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(steps_are_chosen_by_tolerance) {
  const RegularGrid grid{{-4, 4, 80}};
  DriftDiffusion process{.drift =
                             Drift::gradient([](std::span<const double> x) { return 0.5 * x[0] * x[0]; })};
  std::vector<double> masses(80);
  double total = 0;
  for (std::size_t i = 0; i < 80; ++i)
    total += masses[i] = std::exp(-4 * std::pow(grid.coordinate(i, 0) - 1, 2));
  for (double& m : masses) m /= total;
  const auto choose = [&](ChainOptions options) {
    return grid::choose_chain(exec(), grid, process, {Boundary::reflecting}, options, vector(masses));
  };
  const auto finest = choose({.stepper = Stepper::second_order, .steps = 2000});
  for (const auto stepper : {Stepper::implicit_euler, Stepper::second_order})
    for (const double tolerance : {1e-2, 1e-3}) {
      const auto chosen = choose({.stepper = stepper, .tolerance = tolerance});
      double error = 0;
      for (int part = 1; part <= 8; ++part) {
        const auto got = vector(masses), truth = vector(masses);
        chosen.chain->forward(exec(), 0, part * chosen.chain->steps() / 8, got);
        finest.chain->forward(exec(), 0, part * finest.chain->steps() / 8, truth);
        exec().fence();
        const auto a = to_host(got), b = to_host(truth);
        double distance = 0;
        for (std::size_t i = 0; i < 80; ++i) distance += std::abs(a[i] - b[i]);
        error = std::max(error, distance);
      }
      // the estimate is asymptotic: half as much again is allowed
      BOOST_TEST(error < 1.5 * tolerance);
      BOOST_TEST(std::abs(error - chosen.error) < 0.5 * chosen.error);
    }
}

BOOST_AUTO_TEST_CASE(bad_coefficients_are_named) {
  const auto message = [](const DriftDiffusion& process, const RegularGrid& grid, int steps) -> std::string {
    try {
      Chain(exec(), grid, process, std::vector<Boundary>(2, Boundary::reflecting), Stepper::second_order,
            steps);
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const RegularGrid grid{{0, 1, 10}, {0, 1, 10}};
  const DriftDiffusion nan{.drift = Drift::field([](std::span<const double> x, std::span<double> b) {
                             b[0] = 0;
                             b[1] = x[0] > 0.5 ? NAN : 0;
                           })};
  BOOST_TEST(contains(message(nan, grid, 4), "drift along axis 1 at t = 0.125, x = (0.55, 0.1)"));
  const DriftDiffusion rate{.killing = KillingRate([](std::span<const double>) { return INFINITY; })};
  BOOST_TEST(contains(message(rate, grid, 4), "killing rate at t = "));
  DriftDiffusion moving = whirl();
  BOOST_TEST(
      contains(message(moving, RegularGrid{{-1, 1, 4000}, {-1, 1, 4000}}, 1000), "memory estimate in GiB"));
  BOOST_CHECK_THROW(Drift::array(grid, std::vector<double>(7)), InvalidArgument);
  BOOST_CHECK_THROW(Drift::array(grid, std::vector<double>(200, NAN)), InvalidArgument);
}

BOOST_AUTO_TEST_CASE(drifts_agree_however_they_are_given) {
  const RegularGrid grid{{-1, 1, 12}, {-2, 1, 15}};
  std::vector<double> values;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    values.push_back(1 + 2 * grid.coordinate(i, 0) - grid.coordinate(i, 1));
    values.push_back(-grid.coordinate(i, 0) + 3 * grid.coordinate(i, 1));
  }
  const Drift array = Drift::array(grid, values);
  const Drift gradient = Drift::gradient(
      [](std::span<const double> x) { return -x[0] - x[0] * x[0] + x[0] * x[1] - 1.5 * x[1] * x[1]; });
  const std::vector<double> x{0.31, -0.77};
  double a[2], b[2];
  array(0, x, a);
  gradient(0, x, b);
  BOOST_TEST(std::abs(a[0] - (1 + 2 * 0.31 + 0.77)) < 1e-14);
  BOOST_TEST(std::abs(a[1] - (-0.31 - 3 * 0.77)) < 1e-14);
  for (int k = 0; k < 2; ++k) BOOST_TEST(std::abs(a[k] - b[k]) < 1e-11);
}
