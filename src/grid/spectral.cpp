#include "grid/spectral.hpp"

#include "fortet/error.hpp"

#ifdef FORTET_HAVE_FFTW
#include <fftw3.h>

#include <cstddef>
#include <mutex>
#endif

namespace fortet::grid {

#ifdef FORTET_HAVE_FFTW

namespace {
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}
}  // namespace

struct Transforms::State {
  std::vector<SpectralAxis> axes;
  std::size_t size = 1;
  double* data;
  fftw_plan forward = nullptr, backward = nullptr;

  State(const std::vector<SpectralAxis>& given, double* array) : axes(given), data(array) {
    std::vector<int> shape;
    std::vector<fftw_r2r_kind> there, back;
    double scale = 1;
    for (const SpectralAxis& axis : axes) {
      shape.push_back(axis.nodes);
      there.push_back(axis.periodic ? FFTW_R2HC : FFTW_REDFT10);
      back.push_back(axis.periodic ? FFTW_HC2R : FFTW_REDFT01);
      size *= static_cast<std::size_t>(axis.nodes);
      scale *= axis.periodic ? axis.nodes : 2.0 * axis.nodes;
    }
    for (double& factor : axes.front().symbol) factor /= scale;  // FFTW's transforms are not normalised
    const std::lock_guard lock(planner());
    const int rank = static_cast<int>(axes.size());
    forward = fftw_plan_r2r(rank, shape.data(), data, data, there.data(), FFTW_ESTIMATE);
    backward = fftw_plan_r2r(rank, shape.data(), data, data, back.data(), FFTW_ESTIMATE);
  }
  ~State() {
    const std::lock_guard lock(planner());
    if (forward) fftw_destroy_plan(forward);
    if (backward) fftw_destroy_plan(backward);
  }
};

Transforms::Transforms(const std::vector<SpectralAxis>& axes, double* data)
    : state_(std::make_unique<State>(axes, data)) {
  if (!state_->forward || !state_->backward) throw BackendError("fortet: FFTW found no plan for this grid");
}
Transforms::~Transforms() = default;

void Transforms::filter() {
  fftw_execute(state_->forward);
  std::size_t inner = state_->size;
  for (const SpectralAxis& axis : state_->axes) {
    const auto n = static_cast<std::size_t>(axis.nodes);
    inner /= n;
    for (std::size_t i = 0; i < state_->size; ++i) {
      std::size_t mode = i / inner % n;
      if (axis.periodic && mode > n / 2) mode = n - mode;  // imaginary parts, stored backwards
      state_->data[i] *= axis.symbol[mode];
    }
  }
  fftw_execute(state_->backward);
}

#else

struct Transforms::State {};
Transforms::Transforms(const std::vector<SpectralAxis>&, double*) {
  throw BackendError(
      "fortet: the spectral grid kernel needs FFTW (on a CUDA device cuFFT), and this library was built "
      "without it");
}
Transforms::~Transforms() = default;
void Transforms::filter() {}

#endif

}  // namespace fortet::grid
