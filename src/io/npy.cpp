#include "fortet/io/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <numeric>
#include <utility>

namespace fortet {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::string_view accepted = "expected floats of 4 or 8 bytes, integers or booleans";

[[noreturn]] void reject(const fs::path& path, const std::string& what) {
  throw InvalidArgument(path.string() + ": " + what);
}

struct Header {
  std::string descr;  // numpy's type code, for example "<f8"
  bool fortran_order = false;
  std::vector<std::size_t> shape;
};

// Reads the dictionary {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), } and nothing else of
// Python.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const fs::path& path) : text_(text), path_(path) {}

  Header parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      value(key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (seen_ != 7u) malformed();
    return header_;
  }

 private:
  void value(const std::string& key) {
    if (key == "descr") {
      seen_ |= 1u;
      if (peek() == '[') reject(path_, "the array has structured elements; " + std::string(accepted));
      header_.descr = string();
    } else if (key == "fortran_order") {
      seen_ |= 2u;
      header_.fortran_order = boolean();
    } else if (key == "shape") {
      seen_ |= 4u;
      header_.shape = tuple();
    } else {
      malformed();
    }
  }

  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed();
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed();
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) malformed();
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    malformed();
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> out;
    expect('(');
    while (!accept(')')) {
      peek();
      std::size_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), extent);
      if (error != std::errc()) malformed();
      at_ = static_cast<std::size_t>(end - text_.data());
      accept('L');  // Python 2 wrote long integers so
      out.push_back(extent);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }
  [[noreturn]] void malformed() { reject(path_, "the .npy header is malformed: " + std::string(text_)); }

  std::string_view text_;
  const fs::path& path_;
  std::size_t at_ = 0;
  unsigned seen_ = 0;
  Header header_;
};

std::size_t read_bytes(std::istream& in, void* out, std::size_t count) {
  in.read(static_cast<char*>(out), static_cast<std::streamsize>(count));
  return static_cast<std::size_t>(in.gcount());
}

Header read_header(std::istream& in, const fs::path& path) {
  std::array<unsigned char, 8> start{};
  const std::size_t got = read_bytes(in, start.data(), start.size());
  if (got == 0) reject(path, "the file is empty");
  if (std::memcmp(start.data(), magic.data(), std::min(got, magic.size())) != 0)
    reject(path, "this is not a .npy file");
  if (got < start.size()) reject(path, "the file is truncated within its header");
  if (start[6] < 1 || start[6] > 3)
    reject(path, ".npy version " + std::to_string(start[6]) + " is unknown; expected 1, 2 or 3");
  const std::size_t width = start[6] == 1 ? 2 : 4;
  std::array<unsigned char, 4> digits{};
  if (read_bytes(in, digits.data(), width) < width) reject(path, "the file is truncated within its header");
  std::size_t length = 0;
  for (std::size_t i = width; i-- > 0;) length = length * 256 + digits[i];
  if (length > (1u << 20)) reject(path, "the .npy header claims " + std::to_string(length) + " bytes");
  std::string text(length, '\0');
  if (read_bytes(in, text.data(), length) < length) reject(path, "the file is truncated within its header");
  return HeaderParser(text, path).parse();
}

std::size_t count_of(const Header& header, std::size_t item, const fs::path& path) {
  std::size_t count = 1;
  for (std::size_t extent : header.shape) {
    if (extent != 0 && count > std::numeric_limits<std::size_t>::max() / item / extent)
      reject(path, "the shape " + shape_text(header.shape) + " is larger than any memory");
    count *= extent;
  }
  return count;
}

[[noreturn]] void wrong_length(const Header& header, std::size_t wanted, const std::string& has,
                               const fs::path& path) {
  reject(path, "shape " + shape_text(header.shape) + " of type '" + header.descr + "' needs " +
                   std::to_string(wanted) + " bytes of values but the file has " + has);
}

// Where the length can be known beforehand, nothing is allocated for values that are not there.
void require_length(std::istream& in, const Header& header, std::size_t wanted, const fs::path& path) {
  std::error_code not_a_file;
  const std::uintmax_t whole = fs::file_size(path, not_a_file);
  if (not_a_file || !fs::is_regular_file(path)) return;
  const std::uintmax_t has = whole - static_cast<std::uintmax_t>(in.tellg());
  if (has != wanted) wrong_length(header, wanted, std::to_string(has), path);
}

template <class Raw>
std::vector<Raw> read_raw(std::istream& in, const Header& header, const fs::path& path) {
  const std::size_t count = count_of(header, sizeof(Raw), path), bytes = count * sizeof(Raw);
  require_length(in, header, bytes, path);
  std::vector<Raw> values(count);
  const std::size_t got = read_bytes(in, values.data(), bytes);
  if (in.bad()) throw BackendError("cannot read " + path.string() + ": " + std::strerror(errno));
  if (got < bytes) wrong_length(header, bytes, std::to_string(got), path);
  if (in.peek() != std::istream::traits_type::eof()) wrong_length(header, bytes, "more", path);
  const bool little = header.descr[0] != '>';
  if (sizeof(Raw) > 1 && little != (std::endian::native == std::endian::little))
    for (Raw& value : values) {
      auto* first = reinterpret_cast<unsigned char*>(&value);
      std::reverse(first, first + sizeof(Raw));
    }
  return values;
}

template <class Integer>
std::vector<double> read_integers(std::istream& in, const Header& header, const fs::path& path) {
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  const auto raw = read_raw<Integer>(in, header, path);
  std::vector<double> values(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    values[i] = static_cast<double>(raw[i]);
    if constexpr (sizeof(Integer) == 8)
      if (std::cmp_greater(raw[i], exact) || std::cmp_less(raw[i], -exact))
        reject(path, "value number " + std::to_string(i) + " = " + std::to_string(raw[i]) +
                         " has no exact double; expected integers up to 2^53");
  }
  return values;
}

// Fortran order (first index fastest) to C order (last index fastest).
template <class Value>
std::vector<Value> reordered(const std::vector<Value>& fortran, const std::vector<std::size_t>& shape) {
  std::vector<Value> out(fortran.size());
  std::vector<std::size_t> index(shape.size(), 0);
  for (std::size_t at = 0; at < out.size(); ++at) {
    std::size_t from = 0;
    for (std::size_t k = shape.size(); k-- > 0;) from = from * shape[k] + index[k];
    out[at] = fortran[from];
    for (std::size_t k = shape.size(); k-- > 0;) {
      if (++index[k] < shape[k]) break;
      index[k] = 0;
    }
  }
  return out;
}

decltype(Array::values) read_values(std::istream& in, const Header& header, const fs::path& path) {
  const std::string& descr = header.descr;
  const std::string type = descr.size() < 2 || !std::strchr("<>|=", descr[0]) ? "" : descr.substr(1);
  if (type == "f8") return read_raw<double>(in, header, path);
  if (type == "f4") return read_raw<float>(in, header, path);
  if (type == "i8") return read_integers<std::int64_t>(in, header, path);
  if (type == "i4") return read_integers<std::int32_t>(in, header, path);
  if (type == "i2") return read_integers<std::int16_t>(in, header, path);
  if (type == "i1") return read_integers<std::int8_t>(in, header, path);
  if (type == "u8") return read_integers<std::uint64_t>(in, header, path);
  if (type == "u4") return read_integers<std::uint32_t>(in, header, path);
  if (type == "u2") return read_integers<std::uint16_t>(in, header, path);
  if (type == "u1" || type == "b1") return read_integers<std::uint8_t>(in, header, path);
  if (type.starts_with("O"))
    reject(path,
           "the array holds pickled Python objects, which are never read; save it with "
           "numpy.save(path, array.astype('float64'))");
  reject(path, "the type '" + descr + "' is not read; " + std::string(accepted));
}

std::string header_text(std::string_view descr, const std::vector<std::size_t>& shape) {
  std::string dictionary =
      "{'descr': '" + std::string(descr) + "', 'fortran_order': False, 'shape': " + shape_text(shape) + ", }";
  // values start at a multiple of 64 bytes, the header ends with a newline
  const std::size_t before = magic.size() + 4;
  dictionary.append(63 - (before + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string out(magic);
  out += {'\1', '\0', static_cast<char>(dictionary.size() & 255), static_cast<char>(dictionary.size() >> 8)};
  return out + dictionary;
}

template <class Real>
constexpr const char* descr_of() {
  if constexpr (std::endian::native == std::endian::little)
    return sizeof(Real) == 8 ? "<f8" : "<f4";
  else
    return sizeof(Real) == 8 ? ">f8" : ">f4";
}

}  // namespace

Array read_npy(const fs::path& path) {
  errno = 0;
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    throw BackendError("cannot read " + path.string() + ": it is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw BackendError("cannot open " + path.string() + ": " + std::strerror(errno));
  const Header header = read_header(in, path);
  auto values = read_values(in, header, path);
  if (header.fortran_order && header.shape.size() > 1)
    std::visit([&](auto& v) { v = reordered(v, header.shape); }, values);
  return {header.shape, std::move(values)};
}

void write_npy(const fs::path& path, const Array& array) {
  std::visit(
      [&]<class Real>(const std::vector<Real>& values) {
        NpyWriter<Real> writer(path, array.shape);
        writer.append(values);
        writer.finish();
      },
      array.values);
}

template <class Real>
NpyWriter<Real>::NpyWriter(const fs::path& path, std::vector<std::size_t> shape)
    : file_(path),
      shape_(std::move(shape)),
      missing_(std::accumulate(shape_.begin(), shape_.end(), std::size_t{1}, std::multiplies<>())) {
  file_.write(header_text(descr_of<Real>(), shape_));
}

template <class Real>
void NpyWriter<Real>::append(std::span<const Real> values) {
  detail::require(values.size() <= missing_, "fortet::NpyWriter::append", "values.size()", values.size(),
                  "the shape " + shape_text(shape_) + " has room for " + std::to_string(missing_) + " more");
  file_.write(values.data(), values.size_bytes());
  missing_ -= values.size();
}

template <class Real>
void NpyWriter<Real>::finish() {
  detail::require(missing_ == 0, "fortet::NpyWriter::finish", "missing values", missing_,
                  "the shape is " + shape_text(shape_));
  file_.commit();
}

template class NpyWriter<float>;
template class NpyWriter<double>;

}  // namespace fortet
