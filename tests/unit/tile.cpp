// The packed tiles against sums written out in long double, on awkward sizes and every
// instruction-set-dependent shape: one row or column more or less than a panel or a group.
#include "kernel/tile.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace fortet::kernel;

namespace {

template <class Real>
void check_tile(std::size_t n, std::size_t m, int d, double bound) {
  BOOST_TEST_CONTEXT("n=" << n << " m=" << m << " d=" << d << (sizeof(Real) == 4 ? " float" : " double")) {
    std::mt19937_64 generator(n * 1000 + m + static_cast<std::size_t>(d));
    std::normal_distribution<double> normal;
    std::vector<double> x(n * static_cast<std::size_t>(d)), y(m * static_cast<std::size_t>(d));
    for (double& v : x) v = normal(generator);
    for (double& v : y) v = normal(generator);
    const double s = 1.0 / (1 + d);  // exponents of order one
    const std::vector<double> centre(static_cast<std::size_t>(d), 0.0);
    const std::size_t panel = panel_rows<Real>(d);
    const auto rows = pack_rows<Real>(x.data(), n, d, centre.data(), std::sqrt(2 * s));
    const auto columns = pack_columns<Real>(y.data(), m, d, centre.data(), std::sqrt(2 * s));
    // one column in five has zero weight
    std::vector<double> row_term(n), column_term(m);
    for (std::size_t i = 0; i < n; ++i) row_term[i] = 0.3 * normal(generator);
    for (std::size_t j = 0; j < m; ++j) column_term[j] = j % 5 == 4 ? -INFINITY : normal(generator);
    struct alignas(64) Line {
      Real values[64 / sizeof(Real)];
    };
    std::vector<Line> row_lines(rows.padded * sizeof(Real) / 64 + 1),
        column_lines(columns.padded * sizeof(Real) / 64 + 1);
    Real* r = row_lines.front().values;
    Real* h = column_lines.front().values;
    for (std::size_t i = 0; i < rows.padded; ++i) r[i] = 0;
    for (std::size_t j = 0; j < columns.padded; ++j) h[j] = -std::numeric_limits<Real>::infinity();
    for (std::size_t i = 0; i < n; ++i) r[i] = static_cast<Real>(row_term[i] + rows.square_terms[i]);
    for (std::size_t j = 0; j < m; ++j) h[j] = static_cast<Real>(column_term[j] + columns.square_terms[j]);
    constexpr std::size_t width = 3;
    std::vector<Real> payload(columns.padded * width, Real(0));
    for (std::size_t j = 0; j < m * width; ++j) payload[j] = static_cast<Real>(normal(generator));

    std::vector<double> sums(panel), logs(panel), averages(panel * width);
    for (std::size_t first = 0; first < n; first += panel) {
      const TileArguments<Real> tile{d,
                                     rows.aligned() + first * static_cast<std::size_t>(d),
                                     r + first,
                                     columns.aligned(),
                                     h,
                                     columns.runs.data(),
                                     columns.padded};
      row_sums(tile, sums.data());
      row_log_sums(tile, logs.data());
      row_averages(tile, payload.data(), width, averages.data());
      for (std::size_t i = first; i < std::min(n, first + panel); ++i) {
        long double sum = 0, average[width] = {}, magnitude[width] = {};
        for (std::size_t j = 0; j < m; ++j) {
          long double t = static_cast<long double>(row_term[i]) + column_term[j];
          for (int k = 0; k < d; ++k) {
            const auto c = static_cast<std::size_t>(k);
            t -= s * std::pow(static_cast<long double>(x[c * n + i]) - y[c * m + j], 2);
          }
          const long double e = std::exp2(t);
          sum += e;
          for (std::size_t k = 0; k < width; ++k) {
            average[k] += e * payload[j * width + k];
            magnitude[k] += e * std::abs(payload[j * width + k]);
          }
        }
        BOOST_TEST(std::abs(static_cast<double>(sums[i - first] / sum - 1)) <= bound);
        BOOST_TEST(std::abs(logs[i - first] + rows.square_terms[i] + row_term[i] -
                            static_cast<double>(std::log2(sum))) <= 2 * bound);
        for (std::size_t k = 0; k < width; ++k)
          BOOST_TEST(std::abs(averages[k * panel + i - first] - static_cast<double>(average[k])) <=
                     bound * static_cast<double>(magnitude[k]));
      }
    }
  }
}

}  // namespace

// Bounds: exponents are sums of about d + 3 terms below 30 in size, so they carry (d + 3) * 30 * ulp / 2 at
// worst and a tenth of it in practice; float 6e-8 * 30 * 10, double 1.1e-16 * 30 * 10. Sums over at most 1024
// columns add less.
BOOST_AUTO_TEST_CASE(tiles_match_long_double) {
  for (const int d : {1, 2, 3, 4, 7, 16, 33, 130})
    for (const auto& [n, m] : {std::pair{1, 1}, {7, 33}, {33, 7}, {65, 43}, {129, 1100}}) {
      check_tile<float>(static_cast<std::size_t>(n), static_cast<std::size_t>(m), d, 2e-5);
      check_tile<double>(static_cast<std::size_t>(n), static_cast<std::size_t>(m), d, 4e-14);
    }
}
