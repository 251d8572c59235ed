// Blocks of exponentials, sums over both of their sides, and full iterations on them, recomputed and stored,
// against sums written out in long double or taken from the plain ratios.
#include "kernel/block.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/impl/stored_kernel.hpp"
#include "kernel/sweep.hpp"
#include "support/problems.hpp"

using namespace fortet;
using namespace fortet::kernel;

namespace {

/// n source atoms (one group of them at a time) against m target atoms, exponents of order one.
template <class Real, class Store>
void check_block(std::size_t m, int d, double bound) {
  BOOST_TEST_CONTEXT("m=" << m << " d=" << d << " real=" << sizeof(Real) << " store=" << sizeof(Store)) {
    const std::size_t group = group_columns<Real>(d), panel = panel_rows<Real>(d),
                      dimension = static_cast<std::size_t>(d);
    std::mt19937_64 generator(m + dimension);
    std::normal_distribution<double> normal;
    std::vector<double> x(group * dimension), y(m * dimension);
    for (double& v : x) v = normal(generator);
    for (double& v : y) v = normal(generator);
    const double s = 1.0 / (1 + d);
    const std::vector<double> centre(dimension, 0.0);
    const auto sources = pack_columns<Real>(x.data(), group, d, centre.data(), std::sqrt(2 * s));
    const auto targets = pack_rows<Real>(y.data(), m, d, centre.data(), std::sqrt(2 * s));
    AlignedBuffer<Real> group_terms(group, Real(0)),
        panel_terms(targets.padded, -std::numeric_limits<Real>::infinity()), weights(targets.padded, Real(0));
    for (std::size_t i = 0; i < group; ++i)
      group_terms.data()[i] = static_cast<Real>(sources.square_terms[i]);
    for (std::size_t j = 0; j < m; ++j) {
      panel_terms.data()[j] = static_cast<Real>(targets.square_terms[j]);
      weights.data()[j] = static_cast<Real>(j % 5 == 4 ? 0 : 1 + 0.5 * std::sin(static_cast<double>(j)));
    }
    BlockArguments<Real> arguments{d,
                                   sources.values.data(),
                                   group_terms.data(),
                                   sources.runs.data(),
                                   targets.values.data(),
                                   panel_terms.data(),
                                   {targets.padded / panel}};
    using Number = std::conditional_t<std::is_same_v<Store, double>, double, float>;
    AlignedBuffer<Store> block(group * targets.padded, Store{});
    std::vector<double> sums(group), unweighted(group), again(group);
    fill_block(arguments, weights.data(), block.data(), sums.data());
    if (d <= small_dimension) {
      AlignedBuffer<Real> points(targets.padded * dimension, Real(0)), terms(targets.padded, Real(0));
      shift_panels(arguments, points.data(), terms.data());
      arguments.points = points.data();
      arguments.panel_terms = terms.data();
      arguments.shifted = true;
      AlignedBuffer<Store> same(group * targets.padded, Store{});
      fill_block<Real>(arguments, nullptr, same.data(), unweighted.data());
      BOOST_TEST(std::memcmp(same.data(), block.data(), group * targets.padded * sizeof(Store)) == 0);
    } else {
      fill_block<Real>(arguments, nullptr, block.data(), unweighted.data());
    }
    AlignedBuffer<Number> stored_weights(targets.padded, Number(0)), factors(group, Number(0));
    for (std::size_t j = 0; j < m; ++j) stored_weights.data()[j] = static_cast<Number>(weights.data()[j]);
    for (std::size_t i = 0; i < group; ++i)
      factors.data()[i] = static_cast<Number>(0.5 + static_cast<double>(i));
    block_row_sums(panel, block.data(), arguments.panels, stored_weights.data(), again.data());
    AlignedBuffer<double> columns(targets.padded, 1.0), squares(targets.padded, 0.0);
    add_block_columns(panel, block.data(), arguments.panels, factors.data(), columns.data());
    add_block_squares(panel, block.data(), arguments.panels, factors.data(), squares.data());

    std::vector<long double> column(m), column_of_squares(m);
    for (std::size_t i = 0; i < group; ++i) {
      long double sum = 0, plain = 0;
      for (std::size_t j = 0; j < m; ++j) {
        long double t = 0;
        for (std::size_t k = 0; k < dimension; ++k)
          t -= s * std::pow(static_cast<long double>(x[k * group + i]) - y[k * m + j], 2);
        const long double e = std::exp2(t);
        sum += weights.data()[j] * e;
        plain += e;
        column[j] += factors.data()[i] * e;
        column_of_squares[j] += factors.data()[i] * e * e;
      }
      BOOST_TEST(std::abs(static_cast<double>(sums[i] - sum)) <=
                 std::min(bound, sizeof(Real) == 4 ? 2e-5 : 1e-6) * static_cast<double>(sum));
      BOOST_TEST(std::abs(static_cast<double>(again[i] - sum)) <= bound * static_cast<double>(sum));
      BOOST_TEST(std::abs(static_cast<double>(unweighted[i] - plain)) <= bound * static_cast<double>(plain));
    }
    for (std::size_t j = 0; j < m; ++j) {
      BOOST_TEST(std::abs(static_cast<double>(columns.data()[j] - 1 - column[j])) <=
                 bound * static_cast<double>(1 + column[j]));
      BOOST_TEST(std::abs(static_cast<double>(squares.data()[j] - column_of_squares[j])) <=
                 2 * bound * static_cast<double>(column_of_squares[j]));
    }
  }
}

}  // namespace

// Bounds as for the tiles: (d + 3) * 30 * ulp / 2 in the exponent at worst; entries stored in float, and sums
// of 1024 of them, add a few 6e-8.
BOOST_AUTO_TEST_CASE(blocks_match_long_double) {
  for (const int d : {1, 2, 3, 4, 16, 33})
    for (const std::size_t m : {1u, 7u, 33u, 65u, 1100u}) {
      check_block<float, float>(m, d, 2e-5);
      check_block<double, double>(m, d, 4e-14);
      check_block<double, float>(m, d, 1e-6);
      check_block<float, Half>(m, d, 5.2e-4);
      check_block<double, Half>(m, d, 5.2e-4);
    }
}

// Every entry of a block in half precision, read by weights that are one for one column. Bound: eleven
// significant bits, 2^-11; below 2^-36 and above 2^28 these, where rounding cannot go both ways.
BOOST_AUTO_TEST_CASE(half_precision_keeps_eleven_bits) {
  const std::size_t group = group_columns<float>(3), panel = panel_rows<float>(3);
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<float> exponent(-40, 32);
  AlignedBuffer<float> entries(group * panel, 0.0f), one(panel, 0.0f);
  for (std::size_t k = 0; k < group * panel; ++k) entries.data()[k] = std::exp2(exponent(generator));
  entries.data()[0] = 0;
  entries.data()[1] = std::numeric_limits<float>::infinity();
  AlignedBuffer<Half> block(group * panel, Half{});
  keep_in_half(panel, entries.data(), 1, block.data());
  std::vector<double> sums(group);
  for (std::size_t j = 0; j < panel; ++j) {
    one.data()[j] = 1;
    block_row_sums(panel, block.data(), {.count = 1}, one.data(), sums.data());
    one.data()[j] = 0;
    for (std::size_t c = 0; c < group; ++c) {
      const double true_entry = entries.data()[c * panel + j],
                   entry = std::clamp(true_entry, 0x1p-36, 0x1p28);
      BOOST_TEST(std::abs(sums[c] - entry) <= (true_entry == entry ? 0x1p-11 : 0x1p-10) * entry);
    }
  }
}

// The sweep, the round trip and its diagonal of each kernel against their definitions through dense entries.
// Bounds: rounding of about 1e3 operations in double; entries in float carry 6e-8 and sums a few of it; those
// in half 2^-11 = 4.9e-4, columns 1 + omega times that.
BOOST_AUTO_TEST_CASE(sweeps_match_their_definition) {
  const DefaultExec exec;
  // entries have the weights of the target in them, unless some are zero
  for (const auto& [n, m, d, zero_every] : {std::tuple{1u, 1u, 1u, 0u},
                                            {7u, 33u, 3u, 4u},
                                            {33u, 7u, 5u, 4u},
                                            {33u, 7u, 5u, 0u},
                                            {597u, 43u, 2u, 4u},
                                            {597u, 43u, 2u, 0u},
                                            {130u, 70u, 3u, 0u}}) {
    const auto x = support::random_cloud(n, d, 3, 0, 1, 5),
               y = support::random_cloud(m, d, 4, 0.3, 1, zero_every);
    const auto source = support::to_cloud<double>(x), target = support::to_cloud<double>(y);
    const double epsilon = 0.3 * static_cast<double>(d), omega = 1.6;
    const std::shared_ptr<const impl::HalfBridgeKernel<DefaultExec>> base =
        impl::make_kernel(exec, source, target, brownian_with_epsilon(epsilon));
    const auto cost = support::squared_costs(x, y);
    Vector<double> f("f", n), g("g", m), v("v", m), rows("rows", n), columns("columns", m), image("image", m),
        diagonal("diagonal", m);
    for (std::size_t i = 0; i < n; ++i) f(i) = 0.1 * std::sin(static_cast<double>(i));
    for (std::size_t j = 0; j < m; ++j) {
      g(j) = 0.1 * std::cos(static_cast<double>(j));
      v(j) = std::sin(3.0 * static_cast<double>(j) + 1);
    }
    std::vector<double> r(n), c(m), there(n), back(m), of_squares(m);
    const auto entry = [&](std::size_t i, std::size_t j) {
      return std::exp((f(i) + g(j) - static_cast<double>(cost[i * m + j])) / epsilon);
    };
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        r[i] += y.weights[j] * entry(i, j);
        there[i] += y.weights[j] * entry(i, j) * v(j);
      }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        c[j] += x.weights[i] * std::pow(r[i], -omega) * entry(i, j);
        back[j] += x.weights[i] * there[i] * entry(i, j);
        of_squares[j] += y.weights[j] * x.weights[i] * entry(i, j) * entry(i, j);
      }
    for (const auto& [kernel, bound] :
         {std::pair{base, 1e-12},
          {impl::make_stored<DefaultExec>(exec, base, 1e-9, f, g, true, nullptr), 1e-12},
          {impl::make_stored<DefaultExec>(exec, base, 1e-6, f, g, true, nullptr), 1e-6},
          {impl::make_stored<DefaultExec>(exec, base, 1e-3, f, g, true, nullptr), 1.3e-3}}) {
      BOOST_TEST_CONTEXT("n=" << n << " m=" << m << " " << kernel->description()) {
        // potentials far away first: a stored kernel has to write its entries again
        Vector<double> far("far", m);
        for (std::size_t j = 0; j < m; ++j) far(j) = g(j) - 200 * epsilon;
        kernel->sweep(exec, f, far, omega, rows, columns);
        kernel->sweep(exec, f, g, omega, rows, columns);
        BOOST_TEST(kernel->round_trip(exec, f, g, v, image));
        BOOST_TEST(kernel->round_trip_diagonal(exec, f, g, diagonal));
        for (std::size_t i = 0; i < n; ++i) BOOST_TEST(std::abs(rows(i) / r[i] - 1) <= bound);
        for (std::size_t j = 0; j < m; ++j) {
          BOOST_TEST(std::abs(columns(j) / c[j] - 1) <= bound);
          BOOST_TEST(std::abs(image(j) - back[j]) <= bound * 10);
          BOOST_TEST(std::abs(diagonal(j) - of_squares[j]) <= bound * of_squares[j]);
        }
      }
    }
  }
}
