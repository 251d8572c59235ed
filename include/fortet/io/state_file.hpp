#pragma once
// A run's or a network's state in one file: facts as text, arrays as raw values. No Kokkos here.
#include <string_view>

#include "fortet/io/array.hpp"

namespace fortet {

/// Named facts and arrays, in order.
struct StateFile {
  struct Fact {
    std::string name, value;
  };
  struct Values {
    std::string name;
    Array array;
  };
  std::string kind;  ///< what is in it: "neural checkpoint", "neural bridge"
  std::vector<Fact> facts = {};
  std::vector<Values> arrays = {};

  /// Throws InvalidArgument naming `path` where there is no such fact or array.
  const std::string& fact(std::string_view name, const std::filesystem::path& path) const;
  const Array& array(std::string_view name, const std::filesystem::path& path) const;
};

/// Writes the file whole or not at all (AtomicFile). Format: the line "fortet state 1", a line with the
/// number of bytes of a JSON header that names kind, facts and arrays, the header, the values in the order of
/// the header (little endian), and a checksum of all that (FNV-1a, 8 bytes). Throws BackendError.
void write_state(const std::filesystem::path& path, const StateFile& state);

/// Reads it back. Throws BackendError when the file cannot be read, and InvalidArgument naming it when it is
/// no such file, of another version or kind, truncated, or damaged.
StateFile read_state(const std::filesystem::path& path, std::string_view kind);

}  // namespace fortet
