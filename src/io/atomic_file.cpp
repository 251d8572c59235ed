#include "fortet/io/atomic_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>

#include "fortet/error.hpp"

namespace fortet {
namespace fs = std::filesystem;

AtomicFile::AtomicFile(const fs::path& path) : path_(path) {
  std::error_code ignored;
  // a link keeps pointing to its file: it is the file that is replaced
  if (fs::is_symlink(path, ignored)) path_ = fs::weakly_canonical(path, ignored);
  if (path_.empty()) path_ = path;
  if (fs::is_directory(path_, ignored)) {
    errno = EISDIR;
    fail("open");
  }
  if (fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored)) {
    file_ = std::fopen(path_.c_str(), "wb");
  } else {
    std::random_device random;
    temporary_ = path_;
    temporary_ += ".part-" + std::to_string(random());
    file_ = std::fopen(temporary_.c_str(), "wbx");
  }
  if (!file_) fail("open");
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::exchange(other.file_, nullptr)) {}

AtomicFile::~AtomicFile() {
  if (file_) std::fclose(file_);
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void AtomicFile::write(const void* bytes, std::size_t count) {
  if (count != 0 && std::fwrite(bytes, 1, count, file_) != count) fail("write");
}

void AtomicFile::commit() {
  if (std::fflush(file_) != 0) fail("write");
  // some file systems only find out here that the disk is full
  if (!temporary_.empty() && fsync(fileno(file_)) != 0) fail("write");
  if (std::fclose(std::exchange(file_, nullptr)) != 0) fail("write");
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename");
  temporary_.clear();
}

void AtomicFile::fail(std::string_view action) const {
  const int reason = errno;
  throw BackendError("cannot " + std::string(action) + " " + path_.string() + ": " + std::strerror(reason));
}

void write_text(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_text(const fs::path& path) {
  errno = 0;
  std::error_code ignored;
  if (fs::is_directory(path, ignored))
    throw BackendError("cannot read " + path.string() + ": it is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw BackendError("cannot open " + path.string() + ": " + std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw BackendError("cannot read " + path.string() + ": " + std::strerror(errno));
  return text;
}

void create_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw BackendError("cannot create the folder " + path.string() + ": " + error.message());
}

}  // namespace fortet
