#include "fortet/measure/datasets.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <string>

#include "fortet/measure/draw.hpp"

using namespace fortet;
static_assert(SamplableMeasure<PlanarDataset>);

namespace {

constexpr std::size_t count = 200000;
constexpr double pi = std::numbers::pi;

struct Moments {
  double x, y, xx, yy, xy;
};

Moments sampled(Shape shape) {
  const auto values = to_host(draw(DefaultExec(), PlanarDataset(shape), count, {.seed = 11}).points());
  Moments m{};
  for (std::size_t i = 0; i < count; ++i) {
    const double x = values[2 * i], y = values[2 * i + 1], w = 1.0 / count;
    m = {m.x + w * x, m.y + w * y, m.xx + w * x * x, m.yy + w * y * y, m.xy + w * x * y};
  }
  return m;
}

/// Five standard errors: |X|^2 and |X|^4 of these sets are below 60 and 4000.
void require_moments(Shape shape, const Moments& expected) {
  const Moments m = sampled(shape);
  const double mean = 5 * std::sqrt(60.0 / count), square = 5 * std::sqrt(4000.0 / count);
  BOOST_TEST_CONTEXT(to_string(shape)) {
    BOOST_TEST(std::abs(m.x - expected.x) < mean);
    BOOST_TEST(std::abs(m.y - expected.y) < mean);
    BOOST_TEST(std::abs(m.xx - expected.xx) < square);
    BOOST_TEST(std::abs(m.yy - expected.yy) < square);
    BOOST_TEST(std::abs(m.xy - expected.xy) < square);
  }
}

/// Mean of f over (0, 1) by the midpoint rule.
template <class F>
double mean(F f) {
  double sum = 0;
  for (int i = 0; i < 100000; ++i) sum += f((i + 0.5) / 100000);
  return sum / 100000;
}

}  // namespace

BOOST_AUTO_TEST_CASE(moments_are_those_of_the_definitions) {
  // moons: per half (cos, sin) and (1 - cos, 1/2 - sin) of an angle uniform on (0, pi), times 3, minus 1
  const double s = 2 / pi;
  const double y = (s + 0.5 - s) / 2, yy = (0.5 + 0.25 - s + 0.5) / 2, xx = (0.5 + 1.5) / 2, x = 0.5;
  const double xy = (0.5 - s) / 2;  // E[cos sin] = 0
  require_moments(Shape::moons, {3 * x - 1, 3 * y - 1, 9 * xx - 6 * x + 1 + 0.36, 9 * yy - 6 * y + 1 + 0.36,
                                 9 * xy - 3 * x - 3 * y + 1});
  const auto angle = [](double u) { return 3 * pi * (u - 0.5); };
  const auto sx = [&](double u) { return std::sin(angle(u)); };
  const auto sy = [&](double u) { return std::copysign(1.0, angle(u)) * (std::cos(angle(u)) - 1); };
  require_moments(Shape::s_curve, {0, 0, mean([&](double u) { return sx(u) * sx(u); }) + 0.0025,
                                   mean([&](double u) { return sy(u) * sy(u); }) + 0.0025,
                                   mean([&](double u) { return sx(u) * sy(u); })});
  const auto turn = [](double u) { return 3 * pi * (u + 0.5); };
  const auto rx = [&](double u) { return turn(u) * std::cos(turn(u)) / 5; };
  const auto ry = [&](double u) { return turn(u) * std::sin(turn(u)) / 5; };
  require_moments(
      Shape::swiss_roll,
      {mean(rx), mean(ry), mean([&](double u) { return rx(u) * rx(u); }) + 0.01,
       mean([&](double u) { return ry(u) * ry(u); }) + 0.01, mean([&](double u) { return rx(u) * ry(u); })});
  require_moments(Shape::eight_gaussians, {0, 0, 12.5 + std::sqrt(0.1), 12.5 + std::sqrt(0.1), 0});
  require_moments(Shape::checkerboard, {0, 0, 16.0 / 3, 16.0 / 3, 1});
  const double radius2 = (4 * 1.09 + 4 * 0.01) / 2;
  require_moments(Shape::pinwheel, {0, 0, radius2, radius2, 0});
  const double circle = (9 + 2.25) / 4 + 0.24 * 0.24;
  require_moments(Shape::circles, {0, 0, circle, circle, 0});
  require_moments(Shape::mixture, {0, 0, 50, 1, 0});
}

BOOST_AUTO_TEST_CASE(checkerboard_stays_on_its_squares) {
  const auto values =
      to_host(draw(DefaultExec(), PlanarDataset(Shape::checkerboard, 0.5), 10000, {.seed = 3}).points());
  for (std::size_t i = 0; i < 10000; ++i) {
    const double x = values[2 * i], y = values[2 * i + 1];  // squares of side 1 on [-2, 2]^2
    BOOST_TEST_REQUIRE((std::abs(x) <= 2 && std::abs(y) <= 2));
    const int parity = static_cast<int>(std::floor(x)) + static_cast<int>(std::floor(y));
    BOOST_TEST_REQUIRE(parity % 2 == 0);
  }
}

BOOST_AUTO_TEST_CASE(names_go_there_and_back) {
  for (auto name : shape_names()) BOOST_TEST(to_string(shape_from_name(name)) == name);
  try {
    shape_from_name("bananas");
    BOOST_TEST(false);
  } catch (const InvalidArgument& error) {
    BOOST_TEST(std::string(error.what()).find("s-curve") != std::string::npos);
  }
  BOOST_CHECK_THROW(PlanarDataset(Shape::moons, 0), InvalidArgument);
}
