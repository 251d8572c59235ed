#pragma once
// Grey pictures as portable grey maps (PGM): two-dimensional arrays of rows from top to bottom.
#include "fortet/io/array.hpp"

namespace fortet {

/// Reads a PGM picture, plain (P2) or raw (P5), of 8 or 16 bits: an array (height, width) of values in [0,
/// 1]. Throws BackendError when the file cannot be read and InvalidArgument when it is not such a picture or
/// is truncated.
Array read_pgm(const std::filesystem::path& path);

/// Writes a two-dimensional array as a raw PGM picture of 8 bits, `white` and above as white, 0 and below as
/// black. Throws InvalidArgument unless the array has two axes and `white` > 0, BackendError as AtomicFile
/// does.
void write_pgm(const std::filesystem::path& path, const Array& picture, double white);

}  // namespace fortet
