#include "grid_limits.hpp"

#include <Eigen/Core>
#include <cmath>

#include "kernel/pack.hpp"

namespace bench {
namespace {

template <class Real>
void multiply(const Real* a, const Real* b, Real* c, std::size_t n, std::size_t first, std::size_t last) {
  using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  const auto rows = static_cast<Eigen::Index>(n), columns = static_cast<Eigen::Index>(last - first);
  Eigen::Map<Matrix>(c + first * n, rows, columns).noalias() =
      Eigen::Map<const Matrix>(a, rows, rows) * Eigen::Map<const Matrix>(b + first * n, rows, columns);
}

}  // namespace

void multiply_columns(const float* a, const float* b, float* c, std::size_t n, std::size_t first,
                      std::size_t last) {
  multiply(a, b, c, n, first, last);
}
void multiply_columns(const double* a, const double* b, double* c, std::size_t n, std::size_t first,
                      std::size_t last) {
  multiply(a, b, c, n, first, last);
}

void direct_columns(const float* in, float* out, int n, std::size_t lines, float s, std::size_t first,
                    std::size_t last) {
  using namespace fortet::kernel;
  using P = Pack<float>;
  constexpr std::size_t width = lanes<float>;
  for (std::size_t l = first; l < last; l += width)
    for (int i = 0; i < n; ++i) {
      P most = broadcast(-1e30f), sum{};
      for (int j = 0; j < n; ++j) {
        const float distance = static_cast<float>(i - j);
        most = max(most, load(in + static_cast<std::size_t>(j) * lines + l) - s * distance * distance);
      }
      for (int j = 0; j < n; ++j) {
        const float distance = static_cast<float>(i - j);
        sum += exp2(load(in + static_cast<std::size_t>(j) * lines + l) - s * distance * distance - most);
      }
      // the logarithm is one in n terms
      float* to = out + static_cast<std::size_t>(i) * lines + l;
      for (std::size_t k = 0; k < width; ++k) to[k] = most[k] + std::log2(sum[k]);
    }
}

}  // namespace bench
