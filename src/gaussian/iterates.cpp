#include "gaussian/iterates.hpp"

#include "gaussian/factor.hpp"
#include "gaussian/linear_process.hpp"

namespace fortet::gaussian {

using namespace algebra;

namespace {

Matrix covariance_of(Moments m) { return symmetric_part(m.covariance); }

AffineMap affine(const Matrix& slope, const Column& offset) { return {slope, to_vector(offset)}; }

/// One end given the other has this slope and covariance.
struct Conditional {
  Matrix slope, spread;
};

GaussianHalfStep half_step(const Conditional& law, const Column& centre, const Matrix& covariance,
                           const Column& value, bool given_is_source) {
  const Matrix cross = law.slope * covariance;  // Cov(other, given)
  return {affine(law.slope, value - law.slope * centre),
          law.spread,
          {to_vector(value), symmetric_part(cross * transposed(law.slope) + law.spread),
           given_is_source ? transposed(cross) : cross}};
}

/// (a + epsilon I)^{-1} of a positive semi-definite a.
Matrix damped_inverse(const Matrix& a, double epsilon) {
  const Matrix one = identity(a.rows());
  return symmetric_part(solve_positive(symmetric_part(a) + epsilon * one, one));
}

/// One step of a chain: x -> a x + c + noise.
struct Step {
  Matrix a;
  Column c;
};

/// Mean and covariance of a chain's state and its covariance with where the chain began.
struct ChainMoments {
  Column mean;
  Matrix covariance, cross;
};

ChainMoments start_of(Moments m) {
  const Matrix covariance = covariance_of(m);
  return {column(m.mean), covariance, covariance};
}

void advance(ChainMoments& state, const Step& step, const Matrix& noise) {
  state.mean = step.a * state.mean + step.c;
  state.covariance = symmetric_part(step.a * state.covariance * transposed(step.a) + noise);
  state.cross = (step.a * state.cross);
}

/// The affine regression that turns one step of a chain around.
Step turned(const Step& step, const ChainMoments& before, const ChainMoments& after, bool drift_matching) {
  const Matrix forecast = step.a * before.covariance;  // Cov(after, before)
  Matrix slope = transposed(solve_semidefinite(after.covariance, forecast));
  if (!drift_matching) return {slope, before.mean - slope * after.mean};
  // after + step(before) - step(after), regressed on after
  slope = identity(slope.rows()) - step.a + step.a * slope;
  const Column target = after.mean + step.a * (before.mean - after.mean);
  return {slope, target - slope * after.mean};
}

/// A chain along an order of steps, and its reversal.
struct Pass {
  std::vector<Step> reversed;
  ChainMoments end;
};
template <class Order>
Pass run(const std::vector<Step>& chain, const std::vector<Matrix>& noise, ChainMoments state, Order order,
         bool drift_matching) {
  Pass pass{std::vector<Step>(chain.size()), {}};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::size_t k = order(i);
    const ChainMoments before = state;
    advance(state, chain[k], noise[k]);
    pass.reversed[k] = turned(chain[k], before, state, drift_matching);
  }
  pass.end = state;
  return pass;
}

GaussianEnd end_of(const ChainMoments& state, bool began_at_source) {
  return {to_vector(state.mean), state.covariance, began_at_source ? transposed(state.cross) : state.cross};
}

std::vector<AffineMap> affine_maps(const std::vector<Step>& chain) {
  std::vector<AffineMap> maps;
  for (const Step& step : chain) maps.push_back(affine(step.a, step.c));
  return maps;
}

}  // namespace

// In the roots S0 = F0 F0^T, S1 = F1 F1^T, whitened p = W Phi F0, r = W F1, the conditional laws are
//   X1 | X0: slope F1 alpha r^T W Phi, covariance eps F1 alpha F1^T,  alpha = (r^T p beta p^T r + eps)^{-1},
//   X0 | X1: slope F0 beta p^T W,      covariance eps F0 beta F0^T,   beta = (p^T r alpha r^T p + eps)^{-1},
// which is A <- (B + eps S1^{-1})^{-1}, B <- (A + eps S0^{-1})^{-1} without the inverses.
std::vector<GaussianIterate> ipf(Moments source, Moments target, const LinearReference& reference,
                                 int iterations, bool zero_potential, const char* function) {
  const LinearProcess process(reference, source.mean.size(), function);
  const double epsilon = process.epsilon();
  const Column m0 = column(source.mean), m1 = column(target.mean);
  const Matrix s0 = covariance_of(source), s1 = covariance_of(target);
  const Matrix f0 = factor(s0).root, f1 = factor(s1).root;
  const Kernel whole = process.transition(0, process.horizon());
  const Matrix reach = process.whiten() * whole.factor, p = reach * f0, r = process.whiten() * f1;
  const Matrix overlap = transposed(p) * r, to_source = transposed(p) * process.whiten(),
               to_target = transposed(r) * reach;

  Matrix kept = transposed(p) * p;                       // p^T A p of the law to start from
  Column error = whole.factor * m0 + whole.offset - m1;  // E[X1 | X0 = m0] - m1
  if (zero_potential) {
    const Matrix alpha = damped_inverse(transposed(r) * r, epsilon);
    kept = overlap * alpha * transposed(overlap);
    error = f1 * alpha * (transposed(r) * (process.whiten() * error));
  }
  std::vector<GaussianIterate> out;
  for (int n = 0; n < iterations; ++n) {
    const Matrix beta = damped_inverse(kept, epsilon);
    const Conditional back{f0 * beta * to_source, epsilon * f0 * beta * transposed(f0)};
    error = -(back.slope * error);
    GaussianIterate iterate{half_step(back, m1, s1, m0 + error, false), {}};
    const Matrix alpha = damped_inverse(transposed(overlap) * beta * overlap, epsilon);
    const Conditional ahead{f1 * alpha * to_target, epsilon * f1 * alpha * transposed(f1)};
    error = -(ahead.slope * error);
    iterate.forward = half_step(ahead, m0, s0, m1 + error, true);
    kept = overlap * alpha * transposed(overlap);
    out.push_back(std::move(iterate));
  }
  return out;
}

GaussianDsb dsb(Moments source, Moments target, const LinearReference& reference,
                const std::vector<double>& times, int iterations, bool drift_matching, const char* function) {
  const LinearProcess process(reference, source.mean.size(), function);
  const std::size_t steps = times.size() - 1;
  const Matrix one = identity(process.drift().rows());
  std::vector<Step> forward, backward;
  std::vector<Matrix> noise;
  for (std::size_t k = 0; k < steps; ++k) {
    const double h = times[k + 1] - times[k];
    forward.push_back({one + h * process.drift(), h * process.offset()});
    noise.push_back(h * process.noise());
  }
  const auto up = [](std::size_t i) { return i; };
  const auto down = [steps](std::size_t i) { return steps - 1 - i; };

  GaussianDsb out;
  backward = run(forward, noise, start_of(source), up, drift_matching).reversed;
  for (int n = 0; n < iterations; ++n) {
    const Pass back = run(backward, noise, start_of(target), down, drift_matching);
    forward = back.reversed;
    const Pass ahead = run(forward, noise, start_of(source), up, drift_matching);
    out.iterates.push_back({end_of(back.end, false), end_of(ahead.end, true)});
    out.backward = affine_maps(backward);
    out.forward = affine_maps(forward);
    backward = ahead.reversed;
  }
  return out;
}

GaussianEnd discretised_end(Moments source, const LinearReference& reference, const LinearBridge& bridge,
                            const std::vector<double>& times, bool heun, const char* function) {
  const LinearProcess process(reference, source.mean.size(), function);
  const Matrix one = identity(process.drift().rows());
  const auto drift = [&](double t) -> Step {
    const CentredMap map = bridge.forward_drift(t);
    const Matrix slope = map.slope;
    return {slope, column(map.value) - slope * column(map.centre)};
  };
  ChainMoments state = start_of(source);
  for (std::size_t k = 0; k + 1 < times.size(); ++k) {
    const double h = times[k + 1] - times[k];
    const Step here = drift(times[k]);
    Step step{one + h * here.a, h * here.c};
    Matrix noise = h * process.noise();
    if (heun) {
      const Step there = drift(times[k + 1]);
      const Matrix kick = one + h / 2 * there.a;
      step = {one + h / 2 * (here.a + there.a * step.a), h / 2 * (here.c + there.a * step.c + there.c)};
      noise = kick * noise * transposed(kick);
    }
    advance(state, step, noise);
  }
  return end_of(state, true);
}

}  // namespace fortet::gaussian
