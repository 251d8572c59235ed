#include "algebra/eigen_map.hpp"

namespace fortet::algebra {

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows(), b.cols());
  transpose_of(out).noalias() = transpose_of(b) * transpose_of(a);
  return out;
}

}  // namespace fortet::algebra
