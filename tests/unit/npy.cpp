#include "fortet/io/npy.hpp"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "fortet/io/points.hpp"
#include "support/files.hpp"

using namespace fortet;
using test::contains, test::message, test::TemporaryFolder;

namespace {

std::string unhex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

// A .npy file from its parts: the header padded to `length` bytes as numpy does, the values in hexadecimal.
std::string npy(int version, std::size_t length, std::string header, const std::string& hex) {
  header.append(length - 1 - header.size(), ' ');
  header += '\n';
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(length >> (8 * i) & 255);
  return out + header + unhex(hex);
}

std::string dictionary(const std::string& descr, bool fortran, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

// The bytes numpy 2 wrote for [[1.5, -2, 3], [4, 5, 1e300]] and its relatives.
const std::string c_order =
    npy(1, 0x76, dictionary("<f8", false, "(2, 3)"),
        "000000000000f83f00000000000000c0000000000000084000000000000010400000000000001440"
        "9c7500883ce4377e");
const std::string fortran_order =
    npy(1, 0x76, dictionary("<f8", true, "(2, 3)"),
        "000000000000f83f000000000000104000000000000000c0000000000000144000000000000008409c7500883ce4377e");
const std::string big_endian =
    npy(1, 0x76, dictionary(">f8", false, "(2, 3)"),
        "3ff8000000000000c0000000000000004008000000000000401000000000000040140000000000007e37e43c8800759c");
const std::string float_c =
    npy(1, 0x76, dictionary("<f4", false, "(2, 2)"), "0000c03f000000c0000080400000a040");
const std::string float_big_fortran_v2 =
    npy(2, 0x74, dictionary(">f4", true, "(2, 2)"), "3fc0000040800000c000000040a00000");

const Array doubles{{2, 3}, std::vector<double>{1.5, -2, 3, 4, 5, 1e300}};
const Array floats{{2, 2}, std::vector<float>{1.5f, -2, 4, 5}};

std::string refusal(const TemporaryFolder& folder, const std::string& bytes) {
  const auto path = folder.file("refused.npy", bytes);
  const std::string said = message<InvalidArgument>([&] { read_npy(path); });
  BOOST_TEST(said.starts_with(path.string()), said);
  return said;
}

}  // namespace

BOOST_AUTO_TEST_CASE(reads_what_numpy_writes) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) { return read_npy(folder.file("a.npy", bytes)); };
  BOOST_TEST((read(c_order) == doubles));
  BOOST_TEST((read(fortran_order) == doubles));
  BOOST_TEST((read(big_endian) == doubles));
  BOOST_TEST((read(float_c) == floats));
  BOOST_TEST((read(float_big_fortran_v2) == floats));
  BOOST_TEST((read(npy(3, 0x74, dictionary("<f8", false, "(1, 1)"), "000000000000e03f")) ==
              Array{{1, 1}, std::vector<double>{0.5}}));
  BOOST_TEST((read(npy(1, 0x76, dictionary("<f8", false, "()"), "0000000000000040")) ==
              Array{{}, std::vector<double>{2}}));
  BOOST_TEST(
      (read(npy(1, 0x76, dictionary("<f8", false, "(0, 2)"), "")) == Array{{0, 2}, std::vector<double>{}}));
  BOOST_TEST((read(npy(1, 0x76, dictionary("<i2", false, "(2,)"), "0100feff")) ==
              Array{{2}, std::vector<double>{1, -2}}));
  BOOST_TEST((read(npy(1, 0x76, dictionary("<i8", false, "(2,)"), "0000000000002000f9ffffffffffffff")) ==
              Array{{2}, std::vector<double>{0x1p53, -7}}));
  BOOST_TEST((read(npy(1, 0x76, dictionary("|b1", false, "(2,)"), "0100")) ==
              Array{{2}, std::vector<double>{1, 0}}));
  // Python 2 wrote (2L, 3L)
  BOOST_TEST(
      (read(npy(1, 0x76, dictionary("<f8", false, "(2L, 3L)"), "").append(c_order.substr(128))) == doubles));
}

BOOST_AUTO_TEST_CASE(writes_what_numpy_writes) {
  const TemporaryFolder folder;
  write_npy(folder / "a.npy", doubles);
  BOOST_TEST(test::content(folder / "a.npy") == c_order);
  write_npy(folder / "a.npy", floats);
  BOOST_TEST(test::content(folder / "a.npy") == float_c);
  BOOST_TEST(folder.number_of_files() == 1u);
  const Array cube{{2, 1, 3}, std::vector<double>{0, 1, 2, 3, 4, 5}};
  write_npy(folder / "cube.npy", cube);
  BOOST_TEST((read_npy(folder / "cube.npy") == cube));
}

BOOST_AUTO_TEST_CASE(fortran_order_of_three_axes) {
  const TemporaryFolder folder;
  // numpy: asfortranarray(arange(6).reshape(2, 1, 3)) is stored as 0, 3, 1, 4, 2, 5
  const auto path = folder.file("f.npy", npy(1, 0x76, dictionary("|u1", true, "(2, 1, 3)"), "000301040205"));
  BOOST_TEST((read_npy(path) == Array{{2, 1, 3}, std::vector<double>{0, 1, 2, 3, 4, 5}}));
}

BOOST_AUTO_TEST_CASE(refuses_what_it_cannot_read) {
  const TemporaryFolder folder;
  const auto header = [](const std::string& text) { return npy(1, 0x76, text, ""); };
  BOOST_TEST(contains(refusal(folder, ""), "the file is empty"));
  BOOST_TEST(contains(refusal(folder, "1,2\n3,4\n"), "not a .npy file"));
  BOOST_TEST(contains(refusal(folder, std::string("\x93NUMPY\x04\0v\0", 10)), "version 4"));
  BOOST_TEST(contains(refusal(folder, header(dictionary("|O", false, "(2,)"))), "pickled"));
  BOOST_TEST(
      contains(refusal(folder, header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }")),
               "structured"));
  for (const char* type : {"<c16", "<f2", "<f16", "<U3", "|S5", "<M8[ns]", "|V8", "", "f"})
    BOOST_TEST(contains(refusal(folder, header(dictionary(type, false, "(2,)"))), "is not read"));
  BOOST_TEST(contains(refusal(folder, npy(1, 0x76, dictionary("<i8", false, "(1,)"), "0100000000002000")),
                      "9007199254740993"));
  for (const char* text :
       {"", "{", "{'descr': '<f8'}", "{'descr': '<f8', 'fortran_order': False, 'shape': (2,",
        "{'descr': '<f8', 'fortran_order': maybe, 'shape': (2,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), 'more': 1}"})
    BOOST_TEST(contains(refusal(folder, header(text)), "malformed"));
  BOOST_TEST(contains(refusal(folder, header(dictionary("<f8", false, "(4294967296, 4294967296)"))),
                      "larger than any memory"));
}

// Every proper beginning of a file is refused, with a message, and nothing large is allocated for it.
BOOST_AUTO_TEST_CASE(truncated_files) {
  const TemporaryFolder folder;
  for (std::size_t length = 0; length < c_order.size(); ++length) refusal(folder, c_order.substr(0, length));
  BOOST_TEST(
      contains(refusal(folder, c_order.substr(0, 128 + 40)), "needs 48 bytes of values but the file has 40"));
  BOOST_TEST(contains(refusal(folder, c_order + "x"), "has 49"));
  BOOST_TEST(contains(refusal(folder, npy(1, 0x76, dictionary("<f8", false, "(1000000000000,)"), "")),
                      "needs 8000000000000 bytes"));
}

BOOST_AUTO_TEST_CASE(unreadable_and_unwritable) {
  const TemporaryFolder folder;
  const auto missing = folder / "missing.npy";
  BOOST_TEST(contains(message<BackendError>([&] { read_npy(missing); }), "No such file"));
  BOOST_TEST(contains(message<BackendError>([&] { read_npy(folder.path()); }), "directory"));
  BOOST_TEST(contains(message<BackendError>([&] { write_npy(folder / "no/such/folder.npy", doubles); }),
                      "No such file or directory"));
  BOOST_TEST(contains(message<BackendError>([&] { write_npy(folder.path(), doubles); }), "directory"));
  BOOST_TEST(folder.number_of_files() == 0u);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_nothing_behind) {
  BOOST_TEST(contains(message<BackendError>([] { write_npy("/dev/full", doubles); }), "No space left"));
  // a limit on the size of files fails in the middle of one, as a full disk does
  const TemporaryFolder folder;
  const auto path = folder.file("a.npy", "what was there before");
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{.rlim_cur = 1 << 16, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Array large{{1 << 15}, std::vector<double>(1 << 15)};
  const std::string said = message<BackendError>([&] { write_npy(path, large); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, previous);
  BOOST_TEST(contains(said, "cannot write"), said);
  BOOST_TEST(folder.number_of_files() == 1u);
  BOOST_TEST(test::content(path) == "what was there before");
}

BOOST_AUTO_TEST_CASE(pieces) {
  const TemporaryFolder folder;
  const auto path = folder / "a.npy";
  {
    NpyWriter<double> writer(path, {2, 3});
    writer.append(std::vector<double>{1.5, -2, 3, 4});
    BOOST_TEST(contains(message<InvalidArgument>([&] { writer.finish(); }), "missing values = 2"));
    BOOST_TEST(
        contains(message<InvalidArgument>([&] { writer.append(std::vector<double>(3)); }), "room for 2"));
    BOOST_TEST(!std::filesystem::exists(path));
    writer.append(std::vector<double>{5, 1e300});
    writer.finish();
  }
  BOOST_TEST((read_npy(path) == doubles));
  { NpyWriter<double> abandoned(folder / "b.npy", {2}); }
  BOOST_TEST(folder.number_of_files() == 1u);
}

BOOST_AUTO_TEST_CASE(a_link_keeps_pointing_to_its_file) {
  const TemporaryFolder folder;
  const auto file = folder.file("real.npy", "old");
  std::filesystem::create_symlink(file, folder / "link.npy");
  write_npy(folder / "link.npy", doubles);
  BOOST_TEST(std::filesystem::is_symlink(folder / "link.npy"));
  BOOST_TEST((read_npy(file) == doubles));
}

BOOST_AUTO_TEST_CASE(views) {
  const TemporaryFolder folder;
  const auto path = folder.file("points.npy", c_order);
  const auto points = read_points<double>(path);
  BOOST_TEST(points.extent(0) == 2u);
  BOOST_TEST((to_host(points) == std::vector<double>{1.5, -2, 3, 4, 5, 1e300}));
  write_npy(folder / "again.npy", points);
  BOOST_TEST(test::content(folder / "again.npy") == c_order);
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_points<float>(path); }),
                      "value (1, 2) = 1e+300 is too large for float"));
  BOOST_TEST((to_host(read_points<float>(folder.file("floats.npy", float_c))) ==
              std::vector<double>{1.5, -2, 4, 5}));

  write_npy(path, Array{{2, 2}, std::vector<double>{0, 1, 2, std::nan("")}});
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_points<double>(path); }), "value (1, 1) = nan"));
  write_npy(path, Array{{3}, std::vector<double>{1, 0, std::numeric_limits<double>::infinity()}});
  BOOST_TEST(
      contains(message<InvalidArgument>([&] { read_points<double>(path); }), "shape (3,); expected (n, d)"));
  BOOST_TEST(to_host(read_vector<double>(path))[2] == std::numeric_limits<double>::infinity());
  write_npy(path, Array{{0, 3}, std::vector<double>{}});
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_points<double>(path); }), "at least one point"));
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_vector<double>(path); }), "expected a vector"));

  const auto line = folder.file("line.csv", "0\n1\n2\n");
  write_npy(path, Array{{3}, std::vector<double>{1, 0, 3}});
  BOOST_TEST(read_point_cloud<double>(line, path).mass() == 4.0);
  BOOST_TEST(read_point_cloud<float>(line).size() == 3u);
  write_npy(path, Array{{3}, std::vector<double>{1, 0, -3}});
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_point_cloud<double>(line, path); }),
                      path.string() + ": fortet::PointCloud: weights(2) = -3"));
}
