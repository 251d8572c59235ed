#include "fortet/solver/sinkhorn.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <string>

#include "fortet/coupling/lift.hpp"
#include "support/naive_sinkhorn.hpp"
#include "support/problems.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using support::HostCloud;
using support::random_cloud;
using support::to_cloud;

using Coupling64 = DiscreteCoupling<double, DefaultExec, Brownian>;
static_assert(ConditionalCoupling<Coupling64> && BarycentricCoupling<Coupling64> &&
              PotentialCoupling<Coupling64>);
static_assert(Bridge<LiftedBridge<double, DefaultExec, OrnsteinUhlenbeck>>);
static_assert(Bridge<LiftedBridge<float, DefaultExec, Brownian>>);
using StaticCoupling = DiscreteCoupling<double, DefaultExec, GibbsCost<CostMatrix<double>>>;
static_assert(Coupling<StaticCoupling> && !ConditionalCoupling<StaticCoupling>);

namespace {

/// Largest difference of two vectors over atoms that have weight.
double distance(const std::vector<double>& a, const std::vector<long double>& b,
                const std::vector<double>& weights) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (weights[i] > 0) largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return largest;
}

struct Shape {
  std::size_t n, m, d;
};

/// Solves by the library and by the naive solver and compares everything they share. `bound` is relative to
/// the cost scale for potentials and absolute (of total mass one) for the plan.
template <class Real>
void compare_with_naive(Shape shape, double relative_epsilon, double tolerance, double bound,
                        std::size_t zero_every = 0) {
  BOOST_TEST_CONTEXT("n=" << shape.n << " m=" << shape.m << " d=" << shape.d << " eps=" << relative_epsilon) {
    const HostCloud x = random_cloud(shape.n, shape.d, 1, 0, 1, zero_every);
    const HostCloud y = random_cloud(shape.m, shape.d, 2, 0.5, 0.7, zero_every);
    const auto cost = support::squared_costs(x, y);
    double mean_cost = 0;
    for (std::size_t i = 0; i < x.n; ++i)
      for (std::size_t j = 0; j < y.n; ++j)
        mean_cost += x.weights[i] * y.weights[j] * static_cast<double>(cost[i * y.n + j]);
    const auto source = to_cloud<Real>(x), target = to_cloud<Real>(y);
    const Brownian reference = brownian_with_epsilon(relative_epsilon * mean_cost);
    // weights as the library has them: float clouds round log-weights
    const auto a = to_host(source.log_weights()), b = to_host(target.log_weights());
    std::vector<long double> wa(x.n), wb(y.n);
    for (std::size_t i = 0; i < x.n; ++i) wa[i] = std::exp(static_cast<long double>(a[i]));
    for (std::size_t j = 0; j < y.n; ++j) wb[j] = std::exp(static_cast<long double>(b[j]));
    const auto truth = naive::sinkhorn(cost, wa, wb, reference.epsilon(), 1e-16L);
    const auto [coupling, report] = Sinkhorn<Real>({.tolerance = tolerance, .finish_in_double = false})
                                        .solve(exec(), Problem{source, target, reference});
    BOOST_TEST(to_string(report.status) == "converged");
    BOOST_TEST(report.marginal_error <= tolerance);
    BOOST_TEST(distance(to_host(coupling.source_potential()), truth.f, x.weights) <= bound * mean_cost);
    BOOST_TEST(distance(to_host(coupling.target_potential()), truth.g, y.weights) <= bound * mean_cost);
    const auto plan = coupling.dense_plan(exec());
    double plan_error = 0;
    for (std::size_t i = 0; i < x.n; ++i)
      for (std::size_t j = 0; j < y.n; ++j)
        plan_error += std::abs(plan(i, j) - static_cast<double>(truth.plan[i * y.n + j]));
    BOOST_TEST(plan_error <= 10 * bound / relative_epsilon * 0.1 + bound);
    BOOST_TEST(std::abs(*report.transport_cost - static_cast<double>(truth.transport_cost)) <=
               10 * bound * mean_cost);
    BOOST_TEST(std::abs(*report.entropic_cost - static_cast<double>(truth.entropic_cost)) <=
               10 * bound * mean_cost);
    BOOST_TEST(std::abs(*report.dual_value - static_cast<double>(truth.dual_value)) <=
               10 * bound * mean_cost);
  }
}

}  // namespace

// Double on awkward sizes against long double. The marginal error is driven to 3e-14, near rounding; the
// slowest mode amplifies it by 1 / (1 - rate) < 30 here: 1e-12.
BOOST_AUTO_TEST_CASE(double_agrees_with_the_naive_solver) {
  for (const Shape shape : {Shape{1, 1, 1}, Shape{1, 7, 2}, Shape{7, 33, 3}, Shape{33, 1, 5},
                            Shape{33, 43, 1}, Shape{43, 33, 16}, Shape{97, 43, 2}, Shape{31, 65, 70}})
    for (const double epsilon : {0.05, 0.5, 10.0}) compare_with_naive<double>(shape, epsilon, 3e-14, 1e-12);
}

BOOST_AUTO_TEST_CASE(zero_weights_agree_with_the_naive_solver) {
  for (const Shape shape : {Shape{7, 33, 3}, Shape{33, 43, 1}, Shape{43, 33, 16}})
    compare_with_naive<double>(shape, 0.2, 3e-14, 1e-12, 3);
}

// Float: log e_ij carries an error of 2^-24 (largest cost) / epsilon, about 6e-8 * 10 / 0.2 = 3e-6 here;
// the slowest mode amplifies the marginal error of 1e-5 by 1 / (1 - rate) < 10.
BOOST_AUTO_TEST_CASE(float_agrees_with_the_naive_solver) {
  for (const Shape shape : {Shape{1, 7, 2}, Shape{7, 33, 3}, Shape{43, 33, 16}, Shape{97, 43, 2}})
    for (const double epsilon : {0.2, 1.0}) compare_with_naive<float>(shape, epsilon, 1e-5, 1e-4);
}

// P11 = 1 / (2 (1 + exp(-c / epsilon))) for a = b = (1/2, 1/2) and costs {{0, c}, {c, 0}}.
BOOST_AUTO_TEST_CASE(two_by_two_closed_form) {
  for (const double distance : {0.1, 1.0, 3.0}) {
    const HostCloud x{2, 1, {0, distance}, {0.5, 0.5}};
    const double c = distance * distance / 2;
    const auto [coupling, report] =
        Sinkhorn<double>({.tolerance = 1e-15})
            .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(x), Brownian{}});
    const auto plan = coupling.dense_plan(exec());
    BOOST_TEST(std::abs(plan(0, 0) - 1 / (2 * (1 + std::exp(-c)))) <= 1e-14);
    BOOST_TEST(std::abs(plan(0, 1) - 1 / (2 * (1 + std::exp(c)))) <= 1e-14);
  }
}

// A stored matrix, a functor and the streaming kernel are three implementations of one problem: they share
// the fixed point to its conditioning (1e-12, as above).
struct HalfSquare {
  template <class X, class Y>
  KOKKOS_FUNCTION double operator()(const X& x, const Y& y) const {
    double sum = 0;
    for (int k = 0; k < x.dimension(); ++k) sum += (x[k] - y[k]) * (x[k] - y[k]);
    return sum / 2;
  }
};
BOOST_AUTO_TEST_CASE(three_geometries_agree) {
  const HostCloud x = random_cloud(43, 3, 1), y = random_cloud(57, 3, 2, 0.5);
  const auto cost = support::squared_costs(x, y);
  Kokkos::View<double**, Kokkos::LayoutRight, DefaultMemory> values("fortet::test::cost", x.n, y.n);
  auto host = Kokkos::create_mirror_view(values);
  for (std::size_t i = 0; i < x.n; ++i)
    for (std::size_t j = 0; j < y.n; ++j) host(i, j) = static_cast<double>(cost[i * y.n + j]);
  Kokkos::deep_copy(values, host);
  const auto source = to_cloud<double>(x), target = to_cloud<double>(y);
  const Sinkhorn<double> solver({.tolerance = 1e-14});
  const auto streaming = solver.solve(exec(), Problem{source, target, Brownian{.sigma = 0.5}});
  const auto stored =
      solver.solve(exec(), Problem{source, target, GibbsCost{CostMatrix<double>{values}, 0.25}});
  const auto functor = solver.solve(exec(), Problem{source, target, GibbsCost{HalfSquare{}, 0.25}});
  const auto expected = support::widen(to_host(streaming.coupling.source_potential()));
  BOOST_TEST(distance(to_host(stored.coupling.source_potential()), expected, x.weights) <= 1e-12);
  BOOST_TEST(distance(to_host(functor.coupling.source_potential()), expected, x.weights) <= 1e-12);
  // without points: atoms are indices, the plan is the same
  const auto indexed = solver.solve(
      exec(), Problem{index_cloud<double>(vector_from_host<double>(std::span<const double>(x.weights))),
                      index_cloud<double>(vector_from_host<double>(std::span<const double>(y.weights))),
                      GibbsCost{CostMatrix<double>{values}, 0.25}});
  BOOST_TEST(distance(to_host(indexed.coupling.source_potential()), expected, x.weights) <= 1e-12);
}

// Ornstein-Uhlenbeck is the Brownian problem of the pushed-forward source: solve that by hand.
BOOST_AUTO_TEST_CASE(ornstein_uhlenbeck_is_a_change_of_variables) {
  const HostCloud x = random_cloud(33, 2, 1), y = random_cloud(43, 2, 2, 0.5);
  const OrnsteinUhlenbeck reference{.rate = 0.7, .mean = {0.3, -0.2}, .sigma = 0.8, .horizon = 1.3};
  HostCloud pushed = x;
  const double alpha = std::exp(-0.7 * 1.3);
  for (std::size_t i = 0; i < x.n; ++i)
    for (std::size_t k = 0; k < 2; ++k)
      pushed.points[2 * i + k] = alpha * x.points[2 * i + k] + (1 - alpha) * reference.mean[k];
  const double epsilon = 0.8 * 0.8 * (1 - std::exp(-2 * 0.7 * 1.3)) / 1.4;
  const auto truth = naive::sinkhorn(support::squared_costs(pushed, y), support::widen(x.weights),
                                     support::widen(y.weights), epsilon, 1e-16L);
  const auto [coupling, report] =
      Sinkhorn<double>({.tolerance = 1e-14})
          .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), reference});
  BOOST_TEST(distance(to_host(coupling.source_potential()), truth.f, x.weights) <= 1e-12);
  BOOST_TEST(std::abs(report.epsilon - epsilon) < 1e-14);  // rounding of two formulas
}

// Bitwise equality across thread counts is checked by tests/contracts; here the same run is repeated.
BOOST_AUTO_TEST_CASE(runs_repeat_bitwise) {
  const Problem problem{to_cloud<double>(random_cloud(597, 3, 1)), to_cloud<double>(random_cloud(43, 3, 2)),
                        Brownian{}};
  const auto first = Sinkhorn<double>().solve(exec(), problem),
             second = Sinkhorn<double>().solve(exec(), problem);
  const auto a = to_host(first.coupling.source_potential()), b = to_host(second.coupling.source_potential());
  BOOST_TEST(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

BOOST_AUTO_TEST_CASE(rounded_plan_brackets_the_optimum) {
  const HostCloud x = random_cloud(43, 2, 1), y = random_cloud(33, 2, 2, 0.5);
  const auto truth = naive::sinkhorn(support::squared_costs(x, y), support::widen(x.weights),
                                     support::widen(y.weights), 0.09L, 1e-16L);
  const auto solution =
      Sinkhorn<double>({.tolerance = 1e-3, .certify = true})
          .solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), Brownian{.sigma = 0.3}});
  const Report& report = solution.report;
  // a feasible plan costs at least the optimum, a dual value at most; 1e-12 is rounding
  BOOST_TEST(*report.entropic_cost >= static_cast<double>(truth.entropic_cost) - 1e-12);
  BOOST_TEST(*report.dual_value <= static_cast<double>(truth.entropic_cost) + 1e-12);
  BOOST_TEST(*report.duality_gap >= 0);
  BOOST_TEST(*report.duality_gap < 1e-2);
}

BOOST_AUTO_TEST_CASE(warm_start_needs_no_iterations) {
  const Problem problem{to_cloud<double>(random_cloud(97, 3, 1)), to_cloud<double>(random_cloud(43, 3, 2)),
                        Brownian{.sigma = 0.4}};
  const Sinkhorn<double> solver({.tolerance = 1e-9});
  const auto cold = solver.solve(exec(), problem);
  const auto warm = solver.solve(exec(), problem, cold.coupling.target_potential());
  BOOST_TEST(cold.report.iterations > 5);
  BOOST_TEST(warm.report.iterations <= 2);
}

BOOST_AUTO_TEST_CASE(degenerate_inputs_have_right_answers) {
  const Sinkhorn<double> solver({.tolerance = 1e-12});
  // one point each: the plan is the product
  const auto single = solver.solve(exec(), Problem{to_cloud<double>({1, 2, {0, 0}, {1}}),
                                                   to_cloud<double>({1, 2, {3, 4}, {1}}), Brownian{}});
  BOOST_TEST(single.report.converged());
  BOOST_TEST(std::abs(*single.report.transport_cost - 12.5) < 1e-12);
  // all points identical: cost zero
  const HostCloud same{4, 2, {1, 1, 1, 1, 1, 1, 1, 1}, {0.25, 0.25, 0.25, 0.25}};
  const auto identical =
      solver.solve(exec(), Problem{to_cloud<double>(same), to_cloud<double>(same), Brownian{}});
  BOOST_TEST(identical.report.converged());
  BOOST_TEST(std::abs(*identical.report.entropic_cost) < 1e-12);
  // far from the origin: translation by 1e8 costs the digits of the points (1e-8 of their spread), not more
  HostCloud x = random_cloud(33, 2, 1), y = random_cloud(43, 2, 2, 0.5);
  const auto near = solver.solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), Brownian{}});
  for (double& value : x.points) value += 1e8;
  for (double& value : y.points) value += 1e8;
  const auto far = solver.solve(exec(), Problem{to_cloud<double>(x), to_cloud<double>(y), Brownian{}});
  BOOST_TEST(far.report.converged());
  BOOST_TEST(std::abs(*far.report.transport_cost - *near.report.transport_cost) < 1e-6);
}

BOOST_AUTO_TEST_CASE(statuses_are_honest) {
  const Problem problem{to_cloud<double>(random_cloud(97, 2, 1)), to_cloud<double>(random_cloud(83, 2, 2)),
                        Brownian{.sigma = 0.05}};
  const auto limited = Sinkhorn<double>({.tolerance = 1e-12, .max_iterations = 5}).solve(exec(), problem);
  BOOST_TEST(to_string(limited.report.status) == "iteration_limit");
  BOOST_TEST(limited.report.marginal_error > 1e-12);
  const auto cancelled =
      Sinkhorn<double>(
          {.check_every = 1,
           .observer = [](const Progress& p) { return p.iteration >= 3 ? Continue::no : Continue::yes; }})
          .solve(exec(), problem);
  BOOST_TEST(to_string(cancelled.report.status) == "cancelled");
  const Problem single{to_cloud<float>(random_cloud(97, 2, 1)), to_cloud<float>(random_cloud(83, 2, 2)),
                       Brownian{.sigma = 0.3}};
  const auto floored = Sinkhorn<float>({.tolerance = 1e-10, .finish_in_double = false}).solve(exec(), single);
  BOOST_TEST(to_string(floored.report.status) == "precision_limit");
  const auto finished = Sinkhorn<float>({.tolerance = 1e-10}).solve(exec(), single);
  BOOST_TEST(finished.report.converged());
  BOOST_TEST(finished.report.precision == "float, finished in double");
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const auto x = to_cloud<double>(random_cloud(7, 2, 1)), y = to_cloud<double>(random_cloud(9, 3, 2));
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const InvalidArgument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  const auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  BOOST_TEST(contains(message([&] {
                        Sinkhorn<double>().solve(exec(), Problem{x, y, Brownian{}});
                      }),
                      "target dimension = 3"));
  BOOST_TEST(contains(message([&] {
                        Sinkhorn<double>().solve(exec(), Problem{x, x, Brownian{.sigma = -1}});
                      }),
                      "sigma = -1"));
  BOOST_TEST(contains(message([&] {
                        Sinkhorn<double>().solve(exec(), Problem{x, x, Brownian{.horizon = NAN}});
                      }),
                      "horizon"));
  BOOST_TEST(contains(message([&] { Sinkhorn<double>({.tolerance = 0}); }), "tolerance = 0"));
  const PointCloud<double> heavy(
      points_from_host<double>(std::vector<double>{0, 1}.data(), 2, 1, 1, 1),
      vector_from_host<double>(std::span<const double>(std::vector<double>{1, 1})));
  const PointCloud<double> light(points_from_host<double>(std::vector<double>{0, 1}.data(), 2, 1, 1, 1));
  BOOST_TEST(contains(message([&] {
                        Sinkhorn<double>().solve(exec(), Problem{heavy, light, Brownian{}});
                      }),
                      "equal masses"));
  const auto solution = Sinkhorn<double>().solve(exec(), Problem{x, x, Brownian{}});
  BOOST_TEST(contains(message([&] { solution.coupling.dense_plan(exec(), 100); }), "7 x 7 entries need"));
  BOOST_TEST(contains(message([&] { solution.coupling.plan_rows(exec(), 5, 3); }), "first + count = 8"));
}
