#include "gaussian/affine.hpp"

#include <string>

namespace fortet::gaussian {
namespace {

using DeviceMatrix = Kokkos::View<const double**, Kokkos::LayoutRight, DefaultMemory>;

// The host copy is read before this returns, so that the caller may drop it.
DeviceMatrix upload(const DefaultExec& exec, const Matrix& matrix) {
  Kokkos::View<double**, Kokkos::LayoutRight, DefaultMemory> out(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::gaussian::matrix"), matrix.rows(),
      matrix.cols());
  const Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> host(
      matrix.data(), matrix.rows(), matrix.cols());
  Kokkos::deep_copy(exec, out, host);
  exec.fence("fortet::gaussian::upload");
  return out;
}

// Rows a thread takes at once: on a CPU the loop over them is contiguous and
// vectorises; on a GPU neighbouring threads are neighbouring rows.
constexpr int block = bool(Kokkos::SpaceAccessibility<DefaultExec, Kokkos::HostSpace>::accessible) ? 32 : 1;

// out_i += matrix (x_i - centre), coordinate k of one block of rows per
// iteration; an empty centre is 0
void multiply(const DefaultExec& exec, const DeviceMatrix& matrix, const Vector<const double>& centre,
              const ConstPoints<double>& x, const Points<double>& out) {
  const int n = static_cast<int>(out.extent(0)), rows = static_cast<int>(matrix.extent(0)),
            columns = static_cast<int>(matrix.extent(1)), blocks = (n + block - 1) / block;
  const bool centred = centre.extent(0) > 0;
  Kokkos::parallel_for(
      "fortet::gaussian::multiply",
      Kokkos::RangePolicy<DefaultExec, Kokkos::IndexType<long long>>(exec, 0, 1ll * blocks * rows),
      KOKKOS_LAMBDA(const long long item) {
        const int k = static_cast<int>(item / blocks), first = static_cast<int>(item % blocks) * block;
        const int count = n - first < block ? n - first : block;
        double sum[block] = {};
        for (int j = 0; j < columns; ++j) {
          const double m = matrix(k, j), c = centred ? centre(j) : 0.0;
          for (int r = 0; r < count; ++r) sum[r] += m * (x(first + r, j) - c);
        }
        for (int r = 0; r < count; ++r) out(first + r, k) += sum[r];
      });
}

}  // namespace

Vector<const double> upload(const DefaultExec& exec, const std::vector<double>& values) {
  Vector<double> out(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::gaussian::vector"),
                     values.size());
  const Kokkos::View<const double*, Kokkos::LayoutLeft, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> host(
      values.data(), values.size());
  Kokkos::deep_copy(exec, out, host);
  exec.fence("fortet::gaussian::upload");
  return out;
}

Points<double> workspace(const DefaultExec& exec, std::size_t n, std::size_t d) {
  return Points<double>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::gaussian::workspace"),
                        n, d);
}

void fill_rows(const DefaultExec& exec, const std::vector<double>& value, Points<double> out) {
  const auto row = upload(exec, value);
  Kokkos::parallel_for(
      "fortet::gaussian::fill_rows", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < out.extent(1); ++k) out(i, k) = row(k);
      });
}

void apply(const DefaultExec& exec, const CentredMap& map, ConstPoints<double> x, Points<double> out) {
  fill_rows(exec, map.value, out);
  multiply(exec, upload(exec, map.slope), upload(exec, map.centre), x, out);
}

void add_product(const DefaultExec& exec, const Matrix& matrix, ConstPoints<double> x, Points<double> out) {
  multiply(exec, upload(exec, matrix), {}, x, out);
}

void add_noise(const DefaultExec& exec, RandomKey key, const Matrix& root, Points<double> out) {
  const auto z = workspace(exec, out.extent(0), root.cols());
  Kokkos::parallel_for(
      "fortet::gaussian::normals", Kokkos::RangePolicy<DefaultExec>(exec, 0, z.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < z.extent(1); ++k)
          z(i, k) = random_normal(key, i, static_cast<std::uint32_t>(k));
      });
  add_product(exec, root, z, out);
}

void evaluate(const DefaultExec& exec, const Quadratic& form, ConstPoints<double> x, Vector<double> out) {
  // form(x) = value + (x - centre) . w with w = gradient + hessian (x - centre)
  // / 2
  const std::size_t d = form.centre.size();
  const auto w = workspace(exec, x.extent(0), d);
  Matrix half = form.hessian;
  for (std::size_t i = 0; i < d * d; ++i) half.data()[i] *= 0.5;
  apply(exec, {half, form.centre, form.gradient}, x, w);
  const auto centre = upload(exec, form.centre);
  const double value = form.value;
  Kokkos::parallel_for(
      "fortet::gaussian::quadratic", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = value;
        for (std::size_t k = 0; k < w.extent(1); ++k) sum += (x(i, k) - centre(k)) * w(i, k);
        out(i) = sum;
      });
}

void squared_norms(const DefaultExec& exec, double constant, double factor, ConstPoints<double> x,
                   Vector<double> out) {
  Kokkos::parallel_for(
      "fortet::gaussian::squared_norms", Kokkos::RangePolicy<DefaultExec>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0;
        for (std::size_t k = 0; k < x.extent(1); ++k) sum += x(i, k) * x(i, k);
        out(i) = constant + factor * sum;
      });
}

void require_columns(const char* function, const char* argument, std::size_t columns, int d) {
  detail::require(columns == static_cast<std::size_t>(d), function, std::string(argument) + ".extent(1)",
                  columns, "expected the dimension " + std::to_string(d));
}

void require_rows(const char* function, const char* argument, std::size_t rows, std::size_t expected) {
  detail::require(rows == expected, function, std::string(argument) + ".extent(0)", rows,
                  "expected as many rows as the other argument, " + std::to_string(expected));
}

}  // namespace fortet::gaussian
