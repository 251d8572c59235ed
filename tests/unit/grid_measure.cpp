#include "fortet/measure/grid_measure.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <string>

#include "fortet/measure/draw.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
static_assert(SamplableMeasure<GridMeasure> && DensityMeasure<GridMeasure> && !AtomicMeasure<GridMeasure>);

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// N((.3, -.2), [[.5, .2], [.2, .8]]) up to a constant: inverse covariance by hand, determinant .36.
double correlated(std::span<const double> x) {
  const double a = x[0] - 0.3, b = x[1] + 0.2;
  return -0.5 * (0.8 * a * a - 0.4 * a * b + 0.5 * b * b) / 0.36;
}
const RegularGrid square{{-8, 8, 160}, {-9, 9, 150}};

std::vector<double> density_at(const GridMeasure& measure, const std::vector<double>& x) {
  const auto where = points(x, static_cast<std::size_t>(measure.dimension()));
  Vector<double> out("out", where.extent(0));
  measure.log_density(DefaultExec(), where, out);
  auto values = to_host(out);
  for (double& v : values) v = std::exp(v);
  return values;
}
/// A normalised density the library does not know: N(0, v) in one dimension.
struct Normal {
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;
  static constexpr bool normalised = true;
  double v = 1;
  int dimension() const { return 1; }
  void log_density(const DefaultExec& exec, ConstPoints<double> x, Vector<double> out) const {
    const double variance = v;
    Kokkos::parallel_for(
        "test", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)), KOKKOS_LAMBDA(const std::size_t i) {
          out(i) = -0.5 * (x(i, 0) * x(i, 0) / variance + Kokkos::log(2 * Kokkos::numbers::pi * variance));
        });
  }
};

}  // namespace

// The midpoint rule is exact to rounding for a Gaussian whose tails end inside the box (Poisson summation),
// so closed forms are met to a few units of the last place times the number of terms.
BOOST_AUTO_TEST_CASE(moments_and_entropy_of_a_gaussian) {
  const auto p = grid_measure(square, correlated);
  const DefaultExec exec;
  const auto mean = p.mean(exec);
  const auto covariance = p.covariance(exec);
  BOOST_TEST(std::abs(mean[0] - 0.3) < 1e-13);
  BOOST_TEST(std::abs(mean[1] + 0.2) < 1e-13);
  BOOST_TEST(std::abs(covariance(0, 0) - 0.5) < 1e-13);
  BOOST_TEST(std::abs(covariance(1, 0) - 0.2) < 1e-13);
  BOOST_TEST(std::abs(covariance(0, 1) - 0.2) < 1e-13);
  BOOST_TEST(std::abs(covariance(1, 1) - 0.8) < 1e-13);
  BOOST_TEST(std::abs(p.entropy(exec) -
                      0.5 * std::log(0.36 * std::pow(2 * std::numbers::pi * std::numbers::e, 2))) < 1e-12);
  BOOST_TEST(std::abs(p.mass() - 2 * std::numbers::pi * std::sqrt(0.36)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(marginals_in_any_order) {
  const RegularGrid cube{{-1, 1, 5}, {0, 3, 7}, {2, 4, 6}};
  const auto f = [](std::span<const double> x) { return std::sin(3 * x[0]) + x[1] * x[2] - x[2] * x[0]; };
  const auto p = grid_measure(cube, f);
  const auto swapped = p.marginal(DefaultExec(), {2, 0});
  BOOST_TEST((swapped.grid() == RegularGrid{{2, 4, 6}, {-1, 1, 5}}));
  const auto values = to_host(Vector<const double>(swapped.log_density()));
  // a naive sum, normalised by a naive total
  std::vector<double> expected(30, 0.0);
  double total = 0;
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 7; ++j)
      for (int k = 0; k < 6; ++k) {
        const double x[] = {cube.axis(0).node(i), cube.axis(1).node(j), cube.axis(2).node(k)};
        expected[static_cast<std::size_t>(k * 5 + i)] += std::exp(f(x));
        total += std::exp(f(x));
      }
  for (std::size_t i = 0; i < 30; ++i)  // sums of 7 and 210 terms: rounding only
    BOOST_TEST(std::abs(std::exp(values[i]) * swapped.grid().cell_volume() * total / expected[i] - 1) <
               1e-13);
}

// The interpolant integrates to one: fine midpoint sums of a piecewise linear function with all its kinks on
// sub-cell boundaries are exact.
BOOST_AUTO_TEST_CASE(interpolated_density_has_mass_one) {
  const GridMeasure p(RegularGrid{{-1, 2, 6}}, vector({0, 1, -infinity, 2, 0.5, -3}));
  std::vector<double> x;
  for (int i = 0; i < 120; ++i) x.push_back(-1 + 3 * (i + 0.5) / 120);
  double mass = 0;
  for (double v : density_at(p, x)) mass += v * 3 / 120;
  BOOST_TEST(std::abs(mass - 1) < 1e-14);
  const auto values = density_at(p, {-1.001, -1, 2, 2.001, 0.25, -0.5});
  const auto nodes = to_host(Vector<const double>(p.log_density()));
  BOOST_TEST(values[0] == 0);
  BOOST_TEST(std::abs(values[1] - std::exp(nodes[0])) < 1e-15);
  BOOST_TEST(std::abs(values[2] - std::exp(nodes[5])) < 1e-15);
  BOOST_TEST(values[3] == 0);
  BOOST_TEST(values[4] == 0);  // the node of zero mass
  BOOST_TEST(std::abs(values[5] - 0.5 * (std::exp(nodes[0]) + std::exp(nodes[1]))) < 1e-15);
}

// Draws against the interpolated density they are said to come from: a chi-square over 24 bins of half a
// cell, 5 standard deviations above its mean.
BOOST_AUTO_TEST_CASE(draws_follow_the_interpolated_density) {
  const GridMeasure p(RegularGrid{{0, 12, 12}},
                      vector({1, 0, -infinity, -infinity, 2, 2, 0, 1, 0, -1, 1, 2}));
  const int n = 200000, bins = 24;
  std::vector<double> count(bins, 0.0), centre;
  for (double x : to_host(draw(DefaultExec(), p, n, {.seed = 5}).points()))
    count[static_cast<std::size_t>(x * bins / 12)] += 1;
  for (int b = 0; b < bins; ++b) centre.push_back((b + 0.5) * 12 / bins);
  const auto density = density_at(p, centre);  // linear on each bin, so the centre is the mean
  double chi2 = 0, degrees = -1;
  for (std::size_t b = 0; b < bins; ++b) {
    const double expected = n * density[b] * 12 / bins;
    if (expected == 0) {
      BOOST_TEST(count[b] == 0);
      continue;
    }
    chi2 += (count[b] - expected) * (count[b] - expected) / expected;
    degrees += 1;
  }
  BOOST_TEST(chi2 < degrees + 5 * std::sqrt(2 * degrees));
}

BOOST_AUTO_TEST_CASE(draws_have_the_covariance_of_the_density) {
  const auto p = grid_measure(square, correlated);
  const std::size_t n = 200000;
  const auto x = to_host(draw(DefaultExec(), p, n, {.seed = 2}).points());
  double mean[2] = {}, cross = 0, first = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < 2; ++k) mean[k] += x[2 * i + k] / n;
    cross += (x[2 * i] - 0.3) * (x[2 * i + 1] + 0.2) / n;
    first += (x[2 * i] - 0.3) * (x[2 * i] - 0.3) / n;
  }
  // five standard errors: sqrt(v / n) for means, sqrt((v w + c^2) / n) for products
  BOOST_TEST(std::abs(mean[0] - 0.3) < 5 * std::sqrt(0.5 / n));
  BOOST_TEST(std::abs(mean[1] + 0.2) < 5 * std::sqrt(0.8 / n));
  BOOST_TEST(std::abs(cross - 0.2) < 5 * std::sqrt(0.44 / n));
  BOOST_TEST(std::abs(first - 0.5 - 0.01 / 6) < 5 * std::sqrt(0.5 / n));  // spacing^2 / 6 from the offsets
}

BOOST_AUTO_TEST_CASE(resampling_conserves_mass_and_mean) {
  const DefaultExec exec;
  const auto p = grid_measure(square, correlated);
  for (const auto& grid : {RegularGrid{{-8, 8, 400}, {-9, 9, 310}}, RegularGrid{{-8, 8, 40}, {-9, 9, 50}},
                           RegularGrid{{-10, 9, 97}, {-11, 10, 103}}}) {
    const auto q = p.resample(exec, grid);
    BOOST_TEST(std::abs(q.mass() - 1) < 1e-12);
    BOOST_TEST(std::abs(q.mean(exec)[0] - 0.3) < 1e-3);  // the mean of an interpolant over cells: O(h^2)
    // linear interpolation and averaging over cells add (h^2 / 6 + H^2 / 12)-like terms to a variance
    const double h = 0.1, H = grid.axis(0).spacing();
    BOOST_TEST(std::abs(q.covariance(exec)(0, 0) - 0.5) < h * h / 4 + H * H / 4);
  }
  // onto itself: cell averages of the interpolant, second order
  const auto same = p.resample(exec, square);
  BOOST_TEST(std::abs(same.entropy(exec) - p.entropy(exec)) < 0.01);
  // a box with half the mass keeps half of it
  const GridMeasure flat(RegularGrid{{0, 1, 10}}, vector(std::vector<double>(10, 0.0)));
  BOOST_TEST(std::abs(flat.resample(exec, RegularGrid{{0.5, 2, 17}}).mass() - 0.5) < 1e-14);
}

BOOST_AUTO_TEST_CASE(discretised_densities_know_their_loss) {
  const DefaultExec exec;
  const auto p = discretise(exec, Normal{2.0}, RegularGrid{{-13, 13, 301}});
  BOOST_TEST(std::abs(p.mass() - 1) < 1e-13);
  BOOST_TEST(std::abs(p.covariance(exec)(0, 0) - 2) < 1e-12);
  BOOST_TEST(contains(message([&] {
                        discretise(exec, Normal{2.0}, RegularGrid{{-3, 3, 301}});
                      }),
                      "mass found"));
  BOOST_TEST(std::abs(discretise(exec, Normal{2.0}, RegularGrid{{-3, 3, 301}}, 0.1).mass() -
                      std::erf(3 / 2.0)) < 1e-4);  // midpoint rule on a cut density: O(h^2)
  // more nodes than one block of points
  BOOST_TEST(std::abs(discretise(exec, Normal{2.0}, RegularGrid{{-13, 13, 70001}}).mass() - 1) < 1e-12);
}

BOOST_AUTO_TEST_CASE(histograms_and_atoms) {
  const PointCloud<double> cloud(points({0.1, 0.2, 0.9, 1.0, 5.0}, 1), vector({1, 2, 3, 4, 10}));
  const auto p = histogram(RegularGrid{{0, 1, 4}}, cloud);
  BOOST_TEST(std::abs(p.mass() - 0.5) < 1e-15);
  const auto nodes = atoms(p);
  BOOST_TEST(nodes.size() == 2u);  // two cells are empty
  BOOST_TEST(nodes.mass() == 1.0);
  const auto x = to_host(nodes.points()), w = to_host(Vector<const double>(nodes.log_weights()));
  BOOST_TEST(x[0] == 0.125);
  BOOST_TEST(x[1] == 0.875);
  BOOST_TEST(std::abs(std::exp(w[0]) - 0.3) < 1e-15);
  BOOST_TEST(std::abs(std::exp(w[1]) - 0.7) < 1e-15);
}

BOOST_AUTO_TEST_CASE(bad_input_is_named) {
  const double nan = std::nan("");
  BOOST_TEST(contains(message([] { RegularGrid{{0, 1, 1}}; }), "axes[0].nodes = 1"));
  BOOST_TEST(contains(message([] { RegularGrid{{0, 0, 5}}; }), "axes[0].upper = 0"));
  BOOST_TEST(contains(message([&] { RegularGrid{{0, 1, 5}, {nan, 1, 5}}; }), "axes[1].lower"));
  BOOST_TEST(contains(message([] { RegularGrid(std::vector<GridAxis>(4)); }), "number of axes = 4"));
  const RegularGrid line{{0, 1, 2}};
  BOOST_TEST(contains(message([&] { GridMeasure(line, vector({0, nan})); }), "log_density(1) is NaN"));
  BOOST_TEST(contains(message([&] { GridMeasure(line, vector({infinity, 0})); }), "log_density(0)"));
  BOOST_TEST(contains(message([&] { GridMeasure(line, vector({-infinity, -infinity})); }), "some mass"));
  BOOST_TEST(contains(message([&] { GridMeasure(line, vector({0, 0, 0})); }), "2 nodes"));
  const GridMeasure p(line, vector({0, 1}));
  BOOST_TEST(contains(message([&] { p.marginal(DefaultExec(), {1}); }), "axis = 1"));
  BOOST_TEST(contains(message([&] { p.resample(DefaultExec(), RegularGrid{{5, 6, 4}}); }), "some mass"));
  const RegularGrid vast{{0, 1, 1 << 30}, {0, 1, 1 << 30}, {0, 1, 1 << 30}};
  const auto refused = [&](auto call) { return contains(message(call), "memory estimate in GiB"); };
  BOOST_TEST(refused([&] { grid_measure(vast, correlated); }));
  BOOST_TEST(
      contains(message([&] { histogram(line, PointCloud<double>(points({7}, 1))); }), "inside the box"));
}
