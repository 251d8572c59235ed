#include "fortet/solver/dsbm.hpp"

#include <cmath>
#include <string>

#include "fortet/nn/mlp.hpp"
#include "solver/neural_training.hpp"

namespace fortet {

void DsbmOptions::validate() const {
  constexpr const char* where = "fortet::DsbmOptions";
  detail::require(iterations >= 1, where, "iterations", iterations, "expected at least 1");
  detail::require(std::isfinite(tolerance) && tolerance >= 0, where, "tolerance", tolerance,
                  "expected a finite number >= 0");
  detail::require(check_every >= 1, where, "check_every", check_every, "expected at least 1");
  network.validate(where);
  training.validate(where);
}

namespace impl {
namespace {

constexpr double clip = 1e-3;  // training times keep this share of the horizon away from both ends

/// The reference as kernels see it; the mean it reverts to is a vector of its own.
struct PinnedReference {
  double rate, sigma, horizon;

  KOKKOS_FUNCTION double factor(double length) const { return Kokkos::exp(-rate * length); }
  KOKKOS_FUNCTION double variance(double length) const {
    if (rate == 0) return sigma * sigma * length;
    return sigma * sigma * (1 - Kokkos::exp(-2 * rate * length)) / (2 * rate);
  }
};

/// Row b: a random pair, a time in strata, a point of the pinned reference and the drift that leads from it
/// to the pair's end (forward) or, in reverse time, to its start (backward).
template <class Real, class Memory>
void draw_pinned_batch(const typename Memory::execution_space& exec, const PinnedReference& reference,
                       ConstVector<Real, Memory> mean, ConstPoints<Real, Memory> x0,
                       ConstPoints<Real, Memory> x1, bool forwards, RandomKey key,
                       const Batch<Real, Memory>& batch) {
  const std::size_t d = x0.extent(1), rows = batch.x.extent(0);
  const double pairs = static_cast<double>(x0.extent(0)), T = reference.horizon;
  Kokkos::parallel_for(
      "fortet::dsbm::draw_batch", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, rows),
      KOKKOS_LAMBDA(const std::size_t b) {
        const double stratum =
            (static_cast<double>(b) + random_uniform(key.child(0), b, 0)) / static_cast<double>(rows);
        const auto i = static_cast<std::size_t>(random_uniform(key.child(0), b, 1) * pairs);
        const double tau = clip + (1 - 2 * clip) * stratum, t = tau * T;
        // X_t | x0 and x1 | X_t of the reference, relative to the mean it reverts to
        const double a0 = reference.factor(t), v0 = reference.variance(t);
        const double a1 = reference.factor(T - t), v1 = reference.variance(T - t);
        const double variance = 1 / (1 / v0 + a1 * a1 / v1), deviation = Kokkos::sqrt(variance);
        const double drift = reference.sigma * reference.sigma;
        batch.times(b) = static_cast<Real>(tau);
        batch.weights(b) = Real{1};
        for (std::size_t k = 0; k < d; ++k) {
          const double centre = static_cast<double>(mean(k));
          const double from = static_cast<double>(x0(i, k)) - centre,
                       to = static_cast<double>(x1(i, k)) - centre;
          const double z = random_normal(key.child(1), b, static_cast<std::uint32_t>(k));
          const double x = variance * (a0 * from / v0 + a1 * to / v1) + deviation * z;
          const double target = forwards ? -reference.rate * x + drift * a1 * (to - a1 * x) / v1
                                         : reference.rate * x - drift * (x - a0 * from) / v0;
          batch.x(b, k) = static_cast<Real>(x + centre);
          batch.target(b, k) = static_cast<Real>(target);
        }
      });
}

/// One run of the solver.
template <class Real, class Memory>
class DsbmRun final : public Alternation<Real, Memory> {
 public:
  using Base = Alternation<Real, Memory>;
  using typename Base::Exec;
  using typename Base::Model;

  DsbmRun(const Exec& exec, const Sampler<Real, Memory>& source, const Sampler<Real, Memory>& target,
          const IsotropicReference& reference, const DsbmOptions& options, PairSampler<Real, Memory> first,
          std::shared_ptr<const Model> model)
      : Base(exec, source, target, reference, options.schedule.grid(reference.horizon),
             {"dsbm", options.iterations, options.tolerance, options.training, options.seed,
              options.check_every, options.observer},
             model, model),
        dsbm_(options),
        first_(std::move(first)),
        x0_("fortet::dsbm::x0", static_cast<std::size_t>(options.training.particles),
            static_cast<std::size_t>(source.dimension())),
        x1_("fortet::dsbm::x1", x0_.extent(0), x0_.extent(1)) {
    std::vector<double> mean(x0_.extent(1));
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] = reference.mean_of(static_cast<int>(k));
    mean_ = vector_from_host<Real, Memory>(std::span<const double>(mean));
  }

 protected:
  TrainingEnd round(int iteration, Direction direction, RandomKey key) override {
    const PinnedReference pinned{this->reference_.rate, this->reference_.sigma, this->reference_.horizon};
    const bool forwards = direction == Direction::forward;
    return this->train_round(iteration, direction, key.child(0),
                             [&](long step, const Batch<Real, Memory>& batch) {
                               const auto draw = static_cast<std::uint64_t>(step);
                               if (step % dsbm_.training.refresh == 0)
                                 draw_pairs(iteration, direction, key.child(1).child(draw));
                               draw_pinned_batch<Real, Memory>(this->exec_, pinned, mean_, x0_, x1_, forwards,
                                                               key.child(2).child(draw), batch);
                             });
  }

  std::string name(int iteration, Direction direction) const override {
    if (direction == Direction::forward) return "forward matching";
    return iteration == 1 ? "matching of the first coupling" : "backward matching";
  }

 private:
  void draw_pairs(int iteration, Direction direction, RandomKey key) {
    if (iteration == 1 && direction == Direction::backward) return draw_first_pairs(key);
    const Direction opposite = direction == Direction::forward ? Direction::backward : Direction::forward;
    const auto& from = opposite == Direction::forward ? x0_ : x1_;
    const auto& to = opposite == Direction::forward ? x1_ : x0_;
    const auto& drift = this->side(opposite).trained;
    this->start(opposite).sample(this->exec_, key.child(0), from);
    Kokkos::deep_copy(this->exec_, to, from);
    drift.model->walk(this->exec_, drift.parameters, chain_steps(this->grid_, this->reference_, opposite),
                      key.child(1), to, {}, {});
  }

  void draw_first_pairs(RandomKey key) {
    if (first_) return first_(this->exec_, key, x0_, x1_);
    this->source_.sample(this->exec_, key.child(0), x0_);
    if (dsbm_.first == FirstCoupling::independent)
      return this->target_.sample(this->exec_, key.child(1), x1_);
    Kokkos::deep_copy(this->exec_, x1_, x0_);
    reference_walk<Real, Memory>(this->exec_, this->reference_, {0.0, this->reference_.horizon}, key.child(1),
                                 x1_, {}, {});
  }

  const DsbmOptions& dsbm_;
  PairSampler<Real, Memory> first_;
  Points<Real, Memory> x0_, x1_;
  Vector<Real, Memory> mean_;
};

}  // namespace

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> dsbm(const typename Memory::execution_space& exec,
                                          const Sampler<Real, Memory>& source,
                                          const Sampler<Real, Memory>& target,
                                          const IsotropicReference& reference, const DsbmOptions& options,
                                          PairSampler<Real, Memory> first,
                                          std::shared_ptr<const DriftModel<Real, Memory>> model) {
  detail::require(target.dimension() == source.dimension(), "fortet::Dsbm::solve", "target dimension",
                  target.dimension(),
                  "expected the source's dimension " + std::to_string(source.dimension()));
  if (!model) model = std::make_shared<Mlp<Real, Memory>>(source.dimension(), options.network);
  return DsbmRun<Real, Memory>(exec, source, target, reference, options, std::move(first), std::move(model))
      .solve();
}

#define FORTET_INSTANTIATE(Real, Memory)                                                          \
  template Solution<NeuralBridge<Real, Memory>> dsbm(                                             \
      const Memory::execution_space&, const Sampler<Real, Memory>&, const Sampler<Real, Memory>&, \
      const IsotropicReference&, const DsbmOptions&, PairSampler<Real, Memory>,                   \
      std::shared_ptr<const DriftModel<Real, Memory>>);
FORTET_INSTANTIATE(float, Kokkos::HostSpace)
FORTET_INSTANTIATE(double, Kokkos::HostSpace)
#if defined(KOKKOS_ENABLE_CUDA)
FORTET_INSTANTIATE(float, Kokkos::CudaSpace)
FORTET_INSTANTIATE(double, Kokkos::CudaSpace)
#endif

}  // namespace impl
}  // namespace fortet
