#pragma once
// numpy's .npy format (NEP 1): magic, version, a Python dictionary as header, raw values.
#include <span>

#include "fortet/io/array.hpp"
#include "fortet/io/atomic_file.hpp"

namespace fortet {

/// Reads a .npy file of version 1, 2 or 3, C or Fortran order, little or big endian. f4 is kept as float and
/// f8 as double; integers and booleans become double when that is exact. O(size) time; memory twice the
/// array for Fortran order, once otherwise. Throws BackendError when the file cannot be read, and
/// InvalidArgument when it is not .npy, is truncated or too long, or holds anything else (Python objects,
/// structures, complex numbers, other precisions, integers beyond 2^53).
Array read_npy(const std::filesystem::path& path);

/// Writes a .npy file of version 1, C order, in the array's precision. Throws BackendError.
void write_npy(const std::filesystem::path& path, const Array& array);

/// Writes an array too large for memory piece by piece; the file appears at finish(). Throws BackendError.
template <class Real>
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, std::vector<std::size_t> shape);
  /// The next values in row-major order.
  void append(std::span<const Real> values);
  /// Throws InvalidArgument unless exactly the values that the shape promises were appended.
  void finish();

 private:
  AtomicFile file_;
  std::vector<std::size_t> shape_;
  std::size_t missing_;
};

}  // namespace fortet
