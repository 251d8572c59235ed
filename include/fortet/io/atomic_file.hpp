#pragma once
// Files that are whole or not there.
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace fortet {

/// A file written under a temporary name beside `path` and renamed to `path` by commit(), so that nobody ever
/// sees half of it and a failed write leaves what was there before. What exists and is no regular file (a
/// device, a pipe) is written in place. Every member throws BackendError with the system's reason (disk full,
/// not permitted, no such directory); destroyed without commit(), it removes what it wrote.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  void write(const void* bytes, std::size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Flushes to the disk and gives the file its name.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view action) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // empty when written in place
  std::FILE* file_ = nullptr;
};

/// `text` as the whole content of a file, through AtomicFile.
void write_text(const std::filesystem::path& path, std::string_view text);

/// The whole content of a file. Throws BackendError when it cannot be opened or read.
std::string read_text(const std::filesystem::path& path);

/// Makes a folder and those above it where they do not exist. Throws BackendError.
void create_folder(const std::filesystem::path& path);

}  // namespace fortet
