// Mixed-precision refinement of Sinkhorn: a kernel with rough entries, calibrated by an exact one.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/impl/stored_kernel.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "solver/certificate.hpp"
#include "solver/sinkhorn_state.hpp"
#include "support/naive_sinkhorn.hpp"
#include "support/problems.hpp"

using namespace fortet;

namespace {

using State = impl::SinkhornState<DefaultExec>;

double largest_difference(const State::Vec& a, const State::Vec& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.extent(0); ++i) largest = std::max(largest, std::abs(a(i) - b(i)));
  return largest;
}

}  // namespace

// Entries in half precision are off by up to 2^-11 = 4.9e-4, and so are the marginals found with them.
// Calibrated, they are exact to rounding in float where that was done (sums of 130 terms: 1e-6), and a plan
// whose entries differ by 2e-3 from that one is seen to 4.9e-4 of 2e-3: twice for rows, and for columns 1 +
// omega < 3 times that.
BOOST_AUTO_TEST_CASE(what_a_calibrated_kernel_finds_is_exact_to_the_second_order) {
  const DefaultExec exec;
  const auto source = support::to_cloud<double>(support::random_cloud(130, 3, 3)),
             target = support::to_cloud<double>(support::random_cloud(70, 3, 4, 0.3));
  const double epsilon = 0.2;
  const State::Kernel exact = impl::make_kernel(exec, source, target, brownian_with_epsilon(epsilon));
  State state(exec, exact), truth(exec, exact);
  for (int k = 0; k < 50; ++k) {  // far enough for steps of 1e-3
    state.measure(impl::Side::source, true);
    state.update(impl::Side::source, 1.0);
    state.measure(impl::Side::target, true);
    state.update(impl::Side::target, 1.0);
  }
  state.kernel = impl::make_stored<DefaultExec>(exec, exact, 1e-3, state.f, state.g, true, nullptr);
  const auto off = [&](double omega) {
    Kokkos::deep_copy(truth.f, state.f);
    Kokkos::deep_copy(truth.g, state.g);
    truth.measure_both(omega);
    state.measure_both(omega);
    return std::max(largest_difference(state.source_log_ratio, truth.source_log_ratio),
                    largest_difference(state.target_log_ratio, truth.target_log_ratio));
  };
  const double before = off(0.0);
  BOOST_TEST(before > 1e-5);  // what there is to correct
  BOOST_TEST(before < 5e-4);

  impl::error_by(state, exact);
  state.calibrate();
  BOOST_TEST(state.is_calibrated());
  BOOST_TEST(off(0.0) < 1e-6);
  for (std::size_t i = 0; i < state.f.extent(0); ++i)
    state.f(i) += 1e-3 * epsilon * std::sin(static_cast<double>(i));
  for (std::size_t j = 0; j < state.g.extent(0); ++j)
    state.g(j) += 1e-3 * epsilon * std::cos(static_cast<double>(j));
  for (const double omega : {0.0, 1.0, 1.8}) BOOST_TEST(off(omega) < 1e-6 + 6 * 4.9e-4 * 2e-3);

  state.kernel = exact;  // corrections are for the kernel that they were found with
  BOOST_TEST(!state.is_calibrated());
  BOOST_TEST(off(1.0) < 1e-12);
}

// Whole solves with stored entries, which begin in half precision, to tolerances on both sides of what float
// can reach: the potentials of the naive solver in long double. Bound: errors of 1e-6 and 1e-10 in the
// marginals move potentials by at most that / (1 - rate) epsilon, the rate being below 0.98.
BOOST_AUTO_TEST_CASE(solves_that_begin_in_half_precision_end_exact) {
  const DefaultExec exec;
  const auto x = support::random_cloud(97, 2, 1), y = support::random_cloud(143, 2, 2, 0.5);
  const double epsilon = 0.1;
  const auto truth = naive::sinkhorn(support::squared_costs(x, y), support::widen(x.weights),
                                     support::widen(y.weights), static_cast<long double>(epsilon), 1e-16L);
  const Problem problem{support::to_cloud<double>(x), support::to_cloud<double>(y),
                        brownian_with_epsilon(epsilon)};
  for (const double tolerance : {1e-6, 1e-10}) {
    const auto [coupling, report] =
        Sinkhorn<double>({.tolerance = tolerance, .entries = KernelEntries::stored}).solve(exec, problem);
    BOOST_TEST(report.converged());
    BOOST_TEST(report.marginal_error <= tolerance);
    const auto g = to_host(coupling.target_potential());
    double low = INFINITY, high = -INFINITY;  // potentials are known up to a constant
    for (std::size_t j = 0; j < g.size(); ++j) {
      const double difference = g[j] - static_cast<double>(truth.g[j]);
      low = std::min(low, difference);
      high = std::max(high, difference);
    }
    BOOST_TEST(high - low <= 100 * tolerance * epsilon);
    BOOST_TEST((report.kernel.find("half") != std::string::npos) == (tolerance == 1e-6));
  }
}
