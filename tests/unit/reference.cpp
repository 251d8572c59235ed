// References: epsilon keeps the user's digits, and other libraries' parameters become epsilon.
#include "fortet/reference/brownian.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "fortet/solver/sinkhorn.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;

BOOST_AUTO_TEST_CASE(the_given_epsilon_comes_back_to_the_last_digit) {
  for (const double horizon : {1.0, 0.3, 7.0})
    for (int k = 1; k < 2000; ++k) {
      const double epsilon = std::exp(0.037 * (k - 1000));
      const Brownian reference = brownian_with_epsilon(epsilon, horizon);
      BOOST_TEST(reference.epsilon() == epsilon);
      BOOST_TEST(reference.variance(0, horizon) == epsilon);
    }
  Brownian changed = brownian_with_epsilon(0.1, 2);
  changed.sigma = 3;
  BOOST_TEST(changed.epsilon() == 18.0);
  BOOST_TEST((Brownian{.sigma = 2, .horizon = 3}.epsilon()) == 12.0);
  BOOST_TEST(contains(message([] { brownian_with_epsilon(0); }), "epsilon"));
  BOOST_TEST(contains(message([] { brownian_with_epsilon(std::nan("")); }), "epsilon"));
}

BOOST_AUTO_TEST_CASE(reports_print_the_given_epsilon_in_aligned_columns) {
  const PointCloud<double> atoms(points({0, 1, 2}, 1));
  const auto report =
      Sinkhorn<double>().solve(exec(), Problem{atoms, atoms, brownian_with_epsilon(0.1)}).report;
  BOOST_TEST(report.epsilon == 0.1);
  std::ostringstream text;
  text << report;
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line);) {
    BOOST_TEST(line.size() >= 40);
    // name to column 18, value to column 38, two spaces, remark
    BOOST_TEST(line.substr(38, 2) == "  ", line);
    BOOST_TEST((line[37] != ' ' || line.size() > 40), line);
  }
}

// Each library's objective, written as it is documented, has the plan of our epsilon. On two atoms at
// distance s with equal weights, min <C, P> + regularisation has P_01 = 1 / (2 (1 + exp(C_01 / r))) for r sum
// P (log P - 1), C_01 = s^2 (POT, ot.sinkhorn(a, b, M = s^2, reg)), and the same with C_01 = s^2 / 2 and r =
// blur^2 (GeomLoss, SamplesLoss("sinkhorn", p = 2, blur), whose cost is |x - y|^p / p).
BOOST_AUTO_TEST_CASE(parameters_of_other_libraries) {
  const double s = 1.3;
  const PointCloud<double> atoms(points({0, s}, 1));
  const auto off_diagonal = [&](double epsilon) {
    const auto solution = Sinkhorn<double>({.tolerance = 1e-14})
                              .solve(exec(), Problem{atoms, atoms, brownian_with_epsilon(epsilon)});
    const auto plan =
        Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, solution.coupling.dense_plan(exec()));
    return plan(0, 1);
  };
  for (const double reg : {0.4, 1.0, 5.0})
    BOOST_TEST(std::abs(off_diagonal(epsilon_from_squared_cost_regularisation(reg)) -
                        1 / (2 * (1 + std::exp(s * s / reg)))) < 1e-14);
  for (const double blur : {0.5, 1.0, 2.0})
    BOOST_TEST(std::abs(off_diagonal(epsilon_from_blur(blur)) -
                        1 / (2 * (1 + std::exp(s * s / 2 / (blur * blur))))) < 1e-14);
  BOOST_TEST(squared_cost_regularisation_from_epsilon(epsilon_from_squared_cost_regularisation(0.7)) == 0.7);
  BOOST_TEST(std::abs(blur_from_epsilon(epsilon_from_blur(0.7)) - 0.7) < 1e-15);
}

// Numbers that a dense iteration in Python printed (numpy, K = exp(-M / reg), u = a / (K v), v = b / (K^T u)
// until nothing changed, M the squared distances), to 12 digits.
BOOST_AUTO_TEST_CASE(a_plan_that_python_made) {
  const PointCloud<double> x(points({0, 1, 3}, 1), test::vector({0.2, 0.5, 0.3}));
  const PointCloud<double> y(points({0.5, 2.5}, 1), test::vector({0.6, 0.4}));
  const auto coupling =
      Sinkhorn<double>({.tolerance = 1e-14})
          .solve(exec(), Problem{x, y, brownian_with_epsilon(epsilon_from_squared_cost_regularisation(2))})
          .coupling;
  const auto plan = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, coupling.dense_plan(exec()));
  const double expected[3][2] = {{0.19258577912129, 0.00741422087871},
                                 {0.38926684298537, 0.11073315701463},
                                 {0.01814737789334, 0.28185262210666}};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j) BOOST_TEST(std::abs(plan(i, j) - expected[i][j]) < 1e-12);
}
