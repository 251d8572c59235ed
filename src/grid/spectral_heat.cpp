// The spectral method of HeatKernel: exponentials scaled by the largest, one filter, logarithms.
#include <cmath>
#include <limits>
#include <numbers>

#include "grid/heat_kernel.hpp"
#include "grid/spectral.hpp"
#include "measure/allocate.hpp"
#ifdef FORTET_HAVE_CUFFT
#include "grid/cufft_plan.hpp"
#include "grid/mirrored_transforms.hpp"
#endif

namespace fortet::detail {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();
constexpr const char* where = "fortet::GridIpf: kernel";

/// sum over m of exp(-v (k + 2 pi m / h)^2 / 2): the transform of the Gaussian sampled with spacing h, so
/// that this method serves the same discrete problem as the others (Poisson's summation formula).
double sampled_gaussian_symbol(double k, double variance, double spacing) {
  const double alias = 2 * std::numbers::pi / spacing;
  const int last = 2 + static_cast<int>(std::sqrt(80 / variance) / alias);
  double sum = 0;
  for (int m = -last; m <= last; ++m) sum += std::exp(-0.5 * variance * (k + m * alias) * (k + m * alias));
  return sum;
}

std::vector<grid::SpectralAxis> spectral_axes(const std::vector<HeatAxis>& axes) {
  std::vector<grid::SpectralAxis> result;
  for (const HeatAxis& axis : axes) {
    require(axis.boundary != Boundary::free, where, "spectral with boundary", "free",
            "expected periodic or reflecting on every axis; use dense or tilted in free space");
    require(
        axis.out.count == axis.in.count && axis.out.first == axis.in.first && axis.out.step == axis.in.step,
        where, "spectral with grids", "that differ", "expected source and target on the same grid");
    grid::SpectralAxis transform{axis.in.count, axis.boundary == Boundary::periodic, {}};
    const double wave = (transform.periodic ? 2 : 1) * std::numbers::pi / axis.length();
    // of the normalised heat kernel, times what turns it into the plain sum of Gaussians
    const double gain = std::sqrt(2 * std::numbers::pi * axis.variance) / axis.in.step;
    const int last = transform.periodic ? axis.in.count / 2 : axis.in.count;
    for (int mode = 0; mode <= last; ++mode)
      transform.symbol.push_back(gain * sampled_gaussian_symbol(wave * mode, axis.variance, axis.in.step));
    result.push_back(transform);
  }
  return result;
}

/// A device array and what multiplies its modes.
#ifdef FORTET_HAVE_CUFFT
class Filter {
 public:
  static constexpr const char* library = "cuFFT";
  Filter(const std::vector<grid::SpectralAxis>& axes, const Vector<double>& values)
      : values_(values), transforms_(axes) {}
  void apply(const DefaultExec& exec) { transforms_.filter(exec, values_); }

 private:
  Vector<double> values_;
  grid::MirroredTransforms<grid::CufftPlan> transforms_;
};
#else
class Filter {
 public:
  static constexpr const char* library = "FFTW";
  Filter(const std::vector<grid::SpectralAxis>& axes, const Vector<double>& values)
      : values_(values), host_(Kokkos::create_mirror_view(values)), transforms_(axes, host_.data()) {}
  void apply(const DefaultExec& exec) {
    Kokkos::deep_copy(exec, host_, values_);
    exec.fence("fortet::grid::spectral");
    transforms_.filter();
    Kokkos::deep_copy(exec, values_, host_);
  }

 private:
  Vector<double> values_;
  Vector<double>::HostMirror host_;
  grid::Transforms transforms_;
};
#endif

std::size_t count_nodes(const std::vector<HeatAxis>& axes) {
  std::size_t nodes = 1;
  for (const HeatAxis& axis : axes) nodes *= static_cast<std::size_t>(axis.in.count);
  return nodes;
}

class SpectralHeat final : public HeatKernel {
 public:
  explicit SpectralHeat(const std::vector<HeatAxis>& axes)
      : values_(allocate(DefaultExec(), "fortet::grid::spectral", count_nodes(axes))),
        filter_(spectral_axes(axes), values_) {
    double gain = 1;
    for (const HeatAxis& axis : axes) {
      const double ratio = axis.variance / (axis.in.step * axis.in.step);
      gain *= std::max(1.0, std::sqrt(2 * std::numbers::pi * ratio));
    }
    // a transform there and back of entries <= 1, as bounded in practice (Schatzman 1996: growth like the
    // square root of log2 N; the logarithm itself leaves a margin)
    const double rounding =
        4 * std::numeric_limits<double>::epsilon() * std::log2(static_cast<double>(count_nodes(axes)));
    log_relative_floor_ = std::log(gain * rounding);
  }

  void apply(const DefaultExec& exec, ConstVector<double> in, Vector<double> out) override {
    const Vector<double> values = values_;
    double most = 0;
    Kokkos::parallel_reduce(
        "fortet::grid::spectral_largest", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i, double& m) { m = in(i) > m ? in(i) : m; },
        Kokkos::Max<double>(most));
    log_floor_ = most + log_relative_floor_;
    Kokkos::parallel_for(
        "fortet::grid::spectral_exp", Kokkos::RangePolicy<DefaultExec>(exec, 0, in.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) { values(i) = Kokkos::exp(in(i)-most); });
    filter_.apply(exec);
    Kokkos::parallel_for(
        "fortet::grid::spectral_log", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
        KOKKOS_LAMBDA(const std::size_t i) {
          out(i) = values(i) > 0 ? most + Kokkos::log(values(i)) : -Kokkos::Experimental::infinity_v<double>;
        });
  }
  ConstVector<double> partial_sums(int) const override { return {}; }
  std::string description() const override {
    return std::string("spectral (") + Filter::library + "), errors up to " +
           short_number(std::exp(log_relative_floor_)) + " of the largest sum";
  }
  double log_floor() const override { return log_floor_; }

 private:
  Vector<double> values_;
  Filter filter_;
  double log_relative_floor_ = 0, log_floor_ = minus_infinity;
};

}  // namespace

std::unique_ptr<HeatKernel> make_spectral_heat(const std::vector<HeatAxis>& axes) {
  return std::make_unique<SpectralHeat>(axes);
}

bool spectral_available() {
#if defined(FORTET_HAVE_FFTW) || defined(FORTET_HAVE_CUFFT)
  return true;
#else
  return false;
#endif
}

}  // namespace fortet::detail
