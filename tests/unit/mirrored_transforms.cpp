// The transforms of the CUDA path with FFTW's real Fourier transforms in the place of cuFFT's, against FFTW's
// cosine and halfcomplex transforms: mirroring, order of the modes and scale are the same on both machines.
#include "grid/mirrored_transforms.hpp"

#include <fftw3.h>

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "grid/spectral.hpp"
#include "support/views.hpp"

using namespace fortet;
using namespace fortet::test;

namespace {

class FftwPlan {
 public:
  FftwPlan(int rank, const std::size_t* extents) : extents_(extents, extents + rank) {}
  void forward(const DefaultExec&, double* in, Kokkos::complex<double>* modes) const {
    run(fftw_plan_dft_r2c(rank(), extents_.data(), in, reinterpret_cast<fftw_complex*>(modes),
                          FFTW_ESTIMATE));
  }
  void backward(const DefaultExec&, Kokkos::complex<double>* modes, double* out) const {
    run(fftw_plan_dft_c2r(rank(), extents_.data(), reinterpret_cast<fftw_complex*>(modes), out,
                          FFTW_ESTIMATE));
  }

 private:
  int rank() const { return static_cast<int>(extents_.size()); }
  static void run(fftw_plan plan) {
    fftw_execute(plan);
    fftw_destroy_plan(plan);
  }
  std::vector<int> extents_;
};

std::vector<double> random_numbers(std::size_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(0.5, 1.5);
  std::vector<double> values(n);
  for (double& v : values) v = uniform(engine);
  return values;
}

/// Any symbol at all: one of a heat kernel would hide a wrong high mode.
grid::SpectralAxis axis(int nodes, bool periodic, unsigned seed) {
  return {nodes, periodic, random_numbers(static_cast<std::size_t>(nodes) + 1, seed)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(real_fourier_transforms_of_mirrored_arrays_are_cosine_transforms) {
  for (const std::vector<int>& shape :
       std::vector<std::vector<int>>{{16}, {7}, {1}, {8, 5}, {3, 12}, {4, 5, 6}})
    for (int mix = 0; mix < 1 << shape.size(); ++mix) {
      std::vector<grid::SpectralAxis> axes;
      std::size_t size = 1;
      for (std::size_t k = 0; k < shape.size(); ++k) {
        axes.push_back(axis(shape[k], (mix >> k) & 1, static_cast<unsigned>(k)));
        size *= static_cast<std::size_t>(shape[k]);
      }
      std::vector<double> expected = random_numbers(size, 17);
      const Vector<double> values = vector(expected);
      grid::Transforms(axes, expected.data()).filter();
      grid::MirroredTransforms<FftwPlan>(axes).filter(exec(), values);
      const std::vector<double> got = to_host(values);
      // a few roundings of numbers of order one on either side
      for (std::size_t i = 0; i < size; ++i) BOOST_TEST_REQUIRE(std::abs(got[i] - expected[i]) < 1e-13);
    }
}
