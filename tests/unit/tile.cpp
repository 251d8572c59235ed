// The packed tiles against sums written out in long double, on awkward sizes and every
// instruction-set-dependent shape: one row or column more or less than a panel or a group.
#include "kernel/tile.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

using namespace fortet::kernel;

namespace {

template <class Real>
struct alignas(64) Line {
  Real values[64 / sizeof(Real)];
};

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
    std::vector<Line<Real>> row_lines(rows.padded * sizeof(Real) / 64 + 1),
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
                                     rows.values.data() + first * static_cast<std::size_t>(d),
                                     r + first,
                                     columns.values.data(),
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

namespace {

/// Coordinate-major points around `first` and, every other one, around `second`, whose coordinates are
/// multiples of 1/64: packing rounds nothing.
std::vector<double> clusters(std::size_t n, int d, double first, double second, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_int_distribution<int> sixty_fourths(-64, 64);
  std::vector<double> points(n * static_cast<std::size_t>(d));
  for (std::size_t at = 0; at < points.size(); ++at)
    points[at] = (at % n % 2 == 0 ? first : second) + sixty_fourths(generator) / 64.0;
  return points;
}

/// Largest relative error of float row sums of exp2(-|x - y|^2 / 2).
double error_of_sums(const std::vector<double>& x, const PackedColumns<float>& columns,
                     const std::vector<double>& y, int d) {
  const std::size_t n = x.size() / static_cast<std::size_t>(d), m = columns.count;
  const std::vector<double> centre(static_cast<std::size_t>(d), 0.0);
  const auto rows = pack_rows<float>(x.data(), n, d, centre.data(), 1.0);
  std::vector<Line<float>> row_lines(rows.padded / 16 + 1), column_lines(columns.padded / 16 + 1);
  float *const r = row_lines.front().values, *const h = column_lines.front().values;
  for (std::size_t j = 0; j < columns.padded; ++j)
    h[j] = j < m ? static_cast<float>(columns.square_terms[j]) : -std::numeric_limits<float>::infinity();
  std::vector<double> sums(rows.padded);
  for (std::size_t first = 0; first < n; first += rows.group)
    row_sums<float>({d, rows.values.data() + first * static_cast<std::size_t>(d), r + first,
                     columns.values.data(), h, columns.runs.data(), columns.padded},
                    sums.data() + first);
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    long double sum = 0;
    for (std::size_t j = 0; j < m; ++j) {
      long double t = 0;
      for (std::size_t k = 0; k < static_cast<std::size_t>(d); ++k)
        t -= std::pow(static_cast<long double>(x[k * n + i]) - y[k * m + j], 2) / 2;
      sum += std::exp2(t);
    }
    worst = std::max(worst, std::abs(static_cast<double>(sums[i] / sum - 1)));
  }
  return worst;
}

}  // namespace

// Far from the centre, where squares are 800 d and a dot product about it is off by 800 d * 6e-8 = 5e-5 d: a
// run of neighbours about its middle, where nothing is above 4 d (some 5 roundings of 12 * 6e-8 * log 2 in a
// term, less in a sum), and a run of two clusters in the difference form.
BOOST_AUTO_TEST_CASE(digits_are_kept_far_from_the_centre) {
  for (const int d : {1, 2, 3}) {
    const std::vector<double> centre(static_cast<std::size_t>(d), 0.0);
    const auto x = clusters(200, d, 40, 40, 1), near = clusters(70, d, 40, 40, 2),
               apart = clusters(70, d, 40, -40, 3);
    const auto of_neighbours = pack_columns<float>(near.data(), 70, d, centre.data(), 1.0),
               of_two = pack_columns<float>(apart.data(), 70, d, centre.data(), 1.0);
    BOOST_TEST(of_neighbours.runs.front().dot_form);
    BOOST_TEST(!of_two.runs.front().dot_form);
    BOOST_TEST(error_of_sums(x, of_neighbours, near, d) <= 1e-6);
    BOOST_TEST(error_of_sums(x, of_two, apart, d) <= 1e-6);
  }
}
