#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/io/grid.hpp"
#include "fortet/io/npy.hpp"
#include "fortet/io/pgm.hpp"
#include "support/files.hpp"
#include "support/messages.hpp"

using namespace fortet;
using test::contains;
using test::message;
using test::TemporaryFolder;

namespace {

using Values = std::vector<double>;

}  // namespace

BOOST_AUTO_TEST_CASE(pictures) {
  const TemporaryFolder folder;
  const auto plain = folder.file("a.pgm", "P2 # a comment\n3 2\n# another\n10\n0 5 10\n1 2 3\n");
  BOOST_TEST((read_pgm(plain) == Array{{2, 3}, Values{0, 0.5, 1, 0.1, 0.2, 0.3}}));
  const auto raw = folder.file("b.pgm", std::string("P5\n2 1\n255\n") + '\x33' + '\xff');
  BOOST_TEST((read_pgm(raw) == Array{{1, 2}, Values{0.2, 1}}));
  const auto wide = folder.file("c.pgm", std::string("P5 1 1 65535\n") + '\x33' + '\x33');
  BOOST_TEST((read_pgm(wide) == Array{{1, 1}, Values{0.2}}));
  write_pgm(folder / "d.pgm", {{2, 2}, Values{0, 1, 2, 5}}, 4);
  BOOST_TEST((read_pgm(folder / "d.pgm") == Array{{2, 2}, Values{0, 64 / 255.0, 128 / 255.0, 1}}));
}

BOOST_AUTO_TEST_CASE(pictures_that_are_none) {
  const TemporaryFolder folder;
  const auto says = [&](const std::string& content) {
    return message([&] { read_pgm(folder.file("x.pgm", content)); });
  };
  BOOST_TEST(contains(says(""), "not a grey PGM"));
  BOOST_TEST(contains(says("P6 1 1 255\n..."), "not a grey PGM"));
  BOOST_TEST(contains(says("P5 2 2 255\nabc"), "truncated: expected 2 x 2"));
  BOOST_TEST(contains(says("P2 2 2 255\n1 2 3"), "truncated"));
  BOOST_TEST(contains(says("P2 1 1 8\n9"), "above 8"));
  BOOST_TEST(contains(says("P2 1 x 8\n9"), "malformed"));
  BOOST_TEST(contains(says("P5 99999999999 1 8\n9"), "too large"));
  BOOST_TEST(contains(says("P5 60000000 60000000 255\n9"), "truncated"));
  BOOST_TEST(contains(says("P5 0 1 255\n9"), "malformed"));
  BOOST_TEST(contains(says("P2 1 1 #"), "malformed"));
  BOOST_CHECK_THROW(read_pgm(folder / "missing.pgm"), BackendError);
  BOOST_CHECK_THROW(write_pgm(folder / "y.pgm", {{3}, Values{1, 2, 3}}, 1), InvalidArgument);
}

BOOST_AUTO_TEST_CASE(densities_from_files_and_back) {
  const TemporaryFolder folder;
  write_npy(folder / "a.npy", {{2, 3}, Values{0, 1, 2, 3, 4, 5}});
  const auto p = read_grid_measure(folder / "a.npy", {-1, 0}, {1, 6});
  BOOST_TEST((p.grid() == RegularGrid{{-1, 1, 2}, {0, 6, 3}}));
  BOOST_TEST(std::abs(p.mass() - 30) < 1e-13);  // cells of area 2
  const Array back = density_array(p);
  BOOST_TEST((back.shape == std::vector<std::size_t>{2, 3}));
  for (std::size_t i = 0; i < 6; ++i) BOOST_TEST(std::abs(back[i] - static_cast<double>(i) / 30) < 1e-16);
  // a column of a CSV file; a picture, its rows the first axis
  BOOST_TEST(read_grid_measure(folder.file("b.csv", "1\n2\n3\n"), {0}, {1}).size() == 3u);
  const auto picture = read_grid_measure(folder.file("c", "P2 3 2 9 0 0 0 0 0 9"), {0, 0}, {2, 3});
  BOOST_TEST(picture.mean(DefaultExec())[0] == 1.5);
  BOOST_TEST(picture.mean(DefaultExec())[1] == 2.5);
}

BOOST_AUTO_TEST_CASE(files_that_are_no_densities) {
  const TemporaryFolder folder;
  const auto says = [&](const Array& array, const Values& lower, const Values& upper) {
    write_npy(folder / "a.npy", array);
    return message([&] { read_grid_measure(folder / "a.npy", lower, upper); });
  };
  BOOST_TEST(contains(says({{2, 2}, Values{1, 1, -1, 1}}, {0, 0}, {1, 1}), "density[2] = -1"));
  BOOST_TEST(contains(says({{3}, Values{1, NAN, 1}}, {0}, {1}), "density[1] = nan"));
  BOOST_TEST(contains(says({{3}, Values{1, INFINITY, 1}}, {0}, {1}), "density[1] = inf"));
  BOOST_TEST(contains(says({{3}, Values{0, 0, 0}}, {0}, {1}), "some mass"));
  BOOST_TEST(contains(says({{1}, Values{1}}, {0}, {1}), "axes[0].nodes = 1"));
  BOOST_TEST(contains(says({{3}, Values{1, 1, 1}}, {0, 0}, {1, 1}), "lower.size() = 2"));
  BOOST_TEST(contains(says({{3}, Values{1, 1, 1}}, {0}, {}), "upper.size() = 0"));
  BOOST_TEST(contains(says({{3}, Values{1, 1, 1}}, {1}, {0}), "a.npy: "));
  BOOST_TEST(contains(says({{1, 1, 1, 1}, Values{1}}, {0}, {1}), "one to three axes"));
}
