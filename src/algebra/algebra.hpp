#pragma once
// Dense linear algebra on the host: fortet::Matrix with operators, and the decompositions everybody shares.
// Eigen does the work behind this header, in a file for each decomposition, so that no other source pays for
// compiling it; nothing here includes Kokkos. Results do not depend on the number of threads.
#include <cmath>
#include <span>
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet::algebra {

/// An n x 1 Matrix.
using Column = Matrix;
Column column(std::span<const double> values);
std::vector<double> to_vector(const Column& column);

Matrix identity(std::size_t n, double factor = 1);
Matrix transposed(const Matrix& a);
Matrix symmetric_part(const Matrix& a);  // (a + a^T) / 2
Column diagonal_of(const Matrix& a);
Column squared_row_norms(const Matrix& a);
Matrix beside(const Matrix& left, const Matrix& right);
Matrix above(const Matrix& top, const Matrix& bottom);
Matrix rows(const Matrix& a, std::size_t first, std::size_t count);

double sum(const Matrix& a);
double dot(const Matrix& a, const Matrix& b);  // sum of the products of entries
double norm(const Matrix& a);                  // Frobenius
double largest(const Matrix& a);               // of the absolute values; 0 when empty
inline double squared_norm(const Matrix& a) { return dot(a, a); }

Matrix& operator+=(Matrix& a, const Matrix& b);
Matrix operator+(Matrix a, const Matrix& b);
Matrix operator-(Matrix a, const Matrix& b);
Matrix operator-(Matrix a);
Matrix operator*(double factor, Matrix a);
Matrix operator/(Matrix a, double divisor);
/// The matrix product, O(rows x inner x columns).
Matrix operator*(const Matrix& a, const Matrix& b);

/// diag(entries), for products alone.
struct Diagonal {
  Column entries;
};
Matrix operator*(const Diagonal& a, Matrix b);
Matrix operator*(Matrix a, const Diagonal& b);

/// f of every entry.
template <class Function>
Matrix each(Matrix a, Function f) {
  for (std::size_t k = 0; k < a.rows() * a.cols(); ++k) a.data()[k] = f(a.data()[k]);
  return a;
}
inline Matrix square_root(Matrix a) {
  return each(std::move(a), [](double v) { return std::sqrt(v); });
}
inline Matrix squared(Matrix a) {
  return each(std::move(a), [](double v) { return v * v; });
}
inline Matrix reciprocal(Matrix a) {
  return each(std::move(a), [](double v) { return 1 / v; });
}

/// a^{-1} b by pivoted LU. O(n^3).
Matrix solve(const Matrix& a, const Matrix& b);
/// a^{-1} b of a positive definite a, by Cholesky. O(n^3).
Matrix solve_positive(const Matrix& a, const Matrix& b);
/// The same by pivoted LDL^T, where a may be nearly singular.
Matrix solve_semidefinite(const Matrix& a, const Matrix& b);
/// L^{-1} of a positive definite a = L L^T.
Matrix inverse_cholesky(const Matrix& a);

/// symmetric = vectors diag(values) vectors^T, ascending. O(n^3).
struct Eigensystem {
  Matrix vectors;
  Column values;
};
Eigensystem eigen(const Matrix& symmetric);

/// a = left diag(values) right^T, all square, descending. O(n^3).
struct Svd {
  Matrix left, right;
  Column values;
};
Svd svd(const Matrix& a);

}  // namespace fortet::algebra
