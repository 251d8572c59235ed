#include "fortet/coupling/gaussian_bridge.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/measure/draw.hpp"
#include "support/host.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {
template <class B>
constexpr bool static_models =
    ConditionalCoupling<B>&& BarycentricCoupling<B>&& DensityCoupling<B>&& PotentialCoupling<B>;
static_assert(static_models<GaussianBridge<Brownian>> && Bridge<GaussianBridge<Brownian>>);
static_assert(static_models<GaussianBridge<OrnsteinUhlenbeck>> && Bridge<GaussianBridge<OrnsteinUhlenbeck>>);
static_assert(static_models<GaussianBridge<LinearSde>> && !Bridge<GaussianBridge<LinearSde>>);

// A LinearSde that turns, stretches and has a drift offset; d x d noise.
LinearSde spiral(std::size_t d, double horizon = 0.8) {
  LinearSde sde{.drift = combine(-0.4, random_covariance(d, 31), 0.0, Matrix(d, d)),
                .offset = random_vector(d, 32),
                .noise = random_covariance(d, 33, 0.5),
                .horizon = horizon};
  for (std::size_t i = 0; i + 1 < d; ++i) {
    sde.drift(i, i + 1) += 1.0;
    sde.drift(i + 1, i) -= 1.0;
  }
  return sde;
}

// Calls check(bridge) for every kind of reference, in d dimensions.
template <class Check>
void for_each_reference(std::size_t d, Check check) {
  const Gaussian mu(random_vector(d, 1), random_covariance(d, 2)),
      nu(random_vector(d, 3), random_covariance(d, 4));
  check(gaussian_bridge(Problem{mu, nu, Brownian{.sigma = 0.9, .horizon = 1.7}}));
  check(gaussian_bridge(Problem{
      mu, nu, OrnsteinUhlenbeck{.rate = 0.8, .mean = random_vector(d, 5), .sigma = 1.3, .horizon = 1.7}}));
  check(gaussian_bridge(Problem{mu, nu, spiral(d)}));
}

Matrix noise_of(const Brownian& r, std::size_t d) { return isotropic(d, r.sigma * r.sigma); }
Matrix noise_of(const OrnsteinUhlenbeck& r, std::size_t d) { return isotropic(d, r.sigma * r.sigma); }
Matrix noise_of(const LinearSde& r, std::size_t) { return r.noise * transpose(r.noise); }

// rounding of a few dozen operations on matrices of condition number up to a few hundred
constexpr double tight = 1e-11;

Matrix block(const Matrix& a, std::size_t i, std::size_t j, std::size_t d) {
  Matrix out(d, d);
  for (std::size_t k = 0; k < d; ++k)
    for (std::size_t l = 0; l < d; ++l) out(k, l) = a(i * d + k, j * d + l);
  return out;
}
Matrix joint(const Matrix& s0, const Matrix& c, const Matrix& s1) {
  const std::size_t d = s0.rows();
  Matrix out(2 * d, 2 * d);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j) {
      out(i, j) = s0(i, j);
      out(i, d + j) = c(i, j);
      out(d + j, i) = c(i, j);
      out(d + i, d + j) = s1(i, j);
    }
  return out;
}

}  // namespace

// The (0,1) block of the inverse joint covariance is that of the reference: nothing else can be the bridge.
BOOST_AUTO_TEST_CASE(precision_certificate) {
  for_each_reference(5, [](const auto& bridge) {
    const GaussianPlan plan = bridge.plan();
    const Matrix precision =
        inverse(joint(bridge.source().covariance(), plan.cross_covariance, bridge.target().covariance()));
    BOOST_TEST(difference(combine(-plan.epsilon, block(precision, 0, 1, 5), 0, plan.coupling),
                          plan.coupling) < tight);
  });
}

BOOST_AUTO_TEST_CASE(forward_and_backward_conditionals_are_of_one_joint_law) {
  for_each_reference(5, [](const auto& bridge) {
    const GaussianPlan plan = bridge.plan();
    const Matrix &s0 = bridge.source().covariance(), &s1 = bridge.target().covariance(),
                 &k = plan.forward_map.slope, &back = plan.backward_map.slope;
    BOOST_TEST(difference(s0 * transpose(k), plan.cross_covariance) < tight);
    BOOST_TEST(difference(back * s1, plan.cross_covariance) < tight);
    BOOST_TEST(difference(k * s0 * transpose(k) + plan.forward_covariance, s1) < tight);  // Riccati
    BOOST_TEST(difference(back * s1 * transpose(back) + plan.backward_covariance, s0) < tight);
  });
}

BOOST_AUTO_TEST_CASE(two_time_covariance_is_markov) {
  for_each_reference(4, [](const auto& bridge) {
    const double h = bridge.reference().horizon;
    for (const double s : {0.0, 0.3 * h, 0.6 * h})
      for (const double t : {0.61 * h, 0.9 * h, h}) {
        const GaussianKernel step = bridge.transition(s, t);
        const Matrix vs = bridge.covariance(s, s);
        BOOST_TEST(difference(step.mean.slope * vs, bridge.covariance(t, s)) < tight);
        BOOST_TEST(difference(step.mean.slope * vs * transpose(step.mean.slope) + step.covariance,
                              bridge.covariance(t, t)) < tight);
      }
    const Matrix first = bridge.transition(0.1 * h, 0.5 * h).mean.slope,
                 second = bridge.transition(0.5 * h, 0.7 * h).mean.slope;
    BOOST_TEST(difference(second * first, bridge.transition(0.1 * h, 0.7 * h).mean.slope) < tight);
  });
}

// Nelson: forward and backward drifts sum to noise grad log p_t.
BOOST_AUTO_TEST_CASE(drifts_sum_to_the_score) {
  for_each_reference(4, [](const auto& bridge) {
    const double h = bridge.reference().horizon;
    for (const double t : {0.0, 0.2 * h, 0.55 * h, 0.99 * h, h}) {
      const GaussianSlice at = bridge.at(t);
      const Matrix score =
          combine(-1, noise_of(bridge.reference(), 4) * inverse(at.covariance), 0, at.covariance);
      BOOST_TEST(difference(at.forward_drift->slope + at.backward_drift->slope, score) < tight);
      BOOST_TEST(difference(at.probability_flow->slope,
                            combine(0.5, at.forward_drift->slope, -0.5, at.backward_drift->slope)) < tight);
    }
  });
}

// The moments' own differential equations, m' = b(m) and V' = b V + V b^T + noise, by central differences.
BOOST_AUTO_TEST_CASE(moments_follow_the_drift) {
  for_each_reference(4, [](const auto& bridge) {
    const double h = bridge.reference().horizon, step = 1e-3 * h;
    for (const double t : {0.2 * h, 0.5 * h, 0.8 * h}) {
      const GaussianSlice at = bridge.at(t);
      // fourth-order differences: error (step)^4 / 30 of fifth derivatives, about 1e-10 here
      const auto derivative = [&](auto value) {
        return combine(8 / (12 * step), value(t + step) - value(t - step), -1 / (12 * step),
                       value(t + 2 * step) - value(t - 2 * step));
      };
      const Matrix rate = derivative([&](double u) { return bridge.covariance(u, u); });
      const Matrix bv = at.forward_drift->slope * at.covariance;
      BOOST_TEST(difference(bv + transpose(bv) + noise_of(bridge.reference(), 4), rate) < 1e-8);
      const auto column = [](const std::vector<double>& v) {
        Matrix out(v.size(), 1);
        std::copy(v.begin(), v.end(), out.data());
        return out;
      };
      const Matrix mean_rate = derivative([&](double u) { return column(bridge.at(u).mean); });
      BOOST_TEST(difference(at.forward_drift->slope * column(at.mean) + column(at.forward_drift->offset),
                            mean_rate) < 1e-8);
    }
  });
}

BOOST_AUTO_TEST_CASE(sampled_paths_pairs_and_steps) {
  const std::size_t n = 100000, d = 2;
  for_each_reference(d, [&](const auto& bridge) {
    const DefaultExec exec;
    const double h = bridge.reference().horizon;
    const std::vector<double> times = {0, 0.25 * h, 0.7 * h, h};
    Paths<double> paths("paths", n, d, times.size());
    bridge.sample_paths(exec, {.seed = 3}, times, paths);
    exec.fence();
    // all four times at once are one Gaussian vector
    std::vector<double> rows(n * 4 * d), mean(4 * d);
    Matrix covariance(4 * d, 4 * d);
    for (std::size_t a = 0; a < 4; ++a) {
      const auto at = to_host(Points<double>(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, a)));
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < d; ++k) rows[i * 4 * d + a * d + k] = at[i * d + k];
      const auto m = bridge.at(times[a]).mean;
      std::copy(m.begin(), m.end(), mean.begin() + static_cast<std::ptrdiff_t>(a * d));
      for (std::size_t b = 0; b < 4; ++b) {
        const Matrix c = bridge.covariance(times[a], times[b]);
        for (std::size_t k = 0; k < d; ++k)
          for (std::size_t l = 0; l < d; ++l) covariance(a * d + k, b * d + l) = c(k, l);
      }
    }
    // six standard errors of n draws
    BOOST_TEST(standard_errors(rows, mean, covariance) < 6);

    // Markov steps from the source through two times to the end; nothing may be lost on the way
    Points<double> x("x", n, d), y("y", n, d), z("z", n, d);
    bridge.source().sample(exec, {.seed = 9}, x);
    bridge.sample_transition(exec, {.seed = 10}, 0, 0.4 * h, x, y);
    bridge.sample_transition(exec, {.seed = 11}, 0.4 * h, h, y, z);
    exec.fence();
    BOOST_TEST(standard_errors(to_host(y), bridge.at(0.4 * h).mean, bridge.covariance(0.4 * h, 0.4 * h)) < 6);
    BOOST_TEST(standard_errors(to_host(z), bridge.target().mean(), bridge.target().covariance()) < 6);
    bridge.sample_marginal(exec, {.seed = 12}, 0.6 * h, x);
    exec.fence();
    BOOST_TEST(standard_errors(to_host(x), bridge.at(0.6 * h).mean, bridge.covariance(0.6 * h, 0.6 * h)) < 6);
    bridge.target().sample(exec, {.seed = 13}, y);
    bridge.sample_backward(exec, {.seed = 14}, y, x);
    exec.fence();
    BOOST_TEST(standard_errors(to_host(x), bridge.source().mean(), bridge.source().covariance()) < 6);
  });
}
