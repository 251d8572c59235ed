#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fortet/io/array.hpp"

namespace fortet {

/// How a table of numbers is written down. Empty options are found out from the file.
struct CsvFormat {
  std::optional<char> separator = {};  ///< default: the first of ';', tab, ',' in the first line, else blanks
  std::optional<bool> header = {};     ///< default: the first line is a header when none of it is a number
  char comment = '#';                  ///< lines starting with it are skipped, as blank lines are
};

/// Reads an n x d table of numbers as double. A byte order mark, CRLF line ends, quoted fields and blanks
/// around values are accepted; the decimal mark is the point. Throws BackendError when the file cannot be
/// read, and InvalidArgument with line and column on anything that is not a number, an empty field, or a row
/// of another length, and for a file without numbers. O(size) time, memory for the file and the array.
Array read_csv(const std::filesystem::path& path, const CsvFormat& format = {});

/// The same from text; `name` stands for the file in messages.
Array parse_csv(std::string_view text, const std::string& name, const CsvFormat& format = {});

/// A one- or two-dimensional array as CSV, with the fewest digits that read back to the same numbers. Throws
/// InvalidArgument on another rank or a header of the wrong length. O(size) time and memory.
std::string to_csv(const Array& array, const std::vector<std::string>& header = {}, char separator = ',');

/// The same as a file. Throws BackendError too.
void write_csv(const std::filesystem::path& path, const Array& array,
               const std::vector<std::string>& header = {}, char separator = ',');

}  // namespace fortet
