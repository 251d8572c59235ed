#include "grid/heat_kernel.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "fortet/random/philox.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;
using detail::HeatAxis;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

HeatAxis axis(int in, int out, double variance, Boundary boundary = Boundary::free) {
  // free axes may have boxes of their own
  const bool same = boundary != Boundary::free;
  const double shift = same ? 0 : 0.13, scale = same ? 1 : 0.9;
  return {{shift + scale * 0.5 / out, scale / out, out}, {0.5 / in, 1.0 / in, in}, variance, boundary};
}

/// Free, both sides with one spacing, boxes 3.4 cells apart at their lower ends.
HeatAxis one_spacing(int in, int out, double variance) {
  const double step = 1.0 / in;
  return {{3.9 * step, step, out}, {0.5 * step, step, in}, variance, Boundary::free};
}

std::size_t nodes(const std::vector<HeatAxis>& axes, bool in) {
  std::size_t n = 1;
  for (const auto& a : axes) n *= static_cast<std::size_t>(in ? a.in.count : a.out.count);
  return n;
}

/// log K_k(x, y), images by brute force.
double log_factor(const HeatAxis& a, int i, int j) {
  const double x = a.out.at(i), y = a.in.at(j), low = a.in.first - 0.5 * a.in.step, L = a.length();
  const auto gauss = [&](double z) { return std::exp(-(x - z) * (x - z) / (2 * a.variance)); };
  if (a.boundary == Boundary::free) return -(x - y) * (x - y) / (2 * a.variance);
  double sum = 0;
  for (int m = -60; m <= 60; ++m)
    sum += a.boundary == Boundary::periodic ? gauss(y + m * L)
                                            : gauss(y + 2 * m * L) + gauss(2 * low - y + 2 * m * L);
  return std::log(sum);
}

/// The whole d-dimensional sum, nothing separable about it, in extended precision.
std::vector<double> naive(const std::vector<HeatAxis>& axes, const std::vector<double>& in) {
  std::vector<std::vector<double>> tables;
  for (const auto& a : axes) {
    tables.emplace_back();
    for (int i = 0; i < a.out.count; ++i)
      for (int j = 0; j < a.in.count; ++j) tables.back().push_back(log_factor(a, i, j));
  }
  std::vector<double> out(nodes(axes, false)), terms(in.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    double most = -infinity;
    for (std::size_t j = 0; j < in.size(); ++j) {
      std::size_t ri = i, rj = j;
      terms[j] = in[j];
      for (std::size_t k = axes.size(); k-- > 0;) {
        const auto n = static_cast<std::size_t>(axes[k].out.count),
                   m = static_cast<std::size_t>(axes[k].in.count);
        terms[j] += tables[k][ri % n * m + rj % m];
        ri /= n;
        rj /= m;
      }
      most = std::max(most, terms[j]);
    }
    long double sum = 0;
    for (double t : terms) sum += std::exp(static_cast<long double>(t - most));
    out[i] = most > -infinity ? most + static_cast<double>(std::log(sum)) : -infinity;
  }
  return out;
}

/// Rough values with a large-scale trend of `range` nats and, if asked, a third of the mass missing.
std::vector<double> rough(std::size_t n, double range, bool holes, std::uint64_t seed) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(n);
    values[i] = range * std::sin(5 * t) + 2 * random_normal({.seed = seed}, i, 0);
    if (holes && random_uniform({.seed = seed}, i, 2) < 0.33) values[i] = -infinity;
  }
  return values;
}

template <class Real>
std::vector<double> apply(const std::vector<HeatAxis>& axes, GridKernel method,
                          const std::vector<double>& in) {
  const DefaultExec exec;
  Vector<double> out("out", nodes(axes, false));
  detail::make_heat_kernel<Real>(axes, method)->apply(exec, vector(in), out);
  return to_host(out);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

// Rounding of a log of size R: exponents are formed from terms of size R, a few operations each.
double double_bound(double range) { return 16 * 2.3e-16 * (8 + range); }
// Floating-point sums of up to 128 products of relative error 1.2e-7 each, times the passes.
constexpr double float_bound = 1e-5;

BOOST_AUTO_TEST_CASE(one_axis_of_awkward_sizes) {
  for (const int in : {2, 33, 64, 301})
    for (const int out : {2, 31, 257})
      for (const double variance : {10.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-7})
        for (const bool holes : {false, true}) {
          const std::vector<HeatAxis> axes{axis(in, out, variance)};
          const double range = variance < 1e-3 ? 3000 : 30;
          auto values = rough(static_cast<std::size_t>(in), range, holes, 1);
          values[0] = 1;  // some mass, whatever the holes
          const auto expected = naive(axes, values);
          const double size = range + 1 / variance;
          BOOST_TEST_CONTEXT("in " << in << " out " << out << " variance " << variance << " holes "
                                   << holes) {
            BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::tilted, values), expected) <
                       double_bound(size));
            BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::automatic, values), expected) <
                       double_bound(size));
            BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::direct, values), expected) <
                       double_bound(size));
            BOOST_TEST(largest_difference(apply<float>(axes, GridKernel::tilted, values), expected) <
                       float_bound);
            if (variance >= 1e-1)
              BOOST_TEST(largest_difference(apply<float>(axes, GridKernel::dense, values), expected) <
                         float_bound);
            if (variance >= 1e-2)
              BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::dense, values), expected) <
                         double_bound(size));
          }
        }
}

// Both sides with one spacing, from smooth and steep to rough and full of holes: where sums are too small to
// be trusted tiles are halved.
BOOST_AUTO_TEST_CASE(one_axis_of_one_spacing) {
  for (const int in : {2, 64, 301, 700})
    for (const int out : {31, 600})
      for (const double variance : {10.0, 1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5})
        for (const double slope : {0.0, 0.3, -1.0})
          for (const double noise : {0.0, 1.0, 40.0}) {
            const std::vector<HeatAxis> axes{one_spacing(in, out, variance)};
            std::vector<double> values(static_cast<std::size_t>(in));
            for (std::size_t i = 0; i < values.size(); ++i) {
              const double x = axes[0].in.at(static_cast<double>(i));
              values[i] = slope * x / variance + noise * random_normal({.seed = 7}, i, 0);
              if (noise > 0 && i % 5 == 3) values[i] = -infinity;
            }
            const auto expected = naive(axes, values);
            const double farthest = axes[0].out.at(out),
                         size = 4 * noise + (1 + farthest * farthest) / variance;
            BOOST_TEST_CONTEXT("in " << in << " out " << out << " variance " << variance << " slope " << slope
                                     << " noise " << noise) {
              BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::automatic, values), expected) <
                         double_bound(size));
              BOOST_TEST(largest_difference(apply<float>(axes, GridKernel::automatic, values), expected) <
                         float_bound);
            }
          }
}

// Kinks that cross the lines of a block: windows are what any of its lines needs. Along the kink terms come
// from both sides, away from it from one.
BOOST_AUTO_TEST_CASE(kinks_on_some_of_the_lines) {
  const std::vector<HeatAxis> axes{one_spacing(70, 70, 1e-3), one_spacing(256, 256, 1e-4)};
  for (const double slope : {200.0, 3000.0, -3000.0}) {
    std::vector<double> values(nodes(axes, true));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = axes[0].in.at(static_cast<double>(i / 256)),
                   y = axes[1].in.at(static_cast<double>(i % 256));
      values[i] = slope * std::abs(y - 0.2 - 0.5 * x);
    }
    const auto expected = apply<double>(axes, GridKernel::direct, values);
    BOOST_TEST_CONTEXT("slope " << slope) {
      BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::automatic, values), expected) <
                 double_bound(std::abs(slope) + 1e4));
      BOOST_TEST(largest_difference(apply<float>(axes, GridKernel::automatic, values), expected) <
                 float_bound);
    }
  }
}

// Grids much finer than the kernel go through a row of nodes between, which shows only in the description:
// smooth, steep and kinked, full of holes, and where one atom is all there is; both sides of one spacing or
// not, with images.
BOOST_AUTO_TEST_CASE(nodes_between_change_nothing) {
  for (const double variance : {1.0, 2e-2, 2e-3})
    for (const auto& a :
         {one_spacing(600, 500, variance), axis(600, 301, variance),
          axis(300, 300, variance, Boundary::periodic), axis(301, 301, variance, Boundary::reflecting)}) {
      BOOST_TEST(contains(detail::make_heat_kernel<float>({a}, GridKernel::automatic)->description(),
                          " nodes between"));
      for (const double slope : {0.0, 1.0, -20.0})
        for (const bool holes : {false, true}) {
          std::vector<double> values(static_cast<std::size_t>(a.in.count));
          for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = slope * std::abs(a.in.at(static_cast<double>(i)) - 0.4) / variance;
            if (holes && i % 7 != 3) values[i] = -infinity;
            if (slope == 1.0 && holes && i != 10) values[i] = -infinity;
          }
          const auto expected = naive({a}, values);
          const double size = (std::abs(slope) + 4) / variance;
          BOOST_TEST_CONTEXT("variance " << variance << " slope " << slope << " holes " << holes
                                         << " boundary " << static_cast<int>(a.boundary)) {
            BOOST_TEST(largest_difference(apply<double>({a}, GridKernel::automatic, values), expected) <
                       double_bound(size));
            BOOST_TEST(largest_difference(apply<float>({a}, GridKernel::automatic, values), expected) <
                       float_bound);
          }
        }
    }
}

BOOST_AUTO_TEST_CASE(three_axes_of_different_boundaries) {
  for (const double variance : {0.3, 3e-2, 1e-3}) {
    const std::vector<HeatAxis> axes{axis(9, 11, variance), axis(13, 13, variance / 2, Boundary::periodic),
                                     axis(10, 10, 2 * variance, Boundary::reflecting)};
    const auto values = rough(nodes(axes, true), 40, true, 3);
    const auto expected = naive(axes, values);
    for (const auto method : {GridKernel::automatic, GridKernel::tilted, GridKernel::direct}) {
      BOOST_TEST(largest_difference(apply<double>(axes, method, values), expected) <
                 double_bound(40 + 1 / variance));
      BOOST_TEST(largest_difference(apply<float>(axes, method, values), expected) < float_bound);
    }
  }
}

// What is left out is bounded, and the report says by how much.
BOOST_AUTO_TEST_CASE(skipped_tiles_are_bounded_and_told) {
  const std::vector<HeatAxis> axes{axis(400, 400, 1e-4)};
  Vector<double> out("out", 400);
  const auto skipping = detail::make_heat_kernel<double>(axes, GridKernel::tilted);
  skipping->apply(DefaultExec(), vector(std::vector<double>(400, 0.0)), out);
  BOOST_TEST(skipping->skip_bound() > 0);
  BOOST_TEST(skipping->skip_bound() < 1e-16);
  BOOST_TEST(contains(skipping->description(), " % of terms), left out below "));
  BOOST_TEST(!contains(
      detail::make_heat_kernel<double>({axis(40, 40, 1.0)}, GridKernel::dense)->description(), "left out"));
}

// Where the naive scaling exp(potential) is off by thousands of nats.
BOOST_AUTO_TEST_CASE(two_axes_with_ten_thousand_nats) {
  const std::vector<HeatAxis> axes{axis(50, 40, 2e-4), axis(45, 47, 2e-4)};
  auto values = rough(nodes(axes, true), 5000, false, 4);
  const auto expected = naive(axes, values);
  BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::tilted, values), expected) <
             double_bound(1e4));
  BOOST_TEST(largest_difference(apply<float>(axes, GridKernel::tilted, values), expected) < float_bound);
}

BOOST_AUTO_TEST_CASE(no_mass_stays_no_mass) {
  const std::vector<HeatAxis> axes{axis(40, 50, 1e-2), axis(20, 30, 1e-2)};
  const std::vector<double> nothing(nodes(axes, true), -infinity);
  for (const auto method : {GridKernel::tilted, GridKernel::dense, GridKernel::direct})
    for (double v : apply<double>(axes, method, nothing)) BOOST_TEST_REQUIRE(v == -infinity);
  // and a single atom is seen from everywhere
  auto atom = nothing;
  atom[17] = -5000;
  const auto expected = naive(axes, atom);
  BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::tilted, atom), expected) <
             double_bound(5000));
  BOOST_TEST(largest_difference(apply<double>(axes, GridKernel::dense, atom), expected) < double_bound(5000));
}

// Spectral against the others where its absolute error allows, and the floor it states where it does not.
BOOST_AUTO_TEST_CASE(spectral_agrees_down_to_its_floor) {
  if (!detail::spectral_available()) return;
  for (const double variance : {0.2, 2e-3}) {
    const std::vector<HeatAxis> axes{axis(48, 48, variance, Boundary::periodic),
                                     axis(35, 35, variance, Boundary::reflecting),
                                     axis(6, 6, 0.5, Boundary::periodic)};
    for (const double range : {1.0, 40.0}) {
      const auto values = rough(nodes(axes, true), range, false, 5);
      const auto expected = apply<double>(axes, GridKernel::tilted, values);
      const auto spectral = detail::make_heat_kernel<double>(axes, GridKernel::spectral);
      Vector<double> out("out", values.size());
      spectral->apply(DefaultExec(), vector(values), out);
      const auto got = to_host(out);
      const double floor = spectral->log_floor();
      BOOST_TEST(contains(spectral->description(), "FFT"));
      BOOST_TEST(contains(spectral->description(), ", errors up to "));
      bool any_below = false;
      for (std::size_t i = 0; i < got.size(); ++i) {
        any_below = any_below || expected[i] < floor;
        // in units of the floor; the tiles have a relative error of their own
        const double sum = std::exp(expected[i] - floor),
                     difference = std::abs(std::exp(got[i] - floor) - sum);
        BOOST_TEST_REQUIRE(difference < 1 + sum * double_bound(range + 1 / variance));
      }
      BOOST_TEST(any_below == (range == 40.0 && variance == 2e-3));
    }
  }
}

BOOST_AUTO_TEST_CASE(results_do_not_depend_on_the_number_of_threads) {
  // a single line is shared out tile by tile
  for (const auto& axes :
       {std::vector{axis(64, 64, 1e-3), axis(96, 96, 1e-3)}, std::vector{axis(600, 500, 1e-2)}}) {
    const auto values = rough(nodes(axes, true), 100, false, 6);
#if defined(KOKKOS_ENABLE_OPENMP) && !defined(KOKKOS_ENABLE_CUDA)
    const auto kernel = detail::make_heat_kernel<double>(axes, GridKernel::tilted);
    Vector<double> out("out", nodes(axes, false));
    kernel->apply(DefaultExec(1), vector(values), out);
    BOOST_TEST(to_host(out) == apply<double>(axes, GridKernel::tilted, values));
#endif
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_work_is_refused) {
  BOOST_TEST(message([] {
               apply<double>({axis(64, 64, 1e-4)}, GridKernel::dense, std::vector<double>(64, 0.0));
             }).find("would underflow") != std::string::npos);
  BOOST_TEST(message([] {
               apply<double>({axis(64, 64, 1e-1)}, GridKernel::spectral, std::vector<double>(64, 0.0));
             }).find("boundary = free") != std::string::npos);
}
