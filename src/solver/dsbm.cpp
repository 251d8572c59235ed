#include "fortet/solver/dsbm.hpp"

#include <string>

#include "instantiate.hpp"
#include "solver/entropic_pairs.hpp"
#include "solver/neural_training.hpp"

namespace fortet::impl {
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

/// Row b: the next pair of the epoch, a time in strata, a point of the pinned reference and the drift that
/// leads from it to the pair's end (forward) or, in reverse time, to its start (backward).
template <class Real, class Memory>
void draw_pinned_batch(const typename Memory::execution_space& exec, const PinnedReference& reference,
                       ConstVector<Real, Memory> mean, ConstPoints<Real, Memory> x0,
                       ConstPoints<Real, Memory> x1, bool forwards, const EpochRows& epochs, RandomKey key,
                       const Batch<Real, Memory>& batch) {
  const std::size_t d = x0.extent(1), rows = batch.x.extent(0);
  const double T = reference.horizon;
  Kokkos::parallel_for(
      "fortet::dsbm::draw_batch", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, rows),
      KOKKOS_LAMBDA(const std::size_t b) {
        const double stratum =
            (static_cast<double>(b) + random_uniform(key.child(0), b, 0)) / static_cast<double>(rows);
        const std::size_t i = epochs.row(b);
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
  using typename Base::Round;

  DsbmRun(const NeuralProblem<Real, Memory>& problem, const DsbmOptions& options,
          PairSampler<Real, Memory> first)
      : DsbmRun(problem, options, std::move(first), network<Real, Memory>(problem, options)) {}

 protected:
  bool joint() const override { return dsbm_.directions == Directions::joint; }

  void refresh(const Round& round, RandomKey key) override {
    const Pairs& pairs = pairs_[round.direction == Direction::backward];
    const Direction simulated = opposite(round.direction);
    if (round.iteration == 1 && (joint() || round.direction == Direction::backward))
      return draw_first_pairs(key, pairs);
    const auto& from = simulated == Direction::forward ? pairs.x0 : pairs.x1;
    const auto& to = simulated == Direction::forward ? pairs.x1 : pairs.x0;
    this->simulate(simulated, key, to, {}, {});
    this->start(simulated).sample(this->problem_.exec, key.child(0), from);  // the same draws
  }

  void draw(const Round& round, long step, RandomKey key, const Batch<Real, Memory>& batch) override {
    const auto& reference = this->problem_.reference;
    const Pairs& pairs = pairs_[round.direction == Direction::backward];
    draw_pinned_batch<Real, Memory>(this->problem_.exec, {reference.rate, reference.sigma, reference.horizon},
                                    mean_, pairs.x0, pairs.x1, round.direction == Direction::forward,
                                    epochs_of_rows(dsbm_.training, round.key.child(3), step), key, batch);
  }

  std::string name(const Round& round) const override {
    if (round.iteration == 1 && (joint() || round.direction == Direction::backward))
      return "matching of the first coupling";
    return round.direction == Direction::forward ? "forward matching" : "backward matching";
  }

  std::string settings() const override {
    const char* first[] = {"reference", "independent", "entropic"};
    return "first coupling " +
           (first_ ? std::string("given") : std::string(first[static_cast<int>(dsbm_.first)])) + ", " +
           (joint() ? "joint" : "alternate") + " directions, minibatch " + std::to_string(dsbm_.minibatch);
  }

 private:
  /// What one direction's batches are drawn from; a joint round needs two of them.
  struct Pairs {
    Points<Real, Memory> x0, x1;
  };

  DsbmRun(const NeuralProblem<Real, Memory>& problem, const DsbmOptions& options,
          PairSampler<Real, Memory> first, std::shared_ptr<const DriftModel<Real, Memory>> model)
      : Base("dsbm", problem, options, model, model), dsbm_(options), first_(std::move(first)) {
    const auto n = static_cast<std::size_t>(options.training.particles), d = this->dimension();
    for (Pairs& pairs : pairs_)
      pairs = {Points<Real, Memory>("fortet::dsbm::x0", n, d),
               Points<Real, Memory>("fortet::dsbm::x1", n, d)};
    std::vector<double> mean(d);
    for (std::size_t k = 0; k < d; ++k) mean[k] = problem.reference.mean_of(static_cast<int>(k));
    mean_ = vector_from_host<Real, Memory>(std::span<const double>(mean));
  }

  void draw_first_pairs(RandomKey key, const Pairs& pairs) {
    const auto& problem = this->problem_;
    if (first_) return first_(problem.exec, key, pairs.x0, pairs.x1);
    if (dsbm_.first == FirstCoupling::entropic)
      return draw_entropic_pairs<Real, Memory>(problem, static_cast<std::size_t>(dsbm_.minibatch), key,
                                               pairs.x0, pairs.x1);
    problem.source.sample(problem.exec, key.child(0), pairs.x0);
    if (dsbm_.first == FirstCoupling::independent)
      return problem.target.sample(problem.exec, key.child(1), pairs.x1);
    Kokkos::deep_copy(problem.exec, pairs.x1, pairs.x0);
    reference_walk<Real, Memory>(problem.exec, problem.reference, {0.0, problem.reference.horizon},
                                 key.child(1), pairs.x1, {}, {});
  }

  const DsbmOptions& dsbm_;
  PairSampler<Real, Memory> first_;
  Pairs pairs_[2];
  Vector<Real, Memory> mean_;
};

}  // namespace

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> dsbm(const NeuralProblem<Real, Memory>& problem,
                                          const DsbmOptions& options, PairSampler<Real, Memory> first) {
  return DsbmRun<Real, Memory>(problem, options, std::move(first)).solve();
}

#define FORTET_INSTANTIATE(Real, Memory)                                                                     \
  template Solution<NeuralBridge<Real, Memory>> dsbm(const NeuralProblem<Real, Memory>&, const DsbmOptions&, \
                                                     PairSampler<Real, Memory>);
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet::impl
