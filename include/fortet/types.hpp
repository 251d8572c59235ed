#pragma once
// Vocabulary types: point arrays and vectors in any memory space, and the way in and out of them.
#include <Kokkos_Core.hpp>
#include <cstddef>
#include <span>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

using DefaultExec = Kokkos::DefaultExecutionSpace;
using HostExec = Kokkos::DefaultHostExecutionSpace;
using DefaultMemory = DefaultExec::memory_space;

/// n x d, coordinate-major: coordinate k of all points is contiguous.
template <class Real, class Memory = DefaultMemory>
using Points = Kokkos::View<Real**, Kokkos::LayoutLeft, Memory>;
template <class Real, class Memory = DefaultMemory>
using Vector = Kokkos::View<Real*, Kokkos::LayoutLeft, Memory>;
template <class Real, class Memory = DefaultMemory>
using ConstPoints = Points<const Real, Memory>;
template <class Real, class Memory = DefaultMemory>
using ConstVector = Vector<const Real, Memory>;

/// Paths of n points at m times, n x d x m: subview(paths, ALL, ALL, k) is the Points array of the k-th time.
template <class Real, class Memory = DefaultMemory>
using Paths = Kokkos::View<Real***, Kokkos::LayoutLeft, Memory>;

namespace detail {

/// Every entry point calls this first: only `main` initialises Kokkos.
inline void require_kokkos(const char* function) {
  if (!Kokkos::is_initialized())
    throw std::logic_error(std::string(function) +
                           ": Kokkos is not initialised; create a Kokkos::ScopeGuard in main first");
}

}  // namespace detail

/// Copies n points of dimension d from host memory into a Points array. `values[i * row_stride + k *
/// col_stride]` is coordinate k of point i, so any strided array can be read: C order is (d, 1), Fortran
/// order (1, n). Blocking; O(n d). Throws InvalidArgument on a null pointer with n d > 0.
template <class Real, class Memory = DefaultMemory, class Value>
Points<Real, Memory> points_from_host(const Value* values, std::size_t n, std::size_t d,
                                      std::ptrdiff_t row_stride, std::ptrdiff_t col_stride) {
  detail::require_kokkos("fortet::points_from_host");
  detail::require(values != nullptr || n * d == 0, "fortet::points_from_host", "values", "null",
                  "a pointer to n * d values");
  Points<Real, Memory> out(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::types::points"), n, d);
  auto host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, out);
  for (std::size_t k = 0; k < d; ++k)
    for (std::size_t i = 0; i < n; ++i)
      host(i, k) = static_cast<Real>(
          values[static_cast<std::ptrdiff_t>(i) * row_stride + static_cast<std::ptrdiff_t>(k) * col_stride]);
  Kokkos::deep_copy(out, host);
  return out;
}

/// The same from a contiguous row-major span of n * d values.
template <class Real, class Memory = DefaultMemory>
Points<Real, Memory> points_from_host(std::span<const Real> values, std::size_t n, std::size_t d) {
  detail::require(values.size() == n * d, "fortet::points_from_host", "values.size()", values.size(),
                  "n * d = " + std::to_string(n * d) + " values");
  return points_from_host<Real, Memory>(values.data(), n, d, static_cast<std::ptrdiff_t>(d), 1);
}

/// Copies any two-dimensional std::mdspan-like object (extent(0), extent(1), operator()(i, k) or [i, k]).
template <class Real, class Memory = DefaultMemory, class Span>
requires requires(const Span& s) {
  { s.extent(0) } -> std::convertible_to<std::size_t>;
  { s(0, 0) } -> std::convertible_to<Real>;
}
Points<Real, Memory> points_from_host(const Span& values) {
  const std::size_t n = values.extent(0), d = values.extent(1);
  std::vector<Real> copy(n * d);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < d; ++k) copy[i * d + k] = static_cast<Real>(values(i, k));
  return points_from_host<Real, Memory>(std::span<const Real>(copy), n, d);
}

/// Copies a host span into a Vector. Blocking.
template <class Real, class Memory = DefaultMemory, class Value>
Vector<Real, Memory> vector_from_host(std::span<const Value> values) {
  detail::require_kokkos("fortet::vector_from_host");
  Vector<Real, Memory> out(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::types::vector"),
                           values.size());
  auto host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, out);
  for (std::size_t i = 0; i < values.size(); ++i) host(i) = static_cast<Real>(values[i]);
  Kokkos::deep_copy(out, host);
  return out;
}

/// Row-major host copy of points, in double. Blocking.
template <class Real, class Memory>
std::vector<double> to_host(const Points<Real, Memory>& points) {
  auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, points);
  std::vector<double> out(host.extent(0) * host.extent(1));
  for (std::size_t i = 0; i < host.extent(0); ++i)
    for (std::size_t k = 0; k < host.extent(1); ++k)
      out[i * host.extent(1) + k] = static_cast<double>(host(i, k));
  return out;
}

/// Host copy of a vector, in double. Blocking.
template <class Real, class Memory>
std::vector<double> to_host(const Vector<Real, Memory>& vector) {
  auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, vector);
  std::vector<double> out(host.extent(0));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(host(i));
  return out;
}

}  // namespace fortet
