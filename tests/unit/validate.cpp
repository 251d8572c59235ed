// validate(): exact couplings pass, wrong ones fail where they are wrong, by as much as is known.
#include "fortet/compare/validate.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "fortet/coupling/lift.hpp"
#include "fortet/impl/pair_scores.hpp"

using namespace fortet;

namespace {

using Exact = GaussianBridge<Brownian>;

Problem<Gaussian, Gaussian, Brownian> problem(std::size_t d, double epsilon = 0.5) {
  Matrix covariance = isotropic(d, 1.5);
  if (d > 1) covariance(0, 1) = covariance(1, 0) = 0.6;
  return {Gaussian(std::vector<double>(d, -0.3), isotropic(d, 0.8)),
          Gaussian(std::vector<double>(d, 1.0), covariance), brownian_with_epsilon(epsilon)};
}

/// A solver of somebody's: the exact pairs, with X1 drawn towards its mean or moved, and nothing but pairs.
struct Own {
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  Exact exact;
  double map_factor = 1, noise_factor = 1, shift = 0;
  int source_dimension() const { return exact.source_dimension(); }
  int target_dimension() const { return exact.target_dimension(); }
  void sample(const DefaultExec& exec, RandomKey key, Points<double> x0, Points<double> x1) const {
    const Points<double> mean("mean", x0.extent(0), x0.extent(1));
    exact.sample(exec, key, x0, x1);
    exact.conditional_mean(exec, x0, mean);
    const double m1 = exact.target().mean()[0], a = map_factor, b = noise_factor, c = shift;
    Kokkos::parallel_for(
        "fortet::test::own", Kokkos::RangePolicy<DefaultExec>(exec, 0, x0.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t k = 0; k < x0.extent(1); ++k)
            x1(i, k) = m1 + a * (mean(i, k) - m1) + b * (x1(i, k) - mean(i, k)) + c;
        });
    exec.fence();
  }
};

/// The exact bridge with a drift that is wrong by a factor.
struct WrongDrift : Exact {
  double factor;
  WrongDrift(const Exact& exact, double by) : Exact(exact), factor(by) {}
  void forward_drift(const DefaultExec& exec, double t, ConstPoints<double> x, Points<double> out) const {
    Exact::forward_drift(exec, t, x, out);
    const double by = factor;
    Kokkos::parallel_for(
        "fortet::test::drift", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          for (std::size_t k = 0; k < x.extent(1); ++k) out(i, k) *= by;
        });
    exec.fence();
  }
};

const ValidateOptions quick{.pairs = 10000, .seed = 3, .floor_draws = 8};

std::vector<std::string> failures(const Validation& validation) {
  std::vector<std::string> names;
  for (const auto& s : validation.scores)
    if (!s.passed) names.push_back(s.metric);
  return names;
}
std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += name + "; ";
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(exact_couplings_pass) {
  for (const std::size_t d : {1u, 3u})
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      ValidateOptions options = quick;
      options.seed = seed;
      const auto p = problem(d);
      const auto validation = validate(DefaultExec{}, gaussian_bridge(p), p, options);
      BOOST_TEST(validation.passed(),
                 "d = " << d << ", seed " << seed << ": " << joined(failures(validation)));
      BOOST_TEST(validation.scores.size() == 13u);  // eight of pairs, two half-way, three drifts
    }
  const auto p = problem(2);
  BOOST_TEST(validate(DefaultExec{}, Own{gaussian_bridge(p)}, p, quick).scores.size() == 8u);  // no bridge
}

BOOST_AUTO_TEST_CASE(an_ornstein_uhlenbeck_bridge_passes) {
  const auto p = problem(2);
  const Problem other{p.source, p.target, OrnsteinUhlenbeck{.rate = 0.7, .sigma = 0.9, .horizon = 1.4}};
  const auto validation = validate(DefaultExec{}, gaussian_bridge(other), other, quick);
  BOOST_TEST(validation.passed(), joined(failures(validation)));
}

BOOST_AUTO_TEST_CASE(wrong_couplings_fail_where_they_are_wrong) {
  const auto p = problem(2);
  const Exact exact = gaussian_bridge(p);
  const auto failed = [&](const auto& model, const char* metric) {
    const auto validation = validate(DefaultExec{}, model, p, quick);
    const auto* score = validation.find(metric);
    BOOST_REQUIRE(score);
    return !score->passed;
  };
  BOOST_TEST(failed(Own{.exact = exact, .shift = 0.1}, "mean of X1"));
  BOOST_TEST(failed(Own{.exact = exact, .shift = 0.1}, "conditional mean"));
  BOOST_TEST(failed(Own{.exact = exact, .map_factor = 0.9}, "conditional mean"));
  BOOST_TEST(failed(Own{.exact = exact, .map_factor = 0.9}, "covariance of X0 and X1"));
  BOOST_TEST(failed(Own{.exact = exact, .noise_factor = 1.2}, "cBW2-UVP"));
  BOOST_TEST(failed(Own{.exact = exact, .noise_factor = 1.2}, "covariance of X1"));
  BOOST_TEST(failed(Own{.exact = exact, .map_factor = -1}, "energy distance of pairs"));
  BOOST_TEST(!failed(Own{.exact = exact, .map_factor = 0.9}, "covariance of X0"));
  BOOST_TEST(failed(WrongDrift(exact, 1.01), "drift at T/2"));
  // epsilon twice as large: right marginals, another coupling
  const auto doubled = validate(DefaultExec{}, gaussian_bridge(problem(2, 1.0)), p, quick);
  BOOST_TEST(doubled.find("mean of X1")->passed);
  BOOST_TEST(!doubled.find("covariance of X0 and X1")->passed);
  BOOST_TEST(!doubled.find("drift at T/4")->passed);
}

BOOST_AUTO_TEST_CASE(scores_have_their_population_values) {
  // in one dimension: E[X1 | X0] off by (factor - 1) K (x0 - m0) + shift
  const auto p = problem(1);
  const Exact exact = gaussian_bridge(p);
  const double K = exact.plan().cross_covariance(0, 0) / 0.8, s1 = 1.5, factor = 0.8, shift = 0.2;
  const auto validation = validate(DefaultExec{}, Own{.exact = exact, .map_factor = factor, .shift = shift},
                                   p, {.pairs = 40000, .seed = 4, .floor_draws = 8});
  const auto value = [&](const char* name) { return validation.find(name)->estimate.value; };
  const double map = std::pow((1 - factor) * K, 2) * 0.8 + shift * shift;
  // standard errors of the moments of 4e4 pairs: .5 % of a deviation, .7 % of a variance; times four
  BOOST_TEST(value("mean of X1") == 100 * shift / std::sqrt(s1), boost::test_tools::tolerance(0.08));
  BOOST_TEST(value("covariance of X1") == 100 * (1 - factor * factor) * K * K * 0.8 / s1,
             boost::test_tools::tolerance(0.12));
  BOOST_TEST(value("conditional mean") == 100 * map / s1, boost::test_tools::tolerance(0.06));
  // BW halves both; the floor of groups of 5000 adds .2
  BOOST_TEST(value("cBW2-UVP") == 100 * map / s1, boost::test_tools::tolerance(0.15));
}

BOOST_AUTO_TEST_CASE(tolerance_is_added_to_every_limit) {
  const auto p = problem(2);
  const Own slightly{.exact = gaussian_bridge(p), .noise_factor = 1.2};
  ValidateOptions options = quick;
  const auto strict = validate(DefaultExec{}, slightly, p, options);
  options.tolerance = 20;
  const auto lenient = validate(DefaultExec{}, slightly, p, options);
  BOOST_TEST(!strict.passed());
  BOOST_TEST(lenient.passed(), joined(failures(lenient)));
  for (std::size_t k = 0; k < strict.scores.size(); ++k) {
    BOOST_TEST(lenient.scores[k].limit == strict.scores[k].limit + 20);
    BOOST_TEST(lenient.scores[k].estimate.value == strict.scores[k].estimate.value);
  }
  std::ostringstream text;
  text << strict;
  BOOST_TEST(text.str().find("covariance of X1") != std::string::npos);
  BOOST_TEST(text.str().find("failed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refusals) {
  const auto p = problem(2);
  const Exact exact = gaussian_bridge(p);
  BOOST_CHECK_THROW(validate(DefaultExec{}, exact, problem(3), quick), InvalidArgument);
  BOOST_CHECK_THROW(validate(DefaultExec{}, exact, p, {.pairs = 100}), InvalidArgument);
  BOOST_CHECK_THROW(validate(DefaultExec{}, exact, p, {.tolerance = -1}), InvalidArgument);
  BOOST_CHECK_THROW(validate(DefaultExec{}, exact, p, {.floor_draws = 2}), InvalidArgument);
}
