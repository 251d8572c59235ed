#include "fortet/solver/dsb.hpp"

#include <cmath>
#include <string>

#include "fortet/nn/affine_steps.hpp"
#include "fortet/nn/mlp.hpp"
#include "solver/neural_training.hpp"

namespace fortet {

void DsbOptions::validate() const {
  constexpr const char* where = "fortet::DsbOptions";
  detail::require(iterations >= 1, where, "iterations", iterations, "expected at least 1");
  detail::require(std::isfinite(tolerance) && tolerance >= 0, where, "tolerance", tolerance,
                  "expected a finite number >= 0");
  detail::require(check_every >= 1, where, "check_every", check_every, "expected at least 1");
  network.validate(where);
  training.validate(where);
}

namespace impl {
namespace {

/// Trajectories of one direction's chain and what the other direction is regressed on: state s + 1 of a
/// trajectory, its time label, and its reversal target.
template <class Real, class Memory>
struct Trajectories {
  Paths<Real, Memory> states, reversals;
  Vector<Real, Memory> labels, weights;  // of state s + 1
};

/// Row b of the batch: step s in strata, so that every batch sees all times, and a random trajectory.
template <class Real, class Memory>
void draw_batch(const typename Memory::execution_space& exec, const Trajectories<Real, Memory>& from,
                RandomKey key, const Batch<Real, Memory>& batch) {
  const std::size_t d = batch.x.extent(1), rows = batch.x.extent(0);
  const double steps = static_cast<double>(from.reversals.extent(2));
  const double particles = static_cast<double>(from.reversals.extent(0));
  Kokkos::parallel_for(
      "fortet::dsb::draw_batch", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, rows),
      KOKKOS_LAMBDA(const std::size_t b) {
        const double within = random_uniform(key, b, 0);
        const auto s =
            static_cast<std::size_t>((static_cast<double>(b) + within) / static_cast<double>(rows) * steps);
        const auto i = static_cast<std::size_t>(random_uniform(key, b, 1) * particles);
        batch.times(b) = from.labels(s);
        batch.weights(b) = from.weights(s);
        for (std::size_t k = 0; k < d; ++k) {
          batch.x(b, k) = from.states(i, k, s + 1);
          batch.target(b, k) = from.reversals(i, k, s);
        }
      });
}

template <class Real, class Memory>
std::shared_ptr<const DriftModel<Real, Memory>> make_model(
    const std::vector<double>& grid, int dimension, Direction direction, const DsbOptions& options,
    std::shared_ptr<const DriftModel<Real, Memory>> given) {
  if (options.regression == Regression::network)
    return given ? given : std::make_shared<Mlp<Real, Memory>>(dimension, options.network);
  // one map for each state that the direction's chain steps from
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
  using typename Base::Exec;
  using typename Base::Model;

  DsbRun(const Exec& exec, const Sampler<Real, Memory>& source, const Sampler<Real, Memory>& target,
         const IsotropicReference& reference, const std::vector<double>& grid, const DsbOptions& options,
         std::shared_ptr<const Model> model)
      : Base(exec, source, target, reference, grid,
             {"dsb", options.iterations, options.tolerance, options.training, options.seed,
              options.check_every, options.observer},
             make_model(grid, source.dimension(), Direction::forward, options, model),
             make_model(grid, source.dimension(), Direction::backward, options, model)),
        dsb_(options) {}

 protected:
  TrainingEnd round(int iteration, Direction direction, RandomKey key) override {
    if (dsb_.regression == Regression::affine) return fit_affine(iteration, direction, key);
    return this->train_round(iteration, direction, key.child(0),
                             [&](long step, const Batch<Real, Memory>& batch) {
                               const auto draw = static_cast<std::uint64_t>(step);
                               if (step % dsb_.training.refresh == 0)
                                 simulate(iteration, direction, key.child(1).child(draw));
                               draw_batch(this->exec_, trajectories_, key.child(2).child(draw), batch);
                             });
  }

  std::string name(int iteration, Direction direction) const override {
    if (direction == Direction::forward) return "forward half-bridge";
    return iteration == 1 ? "score-based generative modelling" : "backward half-bridge";
  }

 private:
  TrainingEnd fit_affine(int iteration, Direction direction, RandomKey key) {
    simulate(iteration, direction, key);
    auto& fitted = this->side(direction);
    const auto& model = static_cast<const AffineSteps<Real, Memory>&>(*fitted.model);
    const std::size_t steps = this->grid_.size() - 1;
    const Vector<Real, Memory> parameters("fortet::neural::parameters", model.parameter_count());
    for (std::size_t s = 0; s < steps; ++s)  // state s + 1 of the opposite chain; labels run with the clock
      model.fit(direction == Direction::forward ? steps - 1 - s : s,
                Kokkos::subview(trajectories_.states, Kokkos::ALL, Kokkos::ALL, s + 1),
                Kokkos::subview(trajectories_.reversals, Kokkos::ALL, Kokkos::ALL, s), parameters);
    fitted.trained.parameters = parameters;
    return this->report_progress(iteration, direction, dsb_.training.steps, 0) == Continue::yes
               ? TrainingEnd::finished
               : TrainingEnd::cancelled;
  }

  /// Trajectories of the chain opposite to `direction`, with the targets that reverse it.
  void simulate(int iteration, Direction direction, RandomKey key) {
    const bool forwards = direction == Direction::forward;
    const Direction opposite = forwards ? Direction::backward : Direction::forward;
    const auto steps = chain_steps(this->grid_, this->reference_, opposite);
    const auto n = static_cast<std::size_t>(dsb_.training.particles);
    const auto d = static_cast<std::size_t>(this->source_.dimension());
    if (trajectories_.states.extent(0) == 0) {
      trajectories_.states = Paths<Real, Memory>("fortet::dsb::states", n, d, steps.size() + 1);
      trajectories_.reversals = Paths<Real, Memory>("fortet::dsb::reversals", n, d, steps.size());
    }
    set_labels(steps, forwards ? 0.0 : 1.0);
    const Points<Real, Memory> x("fortet::dsb::particles", n, d);
    this->start(opposite).sample(this->exec_, key.child(0), x);
    if (!forwards && iteration == 1)
      return reference_walk<Real, Memory>(this->exec_, this->reference_, this->grid_, key.child(1), x,
                                          trajectories_.states, trajectories_.reversals);
    const auto& drift = this->side(opposite).trained;
    drift.model->walk(this->exec_, drift.parameters, steps, key.child(1), x, trajectories_.states,
                      trajectories_.reversals);
  }

  void set_labels(const std::vector<ChainStep>& steps, double last) {
    std::vector<double> labels, weights;
    const double mean = this->reference_.horizon / static_cast<double>(steps.size());
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
Solution<NeuralBridge<Real, Memory>> dsb(const typename Memory::execution_space& exec,
                                         const Sampler<Real, Memory>& source,
                                         const Sampler<Real, Memory>& target,
                                         const IsotropicReference& reference, const DsbOptions& options,
                                         std::shared_ptr<const DriftModel<Real, Memory>> model) {
  detail::require(target.dimension() == source.dimension(), "fortet::Dsb::solve", "target dimension",
                  target.dimension(),
                  "expected the source's dimension " + std::to_string(source.dimension()));
  return DsbRun<Real, Memory>(exec, source, target, reference, options.schedule.grid(reference.horizon),
                              options, std::move(model))
      .solve();
}

#define FORTET_INSTANTIATE(Real, Memory)                                                          \
  template Solution<NeuralBridge<Real, Memory>> dsb(                                              \
      const Memory::execution_space&, const Sampler<Real, Memory>&, const Sampler<Real, Memory>&, \
      const IsotropicReference&, const DsbOptions&, std::shared_ptr<const DriftModel<Real, Memory>>);
FORTET_INSTANTIATE(float, Kokkos::HostSpace)
FORTET_INSTANTIATE(double, Kokkos::HostSpace)
#if defined(KOKKOS_ENABLE_CUDA)
FORTET_INSTANTIATE(float, Kokkos::CudaSpace)
FORTET_INSTANTIATE(double, Kokkos::CudaSpace)
#endif

}  // namespace impl
}  // namespace fortet
