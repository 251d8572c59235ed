#pragma once
// What a neural solver trains: a drift b(tau, x) with parameters it need not understand.
#include <string>
#include <vector>

#include "fortet/concepts.hpp"

namespace fortet {

/// A regression batch: drift targets at (tau, x), one weight a row.
template <class Real, class Memory = DefaultMemory>
struct Batch {
  Vector<Real, Memory> times;  ///< tau = t / horizon in [0, 1]
  Points<Real, Memory> x;
  Points<Real, Memory> target;
  Vector<Real, Memory> weights;
};

/// One step of a chain: x <- x + length b(time, x) + noise Z, Z standard normal.
struct ChainStep {
  double time = 0;    ///< tau of the state the step starts from
  double length = 0;  ///< in units of t
  double noise = 0;   ///< standard deviation
};

/// Memory a model keeps between calls; one for each concurrent caller. Grown on demand, contents unspecified.
template <class Real, class Memory = DefaultMemory>
struct ModelScratch {
  Points<Real, Memory> gradients;  ///< partial parameter gradients, one column each
  Vector<double, Memory> losses;
  Points<Real, Memory> values;  ///< batch-sized
};

/// A parametric drift field. Fortet's own is Mlp; derive from this to train a network of your own with every
/// neural solver: implement the first six functions, the parameters are yours to interpret, and gradients
/// come back through vjp(). Functions are const and keep their memory in the caller's scratch, so one model
/// serves any number of parameter vectors (forward, backward, averaged) at once.
template <class Real, class Memory = DefaultMemory>
class DriftModel {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;
  using Scratch = ModelScratch<Real, Memory>;

  virtual ~DriftModel() = default;

  virtual int dimension() const = 0;
  virtual std::size_t parameter_count() const = 0;
  /// One line that identifies the model; a checkpoint of another description is refused.
  virtual std::string describe() const = 0;
  /// Initial parameters, a function of the key alone. Blocking.
  virtual void initialise(RandomKey key, Vector<Real, Memory> parameters) const = 0;
  /// out_i = b(times_i, x_i). May return before it is done.
  virtual void evaluate(const execution_space& exec, ConstVector<Real, Memory> parameters,
                        ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                        Points<Real, Memory> out) const = 0;
  /// Vector-Jacobian products of L = sum_i <cotangent_i, b(times_i, x_i)>: gradient = dL/dparameters and
  /// input_cotangent_i = dL/dx_i. An output without rows is not computed. Must not depend on the number of
  /// threads if the solver's results are not to.
  virtual void vjp(const execution_space& exec, ConstVector<Real, Memory> parameters,
                   ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                   ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
                   Points<Real, Memory> input_cotangent, Scratch& scratch) const = 0;

  /// loss = (1/n) sum_i weights_i |b(times_i, x_i) - target_i|^2, returned, and its gradient. Blocking. The
  /// default calls evaluate() and vjp(); override it when the two can be fused.
  virtual double loss_gradient(const execution_space& exec, ConstVector<Real, Memory> parameters,
                               const Batch<Real, Memory>& batch, Vector<Real, Memory> gradient,
                               Scratch& scratch) const;
  /// Runs every row of x through the steps, noise of step s from key.child(s), and leaves the end in x.
  /// Unless they have no rows, `path` takes the steps + 1 states, and `reversals` the drift targets that
  /// reverse each step: with F_s(x) = x + length b(time_s, x),
  ///   reversals(:, :, s) = (F_s(x_s) - F_s(x_{s+1})) / length_s   (De Bortoli et al. 2021),
  /// at the price of a second evaluation a step. The default calls evaluate(); override it to fuse the time
  /// loop.
  virtual void walk(const execution_space& exec, ConstVector<Real, Memory> parameters,
                    const std::vector<ChainStep>& steps, RandomKey key, Points<Real, Memory> x,
                    Paths<Real, Memory> path, Paths<Real, Memory> reversals) const;
};

/// out_i = div b(times_i, x_i), exactly: d vector-Jacobian products. O(d) times the cost of a gradient.
template <class Real, class Memory>
void divergence(const typename Memory::execution_space& exec, const DriftModel<Real, Memory>& model,
                ConstVector<Real, Memory> parameters, ConstVector<Real, Memory> times,
                ConstPoints<Real, Memory> x, Vector<Real, Memory> out);

/// Unbiased estimate of the same from `probes` random sign vectors (Hutchinson 1990), one vector-Jacobian
/// product each. Throws InvalidArgument when probes < 1.
template <class Real, class Memory>
void hutchinson_divergence(const typename Memory::execution_space& exec,
                           const DriftModel<Real, Memory>& model, ConstVector<Real, Memory> parameters,
                           ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x, RandomKey key,
                           int probes, Vector<Real, Memory> out);

}  // namespace fortet
