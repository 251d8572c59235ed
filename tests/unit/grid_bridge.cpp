#include "fortet/coupling/grid_bridge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/reference/brownian.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"
#include "fortet/solver/grid_ipf.hpp"

using namespace fortet;
static_assert(Bridge<GridBridge<Brownian>> && Bridge<GridBridge<OrnsteinUhlenbeck>>);

namespace {

constexpr double m0 = -0.7, s0 = 0.8, m1 = 0.9, s1 = 1.3;

GridMeasure normal(const GridAxis& axis, double mean, double variance) {
  return grid_measure(RegularGrid{axis}, [=](std::span<const double> x) {
    return -0.5 * (x[0] - mean) * (x[0] - mean) / variance;
  });
}
template <class Ref>
auto solved(const GridAxis& from, const GridAxis& to, const Ref& reference) {
  const DefaultExec exec;
  const Problem problem{normal(from, m0, s0), normal(to, m1, s1), reference};
  return bridge(exec, GridIpf<double>({.tolerance = 1e-13}).solve(exec, problem).coupling);
}
Points<double> points(const std::vector<double>& values) {
  return points_from_host<double>(std::span<const double>(values), values.size(), 1);
}
const std::vector<double> places{-2.1, -0.7, 0.0, 0.3333, 1.7, 2.9};

/// Largest error of a drift at `places` against slope (x - centre) + value.
template <class Drift>
double drift_error(const Drift& drift, double slope, double centre, double value) {
  Points<double> out("out", places.size(), 1);
  drift(points(places), out);
  const auto got = to_host(out);
  double worst = 0;
  for (std::size_t i = 0; i < places.size(); ++i)
    worst = std::max(worst, std::abs(got[i] - value - slope * (places[i] - centre)));
  return worst;
}

}  // namespace

// Conventions, section 2.6: marginals and the three drifts at several times.
BOOST_AUTO_TEST_CASE(brownian_bridge_of_gaussians) {
  const DefaultExec exec;
  const double eps = 0.6, T = 1.5;
  const auto b = solved({-11, 11, 400}, {-11, 11, 400}, brownian_with_epsilon(eps, T));
  const double D = std::sqrt(4 * s0 * s1 + eps * eps), K = (D - eps) / (2 * s0), K1 = K * s0 / s1, C = s0 * K;
  BOOST_TEST(std::abs(b.mass_lost()) < 1e-12);
  for (const double t : {0.0, 0.0005, 0.1, 0.5, 0.9, 0.999, 1.0}) {
    const double m = (1 - t) * m0 + t * m1;
    const double V = (1 - t) * (1 - t) * s0 + t * t * s1 + t * (1 - t) * (2 * C + eps);
    const double forward = (K - 1) / ((1 - t) + t * K), backward = (K1 - 1) / (t + (1 - t) * K1);
    BOOST_TEST_CONTEXT("t / T = " << t) {
      // log phi is quadratic, so the quintic is exact, and so are the ends; within h^2 of them the logarithm
      // is interpolated in the variance: .064 h^6 times its third derivative, x^2 / S^4 of a few hundred
      const double h = 22.0 / 400, eps_left = eps * std::min(t, 1 - t);
      const bool between = eps_left > 0 && eps_left < h * h;
      const double tolerance = between ? 30 * std::pow(h, 6) : 1e-8;
      const auto p = b.marginal(exec, t * T);
      BOOST_TEST(std::abs(p.mass() - 1) < (between ? tolerance : 1e-12));
      BOOST_TEST(std::abs(p.mean(exec)[0] - m) < (between ? tolerance : 1e-12));
      BOOST_TEST(std::abs(p.covariance(exec)(0, 0) - V) < (between ? tolerance : 1e-12));
      BOOST_TEST(drift_error([&](auto x, auto out) { b.forward_drift(exec, t * T, x, out); }, forward / T, m,
                             (m1 - m0) / T) < tolerance);
      BOOST_TEST(drift_error([&](auto x, auto out) { b.backward_drift(exec, t * T, x, out); }, backward / T,
                             m, (m0 - m1) / T) < tolerance);
      BOOST_TEST(drift_error([&](auto x, auto out) { b.probability_flow_drift(exec, t * T, x, out); },
                             (forward - backward) / (2 * T), m, (m1 - m0) / T) < tolerance);
    }
  }
  // section 2.5
  const double delta = m0 - m1;
  const double kl = 0.5 * (K - 1 - std::log(K) + (delta * delta + (K - 1) * (K - 1) * s0) / eps);
  BOOST_TEST(std::abs(b.kl_to_reference(exec) - kl) < 1e-11);
}

// Section 3, on grids of different boxes and spacings.
BOOST_AUTO_TEST_CASE(ornstein_uhlenbeck_bridge_of_gaussians) {
  const DefaultExec exec;
  const double rate = 0.7, centre = 0.5, sigma = 0.9, T = 1.5;
  const auto b = solved({-10, 9, 300}, {-9, 10, 360},
                        OrnsteinUhlenbeck{.rate = rate, .mean = {centre}, .sigma = sigma, .horizon = T});
  const double alpha = std::exp(-rate * T), variance = sigma * sigma * (1 - alpha * alpha) / (2 * rate);
  const double pushed = alpha * alpha * s0, D = std::sqrt(4 * pushed * s1 + variance * variance);
  const double K = (D - variance) / (2 * pushed), C = alpha * s0 * K;
  for (const double t : {0.0, 0.001, 0.2, 0.8, 1.3, T}) {
    const double a = std::sinh(rate * (T - t)) / std::sinh(rate * T),
                 c = std::sinh(rate * t) / std::sinh(rate * T);
    const double gamma =
        sigma * sigma / rate * std::sinh(rate * t) * std::sinh(rate * (T - t)) / std::sinh(rate * T);
    const double V = a * a * s0 + c * c * s1 + 2 * a * c * C + gamma,
                 m = a * m0 + c * m1 + (1 - a - c) * centre;
    const auto p = b.marginal(exec, t);
    // within h^2 of the end as above, h = 1/18
    const double tolerance = t == 0.001 ? 30 * std::pow(18.0, -6) : 1e-11;
    BOOST_TEST(std::abs(p.mean(exec)[0] - m) < tolerance);
    BOOST_TEST(std::abs(p.covariance(exec)(0, 0) - V) < tolerance);
    // the drift's slope; its value at the mean is the speed of the mean, d m_t / dt
    const double P = (1 / K - 1) / variance,
                 left = sigma * sigma * (1 - std::exp(-2 * rate * (T - t))) / (2 * rate);
    const double slope = -rate - sigma * sigma * std::exp(-2 * rate * (T - t)) * P / (1 + left * P);
    const double da = -rate * std::cosh(rate * (T - t)) / std::sinh(rate * T),
                 dc = rate * std::cosh(rate * t) / std::sinh(rate * T);
    const double speed = da * m0 + dc * m1 - (da + dc) * centre;
    BOOST_TEST(drift_error([&](auto x, auto out) { b.forward_drift(exec, t, x, out); }, slope, m, speed) <
               1e-8);
  }
  // draws: five standard errors
  const std::size_t n = 20000;
  Points<double> x("x", n, 1);
  b.sample_marginal(exec, {.seed = 4}, 0.8, x);
  const auto values = to_host(x);
  const auto p = b.marginal(exec, 0.8);
  double mean = 0, square = 0;
  for (double v : values) mean += v / n;
  for (double v : values) square += (v - mean) * (v - mean) / n;
  const double V = p.covariance(exec)(0, 0);
  BOOST_TEST(std::abs(mean - p.mean(exec)[0]) < 5 * std::sqrt(V / n));
  BOOST_TEST(std::abs(square - V) < 5 * V * std::sqrt(2.0 / n));
}

// A drift that is no polynomial: between two mixtures, against a run on a grid twice as fine, at points that
// are nodes of neither: fifth order, so a factor of about 32.
BOOST_AUTO_TEST_CASE(order_of_the_drift_between_the_nodes) {
  const DefaultExec exec;
  const auto drift = [&](int nodes) {
    const GridAxis axis{-7, 7, nodes};
    const auto two = [&](double gap) {
      return grid_measure(RegularGrid{axis}, [=](std::span<const double> x) {
        return std::log(std::exp(-3 * (x[0] - gap) * (x[0] - gap)) +
                        std::exp(-2 * (x[0] + gap) * (x[0] + gap)));
      });
    };
    const Problem problem{two(0.5), two(1.5), brownian_with_epsilon(0.8)};
    const auto b = bridge(exec, GridIpf<double>({.tolerance = 1e-13}).solve(exec, problem).coupling);
    Points<double> out("out", places.size(), 1);
    b.forward_drift(exec, 0.6, points(places), out);
    return to_host(out);
  };
  const auto coarse = drift(70), middle = drift(140), fine = drift(560);
  double first = 0, second = 0;
  for (std::size_t i = 0; i < fine.size(); ++i) {
    first = std::max(first, std::abs(coarse[i] - fine[i]));
    second = std::max(second, std::abs(middle[i] - fine[i]));
  }
  BOOST_TEST(std::log2(first / second) > 4.0);
  BOOST_TEST(second < 1e-3);
}

BOOST_AUTO_TEST_CASE(between_walls_mass_is_conserved_and_in_free_space_its_loss_is_refused) {
  const DefaultExec exec;
  const RegularGrid box{{0, 1, 64}, {0, 1, 60}};
  const auto corner = [&](double a, double b) {
    return grid_measure(box, [=](std::span<const double> x) {
      return -9 * ((x[0] - a) * (x[0] - a) + (x[1] - b) * (x[1] - b));
    });
  };
  const Problem problem{corner(0.1, 0.2), corner(0.9, 0.7), brownian_with_epsilon(0.3)};
  const GridIpf<double> walls({.tolerance = 1e-13, .boundary = {Boundary::reflecting, Boundary::periodic}});
  const auto b = bridge(exec, walls.solve(exec, problem).coupling);
  for (const double t : {0.2, 0.5, 0.7}) BOOST_TEST(std::abs(b.marginal(exec, t).mass() - 1) < 1e-11);
  BOOST_CHECK_THROW(bridge(exec, GridIpf<double>().solve(exec, problem).coupling), InvalidArgument);
  BOOST_CHECK_THROW(b.marginal(exec, 1.1), InvalidArgument);
}
