#include "fortet/random/philox.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

// Known-answer vectors of Philox4x32-10 published with Random123 (kat_vectors).
BOOST_AUTO_TEST_CASE(known_answers) {
  const auto check = [](fortet::PhiloxBlock counter, std::uint32_t k0, std::uint32_t k1,
                        fortet::PhiloxBlock expected) {
    const auto out = fortet::philox4x32(counter, k0, k1);
    for (int i = 0; i < 4; ++i) BOOST_TEST(out.word[i] == expected.word[i]);
  };
  check({{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  check({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffff, 0xffffffff,
        {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  check({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0,
        {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

// Means of n draws against their standard errors: |error| < 5 / sqrt(n) standard deviations, one chance in a
// million to fail had the seed not been fixed.
BOOST_AUTO_TEST_CASE(moments) {
  const int n = 200000;
  double uniform = 0, mean = 0, square = 0, product = 0, streams = 0;
  for (int i = 0; i < n; ++i) {
    const fortet::RandomKey key{.seed = 7, .stream = 3};
    uniform += fortet::random_uniform(key, i, 0);
    const double a = fortet::random_normal(key, i, 0), b = fortet::random_normal(key, i, 1);
    mean += a;
    square += a * a;
    product += a * b;
    streams += a * fortet::random_normal(key.child(1), i, 0);
  }
  const double bound = 5 / std::sqrt(n);
  BOOST_TEST(std::abs(uniform / n - 0.5) < bound * std::sqrt(1.0 / 12));
  BOOST_TEST(std::abs(mean / n) < bound);
  BOOST_TEST(std::abs(square / n - 1) < bound * std::sqrt(2.0));
  BOOST_TEST(std::abs(product / n) < bound);
  BOOST_TEST(std::abs(streams / n) < bound);
}
