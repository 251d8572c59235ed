#pragma once
// The seam of the grid solver: log-domain sums against a separable Gaussian kernel,
//   out(x) = log sum_y exp(in(y)) prod_k K_k(x_k, y_k),  K_k(x, y) = exp(-(x - y)^2 / (2 variance_k)),
// with images of y for reflecting and periodic axes. Nothing here knows about potentials or normalisation.
#include <memory>
#include <string>
#include <vector>

#include "fortet/solver/grid_options.hpp"
#include "fortet/types.hpp"
#include "grid/line_kernel.hpp"

namespace fortet::detail {

/// One axis of the kernel. Reflecting and periodic images are those of the box of cells around `in`.
struct HeatAxis {
  grid::Nodes out, in;
  double variance = 1;
  Boundary boundary = Boundary::free;

  double length() const { return in.step * in.count; }
  /// Copies of `in` on each side that matter to double precision.
  int images() const;
  /// The row of nodes with its copies: uniform, because the nodes are centres of cells.
  grid::Nodes extended() const;
};

class HeatKernel {
 public:
  virtual ~HeatKernel() = default;
  /// Blocking or not as the method needs; `out` is complete for work on the same instance.
  virtual void apply(const DefaultExec& exec, ConstVector<double> in, Vector<double> out) = 0;
  /// After apply(): the log sums over axes 0 ... k alone, k < dimension - 1; axes after k are those of `in`.
  virtual ConstVector<double> partial_sums(int k) const = 0;
  /// What does the work and what it leaves out, for the report: "tilted 64 (42 % of terms, 79 nodes between)
  /// x dense, left out below 4.2e-08".
  virtual std::string description() const = 0;
  /// Bound on what leaving terms out changes any of the sums by, relative.
  virtual double skip_bound() const { return 0; }
  /// Log of the absolute error of the latest sums: entries near or below it carry no information.
  virtual double log_floor() const;
};

/// Two digits, for descriptions.
std::string short_number(double value);

/// The spectral method: cuFFT on a CUDA device, else FFTW on the host. Throws as make_heat_kernel.
std::unique_ptr<HeatKernel> make_spectral_heat(const std::vector<HeatAxis>& axes);
/// Whether this library was built with either.
bool spectral_available();

/// Throws InvalidArgument when the named method cannot serve these axes, and BackendError for the spectral
/// one without a library of Fourier transforms. `Real` is the arithmetic within tiles; logs are always
/// double.
template <class Real>
std::unique_ptr<HeatKernel> make_heat_kernel(const std::vector<HeatAxis>& axes, GridKernel method);

}  // namespace fortet::detail
