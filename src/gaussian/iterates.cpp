#include "gaussian/iterates.hpp"

#include <Eigen/Cholesky>

#include "gaussian/linear_process.hpp"

namespace fortet::gaussian {
namespace {

Dense covariance_of(Moments m) { return symmetric_part(to_dense(m.covariance)); }

AffineMap affine(const Dense& slope, const Column& offset) { return {to_matrix(slope), to_vector(offset)}; }

/// One end given the other has this slope and covariance.
struct Conditional {
  Dense slope, spread;
};

GaussianHalfStep half_step(const Conditional& law, const Column& centre, const Dense& covariance,
                           const Column& value, bool given_is_source) {
  const Dense cross = law.slope * covariance;  // Cov(other, given)
  return {affine(law.slope, value - law.slope * centre),
          to_matrix(law.spread),
          {to_vector(value), to_matrix(symmetric_part(cross * law.slope.transpose() + law.spread)),
           to_matrix(given_is_source ? Dense(cross.transpose()) : cross)}};
}

/// (a + epsilon I)^{-1} of a positive semi-definite a.
Dense damped_inverse(const Dense& a, double epsilon) {
  const Eigen::Index d = a.rows();
  const Dense identity = Dense::Identity(d, d);
  return symmetric_part((symmetric_part(a) + epsilon * identity).llt().solve(identity));
}

/// One step of a chain: x -> a x + c + noise.
struct Step {
  Dense a;
  Column c;
};

/// Mean and covariance of a chain's state and its covariance with where the chain began.
struct ChainMoments {
  Column mean;
  Dense covariance, cross;
};

ChainMoments start_of(Moments m) {
  const Dense covariance = covariance_of(m);
  return {to_column(m.mean), covariance, covariance};
}

void advance(ChainMoments& state, const Step& step, const Dense& noise) {
  state.mean = step.a * state.mean + step.c;
  state.covariance = symmetric_part(step.a * state.covariance * step.a.transpose() + noise);
  state.cross = (step.a * state.cross).eval();
}

/// The affine regression that turns one step of a chain around.
Step turned(const Step& step, const ChainMoments& before, const ChainMoments& after, bool drift_matching) {
  const Dense forecast = step.a * before.covariance;  // Cov(after, before)
  Dense slope = after.covariance.ldlt().solve(forecast).transpose();
  if (!drift_matching) return {slope, before.mean - slope * after.mean};
  // after + step(before) - step(after), regressed on after
  slope = Dense::Identity(slope.rows(), slope.cols()) - step.a + step.a * slope;
  const Column target = after.mean + step.a * (before.mean - after.mean);
  return {slope, target - slope * after.mean};
}

/// A chain along an order of steps, and its reversal.
struct Pass {
  std::vector<Step> reversed;
  ChainMoments end;
};
template <class Order>
Pass run(const std::vector<Step>& chain, const std::vector<Dense>& noise, ChainMoments state, Order order,
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
  return {to_vector(state.mean), to_matrix(state.covariance),
          to_matrix(began_at_source ? Dense(state.cross.transpose()) : state.cross)};
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
  const LinearProcess process(reference, static_cast<int>(source.mean.size()), function);
  const double epsilon = process.epsilon();
  const Column m0 = to_column(source.mean), m1 = to_column(target.mean);
  const Dense s0 = covariance_of(source), s1 = covariance_of(target);
  const Dense f0 = factor(s0).root, f1 = factor(s1).root;
  const Kernel whole = process.transition(0, process.horizon());
  const Dense reach = process.whiten() * whole.factor, p = reach * f0, r = process.whiten() * f1;
  const Dense overlap = p.transpose() * r, to_source = p.transpose() * process.whiten(),
              to_target = r.transpose() * reach;

  Dense kept = p.transpose() * p;                        // p^T A p of the law to start from
  Column error = whole.factor * m0 + whole.offset - m1;  // E[X1 | X0 = m0] - m1
  if (zero_potential) {
    const Dense alpha = damped_inverse(r.transpose() * r, epsilon);
    kept = overlap * alpha * overlap.transpose();
    error = f1 * alpha * (r.transpose() * (process.whiten() * error));
  }
  std::vector<GaussianIterate> out;
  for (int n = 0; n < iterations; ++n) {
    const Dense beta = damped_inverse(kept, epsilon);
    const Conditional back{f0 * beta * to_source, epsilon * f0 * beta * f0.transpose()};
    error = -(back.slope * error).eval();
    GaussianIterate iterate{half_step(back, m1, s1, m0 + error, false), {}};
    const Dense alpha = damped_inverse(overlap.transpose() * beta * overlap, epsilon);
    const Conditional ahead{f1 * alpha * to_target, epsilon * f1 * alpha * f1.transpose()};
    error = -(ahead.slope * error).eval();
    iterate.forward = half_step(ahead, m0, s0, m1 + error, true);
    kept = overlap * alpha * overlap.transpose();
    out.push_back(std::move(iterate));
  }
  return out;
}

GaussianDsb dsb(Moments source, Moments target, const LinearReference& reference,
                const std::vector<double>& times, int iterations, bool drift_matching, const char* function) {
  const LinearProcess process(reference, static_cast<int>(source.mean.size()), function);
  const std::size_t steps = times.size() - 1;
  const Dense identity = Dense::Identity(process.drift().rows(), process.drift().cols());
  std::vector<Step> forward, backward;
  std::vector<Dense> noise;
  for (std::size_t k = 0; k < steps; ++k) {
    const double h = times[k + 1] - times[k];
    forward.push_back({identity + h * process.drift(), h * process.offset()});
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
  const LinearProcess process(reference, static_cast<int>(source.mean.size()), function);
  const Dense identity = Dense::Identity(process.drift().rows(), process.drift().cols());
  const auto drift = [&](double t) -> Step {
    const CentredMap map = bridge.forward_drift(t);
    const Dense slope = to_dense(map.slope);
    return {slope, to_column(map.value) - slope * to_column(map.centre)};
  };
  ChainMoments state = start_of(source);
  for (std::size_t k = 0; k + 1 < times.size(); ++k) {
    const double h = times[k + 1] - times[k];
    const Step here = drift(times[k]);
    Step step{identity + h * here.a, h * here.c};
    Dense noise = h * process.noise();
    if (heun) {
      const Step there = drift(times[k + 1]);
      const Dense kick = identity + h / 2 * there.a;
      step = {identity + h / 2 * (here.a + there.a * step.a), h / 2 * (here.c + there.a * step.c + there.c)};
      noise = kick * noise * kick.transpose();
    }
    advance(state, step, noise);
  }
  return end_of(state, true);
}

}  // namespace fortet::gaussian
