#include "fortet/solver/dsb.hpp"

#include <string>

#include "fortet/nn/affine_steps.hpp"
#include "instantiate.hpp"
#include "solver/neural_training.hpp"

namespace fortet::impl {
namespace {

/// Trajectories of one direction's chain and what the other direction is regressed on: state s + 1 of a
/// trajectory, its time label, and its reversal target.
template <class Real, class Memory>
struct Trajectories {
  Paths<Real, Memory> states, reversals;
  Vector<Real, Memory> labels, weights;  // of state s + 1
};

/// Row b of the batch: step s in strata, so that every batch sees all times, and the next trajectory of the
/// epoch.
template <class Real, class Memory>
void draw_batch(const typename Memory::execution_space& exec, const Trajectories<Real, Memory>& from,
                const EpochRows& epochs, RandomKey key, const Batch<Real, Memory>& batch) {
  const std::size_t d = batch.x.extent(1), rows = batch.x.extent(0);
  const double steps = static_cast<double>(from.reversals.extent(2));
  Kokkos::parallel_for(
      "fortet::dsb::draw_batch", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, rows),
      KOKKOS_LAMBDA(const std::size_t b) {
        const double within = random_uniform(key, b, 0);
        const auto s =
            static_cast<std::size_t>((static_cast<double>(b) + within) / static_cast<double>(rows) * steps);
        const std::size_t i = epochs.row(b);
        batch.times(b) = from.labels(s);
        batch.weights(b) = from.weights(s);
        for (std::size_t k = 0; k < d; ++k) {
          batch.x(b, k) = from.states(i, k, s + 1);
          batch.target(b, k) = from.reversals(i, k, s);
        }
      });
}

template <class Real, class Memory>
std::shared_ptr<const DriftModel<Real, Memory>> make_model(const NeuralProblem<Real, Memory>& problem,
                                                           Direction direction, const DsbOptions& options) {
  const int dimension = problem.source.dimension();
  if (options.regression == Regression::network) return network<Real, Memory>(problem, options);
  // one map for each state that the direction's chain steps from
  const std::vector<double> grid = options.schedule.grid(problem.reference.horizon);
  const bool forwards = direction == Direction::forward;
  std::vector<double> labels(grid.begin() + (forwards ? 0 : 1), grid.end() - (forwards ? 1 : 0));
  for (double& label : labels) label /= grid.back();
  return std::make_shared<AffineSteps<Real, Memory>>(dimension, labels);
}

/// One run of the solver.
template <class Real, class Memory>
class DsbRun final : public Alternation<Real, Memory> {
 public:
  using Base = Alternation<Real, Memory>;
  using typename Base::Round;

  DsbRun(const NeuralProblem<Real, Memory>& problem, const DsbOptions& options)
      : Base("dsb", problem, options, make_model(problem, Direction::forward, options),
             make_model(problem, Direction::backward, options)),
        dsb_(options) {}

 protected:
  TrainingEnd fit(std::span<const Round> rounds) override {
    return dsb_.regression == Regression::affine ? fit_affine(rounds.front()) : Base::fit(rounds);
  }

  /// Trajectories of the chain opposite to the round's direction, with the targets that reverse it.
  void refresh(const Round& round, RandomKey key) override {
    const Direction simulated = opposite(round.direction);
    const auto steps = chain_steps(this->grid_, this->problem_.reference, simulated);
    const auto n = static_cast<std::size_t>(dsb_.training.particles), d = this->dimension();
    if (trajectories_.states.extent(0) == 0) {
      trajectories_.states = Paths<Real, Memory>("fortet::dsb::states", n, d, steps.size() + 1);
      trajectories_.reversals = Paths<Real, Memory>("fortet::dsb::reversals", n, d, steps.size());
    }
    set_labels(steps, simulated == Direction::backward ? 0.0 : 1.0);
    const Points<Real, Memory> x("fortet::dsb::particles", n, d);
    if (simulated == Direction::backward || round.iteration > 1)
      return this->simulate(simulated, key, x, trajectories_.states, trajectories_.reversals);
    this->start(simulated).sample(this->problem_.exec, key.child(0), x);
    reference_walk<Real, Memory>(this->problem_.exec, this->problem_.reference, this->grid_, key.child(1), x,
                                 trajectories_.states, trajectories_.reversals);
  }

  void draw(const Round& round, long step, RandomKey key, const Batch<Real, Memory>& batch) override {
    draw_batch(this->problem_.exec, trajectories_, epochs_of_rows(dsb_.training, round.key.child(3), step),
               key, batch);
  }

  std::string name(const Round& round) const override {
    if (round.direction == Direction::forward) return "forward half-bridge";
    return round.iteration == 1 ? "score-based generative modelling" : "backward half-bridge";
  }

  std::string settings() const override {
    return std::string(dsb_.regression == Regression::network ? "network" : "affine") + " regression, " +
           (dsb_.matching == Matching::mean ? "mean" : "drift") + " matching";
  }

 private:
  TrainingEnd fit_affine(const Round& round) {
    refresh(round, round.key);
    auto& fitted = this->side(round.direction);
    const auto& model = static_cast<const AffineSteps<Real, Memory>&>(*fitted.model);
    const std::size_t steps = this->grid_.size() - 1;
    const Vector<Real, Memory> parameters("fortet::neural::parameters", model.parameter_count());
    for (std::size_t s = 0; s < steps; ++s)  // state s + 1 of the opposite chain; labels run with the clock
      model.fit(round.direction == Direction::forward ? steps - 1 - s : s,
                Kokkos::subview(trajectories_.states, Kokkos::ALL, Kokkos::ALL, s + 1),
                Kokkos::subview(trajectories_.reversals, Kokkos::ALL, Kokkos::ALL, s), parameters);
    fitted.trained.parameters = parameters;
    return this->report_progress(round, dsb_.training.steps_of(round.iteration), 0) == Continue::yes
               ? TrainingEnd::finished
               : TrainingEnd::cancelled;
  }

  void set_labels(const std::vector<ChainStep>& steps, double last) {
    std::vector<double> labels, weights;
    const double mean = this->problem_.reference.horizon / static_cast<double>(steps.size());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      labels.push_back(s + 1 < steps.size() ? steps[s + 1].time : last);
      const double ratio = steps[s].length / mean;
      weights.push_back(dsb_.matching == Matching::mean ? ratio * ratio : 1.0);
    }
    trajectories_.labels = vector_from_host<Real, Memory>(std::span<const double>(labels));
    trajectories_.weights = vector_from_host<Real, Memory>(std::span<const double>(weights));
  }

  const DsbOptions& dsb_;
  Trajectories<Real, Memory> trajectories_;
};

}  // namespace

template <class Real, class Memory>
Solution<NeuralBridge<Real, Memory>> dsb(const NeuralProblem<Real, Memory>& problem,
                                         const DsbOptions& options) {
  return DsbRun<Real, Memory>(problem, options).solve();
}

#define FORTET_INSTANTIATE(Real, Memory) \
  template Solution<NeuralBridge<Real, Memory>> dsb(const NeuralProblem<Real, Memory>&, const DsbOptions&);
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet::impl
