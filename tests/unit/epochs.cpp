// Rows without replacement: keyed permutations and the clouds drawn by them.
#include "fortet/measure/epochs.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>
#include <vector>

using namespace fortet;

BOOST_AUTO_TEST_CASE(every_element_once) {
  for (const std::uint64_t n : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 1000u, 4097u}) {
    std::vector<bool> seen(n, false);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t at = random_permutation({.seed = 3, .stream = n}, i, n);
      BOOST_TEST_REQUIRE(at < n);
      BOOST_TEST_REQUIRE(!seen[at]);
      seen[at] = true;
    }
  }
}

// Over 20,000 keys every position of 7 gets every value equally often, and neighbours all 42 ordered pairs.
BOOST_AUTO_TEST_CASE(permutations_are_uniform) {
  const std::uint64_t n = 7;
  const int keys = 20000;
  std::vector<int> pairs(n * n, 0);
  std::vector<int> singles(n * n, 0);
  for (int key = 0; key < keys; ++key) {
    const RandomKey own = RandomKey{.seed = 1}.child(std::uint64_t(key));
    for (std::uint64_t i = 0; i < n; ++i) ++singles[i * n + random_permutation(own, i, n)];
    ++pairs[random_permutation(own, 2, n) * n + random_permutation(own, 3, n)];
  }
  const auto chi_square = [](const std::vector<int>& counts, double expected) {
    double sum = 0;
    for (int count : counts)
      if (count > 0) sum += (count - expected) * (count - expected) / expected;
    return sum;
  };
  // chi squared of 36 and 41 degrees of freedom: five standard deviations above the mean
  BOOST_TEST(chi_square(singles, keys / 7.0) < 36 + 5 * std::sqrt(2.0 * 36));
  BOOST_TEST(chi_square(pairs, keys / 42.0) < 41 + 5 * std::sqrt(2.0 * 41));
  BOOST_TEST(std::count(pairs.begin(), pairs.end(), 0) == 7);
}

BOOST_AUTO_TEST_CASE(a_draw_is_epoch_after_epoch) {
  const std::size_t n = 100;
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 0.0);
  const Epochs cloud(points_from_host<double>(std::span<const double>(values), n, 1));
  Points<double> out("out", 250, 1);
  cloud.sample(DefaultExec(), {.seed = 4}, out);
  auto drawn = to_host(out);
  const std::vector<double> first(drawn.begin(), drawn.begin() + 100),
      second(drawn.begin() + 100, drawn.begin() + 200);
  BOOST_TEST(first != second);
  for (auto epoch : {first, second}) {
    std::sort(epoch.begin(), epoch.end());
    BOOST_TEST(epoch == values);
  }
  std::sort(drawn.begin() + 200, drawn.end());
  BOOST_TEST((std::adjacent_find(drawn.begin() + 200, drawn.end()) == drawn.end()));
}
