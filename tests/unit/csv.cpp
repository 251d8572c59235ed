#include "fortet/io/csv.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "support/files.hpp"

using namespace fortet;
using test::contains, test::message, test::TemporaryFolder;

namespace {
const Array expected{{2, 2}, std::vector<double>{1, 2.5, -3, 4e-3}};

Array parse(std::string_view text, const CsvFormat& format = {}) { return parse_csv(text, "t.csv", format); }
std::string refusal(std::string_view text, const CsvFormat& format = {}) {
  return message<InvalidArgument>([&] { parse(text, format); });
}
}  // namespace

BOOST_AUTO_TEST_CASE(ways_to_write_the_same_table) {
  for (const char* text : {"1,2.5\n-3,4e-3\n", "1,2.5\n-3,4e-3", "x,y\n1,2.5\n-3,4e-3\n", "1;2.5\n-3;4e-3\n",
                           "1\t2.5\n-3\t4e-3\n", "1 2.5\n -3   4e-3 \n", "1 , 2.5\r\n-3 , +4e-3\r\n",
                           "\xEF\xBB\xBFx,y\r\n1,2.5\r\n-3,4e-3\r\n",
                           "\n# a comment, with commas\n\"x\",\"the y\"\n\n1,2.5\n  # another\n-3,4e-3\n\n",
                           "\"1\",\"2.5\"\n\"-3\",\"4E-3\"\n", "+1.0,2.5e0\n-3.,.004\n",
                           "\xEF\xBB\xBF"
                           "1,2.5\n-3,4e-3\n"})
    BOOST_TEST((parse(text) == expected), text);
  BOOST_TEST((parse("1,2\n1,2.5\n-3,4e-3\n", {.header = true}) == expected));
  BOOST_TEST((parse("1|2.5\n-3|4e-3\n", {.separator = '|'}) == expected));
  BOOST_TEST((parse("% c\n1,2.5\n-3,4e-3\n", {.comment = '%'}) == expected));
  BOOST_TEST((parse("5") == Array{{1, 1}, std::vector<double>{5}}));
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite_are_read) {
  const Array array = parse("nan,inf\n-inf,0\n");
  BOOST_TEST(std::isnan(array[0]));
  BOOST_TEST(array[1] == std::numeric_limits<double>::infinity());
  BOOST_TEST(array[2] == -std::numeric_limits<double>::infinity());
}

BOOST_AUTO_TEST_CASE(errors_name_line_and_column) {
  BOOST_TEST(refusal("") == "t.csv: the file is empty");
  BOOST_TEST(refusal("\n # nothing\n") == "t.csv: the file holds no numbers");
  BOOST_TEST(refusal("x,y\n") == "t.csv: the file holds no numbers");
  BOOST_TEST(refusal("x,y\n\n1,2\n3,four\n") == "t.csv, line 4, column 2: 'four' is not a number");
  BOOST_TEST(refusal("1,two\n") == "t.csv, line 1, column 2: 'two' is not a number");
  BOOST_TEST(refusal("x,y\n1,2\n", {.header = false}) == "t.csv, line 1, column 1: 'x' is not a number");
  BOOST_TEST(refusal("1,2\n3\n") == "t.csv, line 2: 1 values where line 1 has 2");
  BOOST_TEST(refusal("1,2\n3,4,5\n") == "t.csv, line 2: 3 values where line 1 has 2");
  BOOST_TEST(refusal("1,2\n3,\n") == "t.csv, line 2, column 2: the field is empty");
  BOOST_TEST(refusal("1,2\n3,1e999\n") == "t.csv, line 2, column 2: '1e999' is outside the range of double");
  BOOST_TEST(contains(refusal("1,5;2\n"), "the decimal mark is the point"));
  BOOST_TEST(refusal("1,2\n3,4 5\n") == "t.csv, line 2, column 2: '4 5' is not a number");
  BOOST_TEST(refusal("1,2\n3,0x10\n") == "t.csv, line 2, column 2: '0x10' is not a number");
  // whatever bytes a file holds, the message is short and printable
  BOOST_TEST(refusal("1\n" + std::string(50, '\1')) ==
             "t.csv, line 2, column 1: '" + std::string(40, '?') + "...' is not a number");
}

BOOST_AUTO_TEST_CASE(written_tables_read_back_to_the_same_numbers) {
  const TemporaryFolder folder;
  const Array doubles{{2, 2}, std::vector<double>{0.1, 1.0 / 3, -1e-300, 123456789.125}};
  write_csv(folder / "a.csv", doubles, {"x", "y"});
  BOOST_TEST(test::content(folder / "a.csv").starts_with("x,y\n0.1,0.3333333333333333\n"));
  BOOST_TEST((read_csv(folder / "a.csv") == doubles));
  write_csv(folder / "f.csv", Array{{2}, std::vector<float>{0.1f, 3e30f}}, {}, ';');
  BOOST_TEST(test::content(folder / "f.csv") == "0.1\n3e+30\n");
  BOOST_TEST(
      contains(message<InvalidArgument>([&] { write_csv(folder / "a.csv", doubles, {"x"}); }), "2 columns"));
  BOOST_TEST(contains(message<InvalidArgument>([&] {
                        write_csv(folder / "a.csv", Array{{1, 1, 1}, std::vector<double>{1}});
                      }),
                      "(1, 1, 1)"));
  BOOST_TEST(contains(message<BackendError>([&] { write_csv("/dev/full", doubles); }), "No space left"));
  BOOST_TEST((read_csv(folder / "a.csv") == doubles));
  BOOST_TEST(folder.number_of_files() == 2u);
}

BOOST_AUTO_TEST_CASE(the_format_is_found_by_content_and_name) {
  const TemporaryFolder folder;
  const Array array{{2, 1}, std::vector<double>{1, 2}};
  for (const char* name : {"a.npy", "a.csv", "a.tsv", "a.txt", "noextension"}) {
    write_array(folder / name, array);
    BOOST_TEST((read_array(folder / name) == array), name);
  }
  BOOST_TEST(test::content(folder / "a.csv") == "1\n2\n");
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_array(folder / "a.npz"); }), ".npz archives"));
  folder.file("a.npy", "1,2\n");
  BOOST_TEST(contains(message<InvalidArgument>([&] { read_array(folder / "a.npy"); }), "not a .npy file"));
  BOOST_TEST(contains(message<BackendError>([&] { read_array(folder / "missing.csv"); }), "No such file"));
}
