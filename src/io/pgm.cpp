#include "fortet/io/pgm.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>

#include "fortet/io/atomic_file.hpp"

namespace fortet {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void reject(const fs::path& path, const std::string& what) {
  throw InvalidArgument(path.string() + ": " + what);
}

/// The numbers of the header, between blanks and comments.
class Reader {
 public:
  Reader(const fs::path& path) : path_(path), text_(read_text(path)) {
    if (text_.size() < 2 || text_[0] != 'P' || (text_[1] != '2' && text_[1] != '5'))
      reject(path_, "not a grey PGM picture (P2 or P5)");
    raw_ = text_[1] == '5';
  }

  Array read() {
    const std::size_t width = number(), height = number(), white = number();
    if (width == 0 || height == 0 || white == 0 || white > 65535)
      reject(path_, "malformed header: expected width, height and a largest value up to 65535");
    const std::size_t bytes = white > 255 ? 2 : 1;
    ++at_;  // one blank ends the header
    // no value takes less than a byte: what the header promises must be there before memory is asked for
    if (height > text_.size() / width || (raw_ && text_.size() < at_ + width * height * bytes))
      reject(path_,
             "truncated: expected " + std::to_string(width) + " x " + std::to_string(height) + " values");
    std::vector<double> values(width * height);
    for (double& value : values) {
      const std::size_t level = raw_ ? sample(bytes) : number();
      if (level > white)
        reject(path_, "value " + std::to_string(level) + " is above " + std::to_string(white));
      value = static_cast<double>(level) / static_cast<double>(white);
    }
    return {{height, width}, std::move(values)};
  }

 private:
  std::size_t sample(std::size_t bytes) {
    std::size_t level = 0;
    for (std::size_t b = 0; b < bytes; ++b) level = level << 8 | static_cast<unsigned char>(text_[at_++]);
    return level;
  }
  bool digit() const { return at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); }
  std::size_t number() {
    for (; at_ < text_.size() && !digit(); ++at_) {
      if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      if (!std::isspace(static_cast<unsigned char>(text_[at_])))
        reject(path_, "malformed: expected a number");
    }
    if (at_ >= text_.size()) reject(path_, "truncated");
    std::size_t value = 0;
    for (; digit(); ++at_) {
      if (value > 1u << 26) reject(path_, "a number in the header is too large");
      value = 10 * value + static_cast<std::size_t>(text_[at_] - '0');
    }
    return value;
  }

  fs::path path_;
  std::string text_;
  std::size_t at_ = 2;
  bool raw_ = false;
};

}  // namespace

Array read_pgm(const fs::path& path) { return Reader(path).read(); }

void write_pgm(const fs::path& path, const Array& picture, double white) {
  detail::require(picture.rank() == 2, "fortet::write_pgm", "shape of the picture", shape_text(picture.shape),
                  "expected two axes");
  detail::require(std::isfinite(white) && white > 0, "fortet::write_pgm", "white", white,
                  "expected a finite number > 0");
  std::string text =
      "P5\n" + std::to_string(picture.shape[1]) + " " + std::to_string(picture.shape[0]) + "\n255\n";
  for (std::size_t i = 0; i < picture.size(); ++i)
    text += static_cast<char>(std::lround(255 * std::clamp(picture[i] / white, 0.0, 1.0)));
  write_text(path, text);
}

}  // namespace fortet
