#include <Eigen/Eigenvalues>
#include <algorithm>

#include "algebra/eigen_map.hpp"

namespace fortet::algebra {
namespace {

using Tridiagonal = Eigen::Tridiagonalization<Eigen::MatrixXd>;

// a <- H_0 ... H_{n-2} a, the reflections H_i = 1 - h_i v_i v_i^T that made a matrix tridiagonal, where v_i
// is 0 up to row i, 1 in the next, and then column i of the packed matrix. By panels of columns that stay in
// cache. (Eigen's blocked product of the same takes six seconds to compile.)
void reflect(const Tridiagonal& reduction, Matrix& a) {
  const std::size_t n = a.rows(), panel = 64;
  const Eigen::MatrixXd& packed = reduction.packedMatrix();
  const Eigen::VectorXd h = reduction.householderCoefficients();
  std::vector<double> product(panel);
  for (std::size_t first = 0; first < n; first += panel) {
    const std::size_t count = std::min(panel, n - first);
    for (std::size_t i = n - 1; i-- > 0;) {
      const double* v = packed.data() + i * n;
      const auto entry = [&](std::size_t row) { return row == i + 1 ? 1.0 : v[row]; };
      std::fill(product.begin(), product.end(), 0.0);
      for (std::size_t row = i + 1; row < n; ++row)
        for (std::size_t j = 0; j < count; ++j) product[j] += entry(row) * a(row, first + j);
      for (std::size_t row = i + 1; row < n; ++row) {
        const double factor = h(static_cast<Eigen::Index>(i)) * entry(row);
        for (std::size_t j = 0; j < count; ++j) a(row, first + j) -= factor * product[j];
      }
    }
  }
}

}  // namespace

Eigensystem eigen(const Matrix& symmetric) {
  const std::size_t n = symmetric.rows();
  const double scale = largest(symmetric) > 0 ? largest(symmetric) : 1;  // entries up to 1: nothing overflows
  const Matrix scaled = symmetric / scale;
  const Tridiagonal reduction(transpose_of(scaled));
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(reduction.diagonal(), reduction.subDiagonal());
  Eigensystem out{transposed(from_transpose(solver.eigenvectors())), Column(n, 1)};
  reflect(reduction, out.vectors);
  for (std::size_t i = 0; i < n; ++i)
    out.values(i, 0) = scale * solver.eigenvalues()(static_cast<Eigen::Index>(i));
  return out;
}

}  // namespace fortet::algebra
