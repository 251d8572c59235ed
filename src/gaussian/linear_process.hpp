#pragma once
// The references with linear drift, seen as one: dX = (A X + b) dt + L dW. Host only.

#include "algebra/algebra.hpp"
#include "gaussian/linear_bridge.hpp"

namespace fortet::gaussian {

using algebra::Column;

/// X_s | X_t = x  ~  N(factor x + offset, covariance).
struct Kernel {
  Matrix factor;
  Column offset;
  Matrix covariance;
};

/// X_s | X_t = x, X_T = y  ~  N(start x + end y + offset, covariance).
struct PinnedKernel {
  Matrix start, end;
  Column offset;
  Matrix covariance;
};

/// A linear reference in d dimensions. Matrices that are multiples of the identity are formed all the same:
/// their products are exact and cheap beside the decompositions.
class LinearProcess {
 public:
  /// Throws InvalidArgument in `function`'s name for an invalid reference or one of another dimension.
  LinearProcess(const LinearReference& reference, std::size_t d, const char* function);

  double horizon() const { return horizon_; }
  double epsilon() const { return epsilon_; }
  const Matrix& drift() const { return drift_; }    // A
  const Column& offset() const { return offset_; }  // b
  const Matrix& noise() const { return noise_; }    // L L^T

  Kernel transition(double t, double s) const;
  /// The reference between t and T with both ends known.
  PinnedKernel pinned(double t, double s) const;

  /// W with W^T W = epsilon Q^{-1} for Q = Cov(X_T | X_0): W Phi x against W y is the Brownian problem.
  const Matrix& whiten() const { return whiten_; }

 private:
  LinearReference reference_;
  std::size_t d_;
  double horizon_, epsilon_;
  Matrix drift_, noise_, whiten_;
  Column offset_;
};

}  // namespace fortet::gaussian
