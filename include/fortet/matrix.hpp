#pragma once
// A small dense host matrix: what covariances and affine maps are given and returned as.
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "fortet/error.hpp"

namespace fortet {

/// Dense row-major matrix of doubles in host memory. Storage and indexing only.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols, double value = 0.0)
      : rows_(rows), cols_(cols), values_(rows * cols, value) {}
  /// From rows: Matrix{{1, 0}, {0, 2}}. Throws InvalidArgument when the rows differ in length.
  Matrix(std::initializer_list<std::initializer_list<double>> rows)
      : rows_(rows.size()), cols_(rows.size() ? rows.begin()->size() : 0) {
    for (const auto& row : rows) {
      detail::require(row.size() == cols_, "fortet::Matrix", "row length", row.size(),
                      "every row must be as long as the first");
      values_.insert(values_.end(), row.begin(), row.end());
    }
  }

  std::size_t rows() const noexcept { return rows_; }
  std::size_t cols() const noexcept { return cols_; }
  double& operator()(std::size_t i, std::size_t j) noexcept { return values_[i * cols_ + j]; }
  double operator()(std::size_t i, std::size_t j) const noexcept { return values_[i * cols_ + j]; }
  double* data() noexcept { return values_.data(); }
  const double* data() const noexcept { return values_.data(); }
  friend bool operator==(const Matrix&, const Matrix&) = default;

 private:
  std::size_t rows_ = 0, cols_ = 0;
  std::vector<double> values_;
};

/// The affine map x -> slope x + offset.
struct AffineMap {
  Matrix slope;
  std::vector<double> offset;
};

/// variance * I in `dimension` dimensions.
inline Matrix isotropic(std::size_t dimension, double variance) {
  Matrix m(dimension, dimension);
  for (std::size_t i = 0; i < dimension; ++i) m(i, i) = variance;
  return m;
}

/// The matrix with the given diagonal.
inline Matrix diagonal(const std::vector<double>& entries) {
  Matrix m(entries.size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) m(i, i) = entries[i];
  return m;
}

}  // namespace fortet
