#include "algebra/algebra.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace fortet::algebra {
namespace {

std::size_t size(const Matrix& a) { return a.rows() * a.cols(); }

template <class Function>
Matrix combined(Matrix a, const Matrix& b, Function f) {
  assert(a.rows() == b.rows() && a.cols() == b.cols());
  for (std::size_t k = 0; k < size(a); ++k) a.data()[k] = f(a.data()[k], b.data()[k]);
  return a;
}

template <class Function>
Matrix made(std::size_t rows, std::size_t cols, Function entry) {
  Matrix out(rows, cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) out(i, j) = entry(i, j);
  return out;
}

}  // namespace

Column column(std::span<const double> values) {
  Column out(values.size(), 1);
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

std::vector<double> to_vector(const Column& column) { return {column.data(), column.data() + size(column)}; }

Matrix identity(std::size_t n, double factor) { return isotropic(n, factor); }

Matrix transposed(const Matrix& a) {
  return made(a.cols(), a.rows(), [&](std::size_t i, std::size_t j) { return a(j, i); });
}

Matrix symmetric_part(const Matrix& a) {
  return made(a.rows(), a.rows(), [&](std::size_t i, std::size_t j) { return 0.5 * (a(i, j) + a(j, i)); });
}

Column diagonal_of(const Matrix& a) {
  return made(a.rows(), 1, [&](std::size_t i, std::size_t) { return a(i, i); });
}

Column squared_row_norms(const Matrix& a) {
  return made(a.rows(), 1, [&](std::size_t i, std::size_t) {
    const double* row = a.data() + i * a.cols();
    return std::inner_product(row, row + a.cols(), row, 0.0);
  });
}

Matrix beside(const Matrix& left, const Matrix& right) {
  return made(left.rows(), left.cols() + right.cols(), [&](std::size_t i, std::size_t j) {
    return j < left.cols() ? left(i, j) : right(i, j - left.cols());
  });
}

Matrix above(const Matrix& top, const Matrix& bottom) {
  return made(top.rows() + bottom.rows(), top.cols(), [&](std::size_t i, std::size_t j) {
    return i < top.rows() ? top(i, j) : bottom(i - top.rows(), j);
  });
}

Matrix rows(const Matrix& a, std::size_t first, std::size_t count) {
  return made(count, a.cols(), [&](std::size_t i, std::size_t j) { return a(first + i, j); });
}

double sum(const Matrix& a) { return std::accumulate(a.data(), a.data() + size(a), 0.0); }

double dot(const Matrix& a, const Matrix& b) {
  return std::inner_product(a.data(), a.data() + size(a), b.data(), 0.0);
}

double norm(const Matrix& a) { return std::sqrt(squared_norm(a)); }

double largest(const Matrix& a) {
  double out = 0;
  for (std::size_t k = 0; k < size(a); ++k) out = std::max(out, std::abs(a.data()[k]));
  return out;
}

Matrix& operator+=(Matrix& a, const Matrix& b) { return a = std::move(a) + b; }
Matrix operator+(Matrix a, const Matrix& b) { return combined(std::move(a), b, std::plus<>()); }
Matrix operator-(Matrix a, const Matrix& b) { return combined(std::move(a), b, std::minus<>()); }
Matrix operator-(Matrix a) { return each(std::move(a), std::negate<>()); }
Matrix operator*(double factor, Matrix a) {
  return each(std::move(a), [factor](double v) { return factor * v; });
}
Matrix operator/(Matrix a, double divisor) {
  return each(std::move(a), [divisor](double v) { return v / divisor; });
}

Matrix operator*(const Diagonal& a, Matrix b) {
  for (std::size_t i = 0; i < b.rows(); ++i)
    for (std::size_t j = 0; j < b.cols(); ++j) b(i, j) *= a.entries(i, 0);
  return b;
}

Matrix operator*(Matrix a, const Diagonal& b) {
  for (std::size_t i = 0; i < a.rows(); ++i)
    for (std::size_t j = 0; j < a.cols(); ++j) a(i, j) *= b.entries(j, 0);
  return a;
}

}  // namespace fortet::algebra
