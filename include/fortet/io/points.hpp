#pragma once
// Between files and Views.
#include <optional>

#include "fortet/io/npy.hpp"
#include "fortet/measure/point_cloud.hpp"

namespace fortet {

/// Host copy of points as an n x d Array of the same precision. Blocking.
template <class Real, class Memory>
Array to_array(const Points<Real, Memory>& points) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, points);
  const std::size_t n = host.extent(0), d = host.extent(1);
  std::vector<std::remove_const_t<Real>> values(n * d);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k) values[i * d + k] = host(i, k);
  return {{n, d}, std::move(values)};
}

/// Host copy of a vector as an Array of shape (n,). Blocking.
template <class Real, class Memory>
Array to_array(const Vector<Real, Memory>& vector) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, vector);
  std::vector<std::remove_const_t<Real>> values(host.extent(0));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = host(i);
  return {{values.size()}, std::move(values)};
}

/// An n x d array, read from `path`, as points. Blocking. Throws InvalidArgument on another shape, an empty
/// array, or a value that is NaN or infinite as a Real, with its index.
template <class Real, class Memory = DefaultMemory>
Points<Real, Memory> to_points(const Array& array, const std::filesystem::path& path) {
  require_points_shape(array, path);
  require_finite<Real>(array, path);
  const auto d = static_cast<std::ptrdiff_t>(array.shape[1]);
  return std::visit(
      [&](const auto& values) {
        return points_from_host<Real, Memory>(values.data(), array.shape[0], array.shape[1], d, 1);
      },
      array.values);
}

/// n x d points from a .npy or CSV file, rounded to Real. Blocking. Throws BackendError when the file cannot
/// be read; InvalidArgument when it is malformed, and as to_points() does.
template <class Real, class Memory = DefaultMemory>
Points<Real, Memory> read_points(const std::filesystem::path& path) {
  return to_points<Real, Memory>(read_array(path), path);
}

/// A vector (shape (n,), (n, 1) or (1, n)) from a .npy or CSV file, converted to Real. Infinities and NaN are
/// read as they are: log-weights and potentials may hold them. Blocking. Throws as read_points().
template <class Real, class Memory = DefaultMemory>
Vector<Real, Memory> read_vector(const std::filesystem::path& path) {
  const Array array = read_array(path);
  require_vector_shape(array, path);
  return std::visit(
      [&](const auto& values) {
        return vector_from_host<Real, Memory>(std::span(values.data(), values.size()));
      },
      array.values);
}

/// A cloud of these points and, where given, the weights in a file; without, they are uniform. Blocking.
/// Throws as read_vector() and the constructor of PointCloud do.
template <class Real, class Memory>
PointCloud<Real, Memory> with_weights(const Points<Real, Memory>& points,
                                      const std::optional<std::filesystem::path>& file) {
  if (!file) return PointCloud<Real, Memory>(points);
  const ConstVector<Real, Memory> weights = read_vector<Real, Memory>(*file);
  try {
    return PointCloud<Real, Memory>(points, weights);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(file->string() + ": " + error.what());
  }
}

/// A cloud from a file of points and, where given, a file of weights. Blocking. Throws as read_points() and
/// with_weights().
template <class Real, class Memory = DefaultMemory>
PointCloud<Real, Memory> read_point_cloud(const std::filesystem::path& points,
                                          const std::optional<std::filesystem::path>& weights = {}) {
  return with_weights(read_points<Real, Memory>(points), weights);
}

/// Points or a vector as a .npy file in their own precision. Blocking. Throws BackendError.
template <class View>
requires Kokkos::is_view_v<View>
void write_npy(const std::filesystem::path& path, const View& view) { write_npy(path, to_array(view)); }

}  // namespace fortet
