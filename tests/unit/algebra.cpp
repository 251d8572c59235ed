// The operators and decompositions behind the Gaussian closed forms, against what defines them.
#include "algebra/algebra.hpp"

#include <boost/test/unit_test.hpp>

#include "fortet/random/philox.hpp"

using namespace fortet;
using namespace fortet::algebra;

namespace {

Matrix normals(std::size_t n, std::size_t m, std::uint64_t seed) {
  Matrix out(n, m);
  for (std::size_t k = 0; k < n * m; ++k) out.data()[k] = random_normal({.seed = seed}, k, 0);
  return out;
}

double distance(const Matrix& a, const Matrix& b) { return largest(a - b); }

/// sums of n products of numbers of order one, each rounded a few times
double rounding(std::size_t n) { return 2e-15 * static_cast<double>(n); }

Matrix positive(std::size_t n, std::uint64_t seed) {
  const Matrix a = normals(n, n, seed);
  return a * transposed(a) + identity(n);
}

const std::size_t sizes[] = {1, 2, 3, 17, 64, 130};  // one panel of eigen.cpp, its edge, three panels

}  // namespace

BOOST_AUTO_TEST_CASE(products_are_sums_of_products) {
  const Matrix a = normals(13, 40, 1), b = normals(40, 7, 2), c = normals(13, 1, 3);
  const Matrix ab = a * b, ac = transposed(a) * c;
  for (std::size_t i = 0; i < 13; ++i)
    for (std::size_t j = 0; j < 7; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < 40; ++k) sum += a(i, k) * b(k, j);
      BOOST_TEST(std::abs(ab(i, j) - sum) < rounding(40));
    }
  BOOST_TEST(std::abs(ac(5, 0) - dot(transposed(rows(transposed(a), 5, 1)), c)) < rounding(13));
  const Diagonal left{c}, right{normals(40, 1, 9)};
  BOOST_TEST((left * a == (left * identity(13)) * a));
  BOOST_TEST((a * right == a * (right * identity(40))));
}

BOOST_AUTO_TEST_CASE(systems_are_solved) {
  for (std::size_t n : sizes) {
    const Matrix a = normals(n, n, 4) + identity(n, 3), s = positive(n, 5), b = normals(n, 3, 6);
    // times the condition number, which is below a thousand for these seeds
    const double error = 1e3 * rounding(n);
    BOOST_TEST(distance(a * solve(a, b), b) < error);
    BOOST_TEST(distance(s * solve_positive(s, b), b) < error);
    BOOST_TEST(distance(s * solve_semidefinite(s, b), b) < error);
    const Matrix inverse = inverse_cholesky(s);
    BOOST_TEST(distance(inverse * s * transposed(inverse), identity(n)) < error);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j) BOOST_TEST(inverse(i, j) == 0);
  }
}

BOOST_AUTO_TEST_CASE(eigenvectors_diagonalise) {
  for (std::size_t n : sizes)
    for (const double scale : {1.0, 1e-200, 1e200}) {
      const Matrix s = scale * symmetric_part(normals(n, n, 7));
      const auto [vectors, values] = eigen(s);
      BOOST_TEST(distance(transposed(vectors) * vectors, identity(n)) < rounding(n));
      // the norm of s is about 2 sqrt(n)
      BOOST_TEST(distance(vectors * Diagonal{values} * transposed(vectors), s) < 10 * scale * rounding(n));
      for (std::size_t i = 1; i < n; ++i) BOOST_TEST(values(i - 1, 0) <= values(i, 0));
    }
  BOOST_TEST((eigen(Matrix(3, 3)).values == Column(3, 1)));
}

BOOST_AUTO_TEST_CASE(singular_vectors_diagonalise) {
  for (std::size_t n : sizes) {
    Matrix a = normals(n, n, 8);
    if (n > 2)  // singular
      a = above(rows(a, 0, n - 1), Matrix(1, n));
    const Svd s = svd(a);
    BOOST_TEST(distance(transposed(s.left) * s.left, identity(n)) < rounding(n));
    BOOST_TEST(distance(transposed(s.right) * s.right, identity(n)) < rounding(n));
    BOOST_TEST(distance(s.left * Diagonal{s.values} * transposed(s.right), a) < 10 * rounding(n));
    for (std::size_t i = 1; i < n; ++i) BOOST_TEST(s.values(i - 1, 0) >= s.values(i, 0));
    BOOST_TEST(s.values(n - 1, 0) >= 0);
  }
  // small singular values keep their digits: eigenvalues of a^T a would lose those below 1e-8
  const Svd graded = svd(diagonal({1, 1e-6, 1e-12}));
  BOOST_TEST(std::abs(graded.values(2, 0) - 1e-12) < 1e-24);
}

// Where a matrix lies in memory must not show in the last digit.
BOOST_AUTO_TEST_CASE(equal_matrices_give_equal_bits) {
  for (std::size_t n = 1; n < 40; ++n) {
    const Matrix a = normals(n, n, 10), s = positive(n, 11);
    const Matrix product = a * s, vectors = eigen(s).vectors, left = svd(a).left, solution = solve(s, a);
    std::vector<std::vector<double>> elsewhere;
    for (std::size_t k = 0; k < 8; ++k) {
      elsewhere.emplace_back(2 * k + 1);  // moves what is allocated next
      const Matrix b = a, q = s;
      BOOST_TEST((b * q == product));
      BOOST_TEST((eigen(q).vectors == vectors));
      BOOST_TEST((svd(b).left == left));
      BOOST_TEST((solve(q, b) == solution));
    }
  }
}
