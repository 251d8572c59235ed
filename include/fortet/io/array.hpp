#pragma once
// Arrays as files hold them, in host memory. No Kokkos here: io/points.hpp turns them into Views.
#include <cstddef>
#include <filesystem>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

/// A host array of any rank with row-major values, in the precision of the file it came from.
struct Array {
  std::vector<std::size_t> shape;
  std::variant<std::vector<double>, std::vector<float>> values;

  std::size_t rank() const { return shape.size(); }
  std::size_t size() const {
    return std::visit([](const auto& v) { return v.size(); }, values);
  }
  /// Value number i in row-major order; float to double is exact.
  double operator[](std::size_t i) const {
    return std::visit([i](const auto& v) { return static_cast<double>(v[i]); }, values);
  }
  friend bool operator==(const Array&, const Array&) = default;
};

/// "(3, 2)", the way numpy prints a shape.
std::string shape_text(const std::vector<std::size_t>& shape);

/// Reads a .npy file (recognised by its first bytes) or else a CSV file, with read_npy() or read_csv().
/// Throws what they throw.
Array read_array(const std::filesystem::path& path);

/// Writes CSV where the name ends in .csv, .tsv or .txt, and .npy otherwise. Throws what they throw.
void write_array(const std::filesystem::path& path, const Array& array);

/// Throws InvalidArgument naming `path` and the index of the first value that is NaN or infinite, or, for
/// Real = float, becomes infinite when rounded.
template <class Real>
void require_finite(const Array& array, const std::filesystem::path& path);

/// Throws InvalidArgument unless `array` is n x d with n, d >= 1.
void require_points_shape(const Array& array, const std::filesystem::path& path);

/// Throws InvalidArgument unless `array` has one value or more along a single axis: (n,), (n, 1) or (1, n).
void require_vector_shape(const Array& array, const std::filesystem::path& path);

}  // namespace fortet
