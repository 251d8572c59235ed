#include "fortet/io/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fortet/io/atomic_file.hpp"

namespace fortet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view blanks = " \t\r\v\f";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// A field without the blanks and quotes around it.
std::string_view bare(std::string_view field) {
  field = trimmed(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = trimmed(field.substr(1, field.size() - 2));
  return field;
}

// What a message shows of a field: printable and short, whatever the file holds.
std::string shown(std::string_view field) {
  std::string out;
  for (char c : field.substr(0, 40)) out += c >= ' ' && c <= '~' ? c : '?';
  return "'" + out + (field.size() > 40 ? "...'" : "'");
}

std::errc parse_number(std::string_view field, double& value) {
  if (field.starts_with('+') && !field.starts_with("+-")) field.remove_prefix(1);
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc()) return error;
  return end == field.data() + field.size() ? std::errc() : std::errc::invalid_argument;
}

// Separator 0 stands for any run of blanks.
char guess_separator(std::string_view line) {
  for (char c : {';', '\t', ','})
    if (line.find(c) != std::string_view::npos) return c;
  return '\0';
}

void split(std::string_view line, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  if (separator == '\0') {
    for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
      const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
      fields.push_back(bare(line.substr(at, end - at)));
      at = line.find_first_not_of(blanks, end);
    }
    return;
  }
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t end = std::min(line.find(separator, at), line.size());
    fields.push_back(bare(line.substr(at, end - at)));
    at = end + 1;
  }
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name, const CsvFormat& format)
      : text_(text), name_(name), format_(format) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);  // byte order mark
  }

  Array parse() {
    if (text_.empty()) throw InvalidArgument(name_ + ": the file is empty");
    while (next_line()) {
      split(content_, separator(), fields_);
      if (first_line_ == 0) {
        first_line_ = line_;
        width_ = fields_.size();
        if (is_header()) continue;
      }
      append_row();
    }
    if (values_.empty()) throw InvalidArgument(name_ + ": the file holds no numbers");
    return {{values_.size() / width_, width_}, std::move(values_)};
  }

 private:
  // Moves to the next line that is neither blank nor a comment.
  bool next_line() {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      content_ = trimmed_line(text_.substr(at_, end - at_));
      at_ = end + 1;
      ++line_;
      const std::string_view visible = trimmed(content_);
      if (!visible.empty() && visible.front() != format_.comment) return true;
    }
    return false;
  }
  static std::string_view trimmed_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  char separator() {
    if (!separator_) separator_ = format_.separator ? *format_.separator : guess_separator(content_);
    return *separator_;
  }

  bool is_header() const {
    if (format_.header) return *format_.header;
    return std::none_of(fields_.begin(), fields_.end(), [](std::string_view field) {
      double ignored;
      return parse_number(field, ignored) == std::errc();
    });
  }

  void append_row() {
    if (fields_.size() != width_)
      reject("", std::to_string(fields_.size()) + " values where line " + std::to_string(first_line_) +
                     " has " + std::to_string(width_));
    for (std::size_t k = 0; k < width_; ++k) {
      double value = 0;
      const std::errc error = parse_number(fields_[k], value);
      if (error != std::errc()) reject_field(k, error);
      values_.push_back(value);
    }
  }

  [[noreturn]] void reject_field(std::size_t k, std::errc error) const {
    const std::string column = ", column " + std::to_string(k + 1);
    if (fields_[k].empty()) reject(column, "the field is empty");
    if (error == std::errc::result_out_of_range)
      reject(column, shown(fields_[k]) + " is outside the range of double");
    const bool decimal_comma = fields_[k].find(',') != std::string_view::npos;
    reject(column, shown(fields_[k]) + " is not a number" +
                       (decimal_comma ? " (the decimal mark is the point)" : ""));
  }
  [[noreturn]] void reject(const std::string& column, const std::string& what) const {
    throw InvalidArgument(name_ + ", line " + std::to_string(line_) + column + ": " + what);
  }

  std::string_view text_;
  const std::string& name_;
  const CsvFormat& format_;
  std::optional<char> separator_;
  std::size_t at_ = 0, line_ = 0, first_line_ = 0, width_ = 0;
  std::string_view content_;
  std::vector<std::string_view> fields_;
  std::vector<double> values_;
};

}  // namespace

Array parse_csv(std::string_view text, const std::string& name, const CsvFormat& format) {
  return Parser(text, name, format).parse();
}

Array read_csv(const fs::path& path, const CsvFormat& format) {
  return parse_csv(read_text(path), path.string(), format);
}

std::string to_csv(const Array& array, const std::vector<std::string>& header, char separator) {
  constexpr const char* where = "fortet::to_csv";
  detail::require(array.rank() == 1 || array.rank() == 2, where, "array.shape", shape_text(array.shape),
                  "expected one or two dimensions");
  const std::size_t columns = array.rank() == 1 ? 1 : array.shape[1];
  detail::require(header.empty() || header.size() == columns, where, "header.size()", header.size(),
                  "expected a name for each of the " + std::to_string(columns) + " columns");
  std::string text;
  for (std::size_t k = 0; k < header.size(); ++k) {
    text += header[k];
    text += k + 1 < columns ? separator : '\n';
  }
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          char digits[32];
          text.append(digits, std::to_chars(digits, digits + sizeof digits, values[i]).ptr);
          text += (i + 1) % columns == 0 ? '\n' : separator;
        }
      },
      array.values);
  return text;
}

void write_csv(const fs::path& path, const Array& array, const std::vector<std::string>& header,
               char separator) {
  write_text(path, to_csv(array, header, separator));
}

}  // namespace fortet
