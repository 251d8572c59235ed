#include "gaussian/linear_bridge.hpp"

#include <Eigen/LU>
#include <cmath>
#include <limits>

#include "gaussian/linear_process.hpp"

// Everything is diagonal in one pair of bases. With S0 = F0 F0^T, S1 = F1 F1^T, the whitened roots
// F0' = W Phi F0, F1' = W F1 and the singular value decomposition F0'^T F1' = U diag(sigma) V^T put P = F0 U,
// R = F1 V. Then X0 = m0 + P xi, X1 = m1 + R eta, where (xi_i, eta_i) are standard normal pairs of
// correlation
//   rho_i = x_i sigma_i,  x_i = 2 / (eps + sqrt(eps^2 + 4 sigma_i^2)),  1 - rho_i^2 = eps x_i,
// so that C = P diag(rho) R^T, K = R diag(x) R^T, K' = P diag(x) P^T: no covariance is inverted, nothing is
// subtracted, and sigma comes from roots, not from the product S0 S1 whose small eigenvalues are lost.

namespace fortet::gaussian {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double spread(double sigma, double epsilon) { return 2 / (epsilon + std::hypot(epsilon, 2 * sigma)); }
double correlation(double sigma, double epsilon) { return sigma * spread(sigma, epsilon); }

/// -log(1 - rho^2), which is the logarithm of (D + eps) / (2 eps).
double log_ratio(double sigma, double epsilon) {
  return std::log1p(sigma * correlation(sigma, epsilon) / epsilon);
}

/// OT_eps between centred Gaussians = (tr S0 + tr S1) / 2 - sum of gains.
double gain(double sigma, double epsilon) {
  return sigma * correlation(sigma, epsilon) - 0.5 * epsilon * log_ratio(sigma, epsilon);
}

template <class Function>
Column each(const Column& sigma, double epsilon, Function f) {
  return sigma.unaryExpr([&](double s) { return f(s, epsilon); });
}

/// A symmetric positive K = basis diag(values) basis^T.
struct Spectrum {
  Dense basis;
  Column values;
};
Spectrum spectrum_of_root(const Dense& root) {
  const Svd s = svd(root);
  return {s.left, s.values.array().square()};
}

/// numerator(K) (near K + far)^{-1} for near + far = I. The columns of the sum are scaled by 1 / (1 + k), so
/// that directions in which K is large do not drown those in which it is small.
template <class Numerator>
Dense resolvent(const Spectrum& k, const Dense& near, const Dense& far, Numerator numerator) {
  const Column weight = (1 + k.values.array()).inverse();
  const auto rotated = [&](const Dense& m) -> Dense { return k.basis.transpose() * m * k.basis; };
  const Dense sum =
      rotated(near) * k.values.cwiseProduct(weight).asDiagonal() + rotated(far) * weight.asDiagonal();
  const Column scale = k.values.unaryExpr(numerator).cwiseProduct(weight);
  return k.basis * scale.asDiagonal() * sum.partialPivLu().solve(k.basis.transpose());
}

NoisyMap noisy(CentredMap map, const Dense& covariance) {
  return {std::move(map), to_matrix(factor(covariance).root)};
}

}  // namespace

struct LinearBridge::State {
  LinearProcess process;
  Column m0, m1;
  double epsilon;
  int source_rank, target_rank;
  Dense reach;             // W Phi(0, T)
  Column gap;              // W (Phi m0 + c - m1)
  Dense p, r;              // P, R
  Dense p_white, r_white;  // W Phi P, W R
  Dense r_inverse, p_inverse;
  Column sigma, x, rho, rest;  // rest = 1 - rho^2
  Spectrum k, k_back;

  State(Moments source, Moments target, const LinearReference& reference, const char* function)
      : process(reference, static_cast<int>(source.mean.size()), function),
        m0(to_column(source.mean)),
        m1(to_column(target.mean)),
        epsilon(process.epsilon()) {
    const Factor f0 = factor(symmetric_part(to_dense(source.covariance)));
    const Factor f1 = factor(symmetric_part(to_dense(target.covariance)));
    source_rank = f0.rank;
    target_rank = f1.rank;
    const Kernel whole = process.transition(0, process.horizon());
    reach = process.whiten() * whole.factor;
    gap = process.whiten() * (whole.factor * m0 + whole.offset - m1);

    const Svd s = svd((reach * f0.root).transpose() * (process.whiten() * f1.root));
    sigma = s.values;
    x = each(sigma, epsilon, spread);
    rho = each(sigma, epsilon, correlation);
    rest = epsilon * x;
    p = f0.root * s.left;
    r = f1.root * s.right;
    p_inverse = s.left.transpose() * f0.inverse;
    r_inverse = s.right.transpose() * f1.inverse;
    p_white = reach * p;
    r_white = process.whiten() * r;
    k = spectrum_of_root(r_white * x.cwiseSqrt().asDiagonal());
    k_back = spectrum_of_root(p_white * x.cwiseSqrt().asDiagonal());
  }

  Dense forward_slope() const { return r * x.asDiagonal() * (r_white.transpose() * reach); }
  Dense backward_slope() const { return p * x.asDiagonal() * (p_white.transpose() * process.whiten()); }
  Dense forward_root() const { return r * rest.cwiseSqrt().asDiagonal(); }
  Dense backward_root() const { return p * rest.cwiseSqrt().asDiagonal(); }
  /// E|E[Y'|X'] - X'|^2 around the means
  double displacement() const { return (p_white - r_white * rho.asDiagonal()).squaredNorm(); }

  double transport_cost() const {
    return 0.5 *
           (gap.squaredNorm() + displacement() + (r_white * rest.cwiseSqrt().asDiagonal()).squaredNorm());
  }
  double relative_entropy() const { return 0.5 * each(sigma, epsilon, log_ratio).sum(); }
  double entropic_cost() const { return transport_cost() + epsilon * relative_entropy(); }
  double path_entropy() const {
    if (target_rank < m1.size()) return infinity;
    return 0.5 * k.values.unaryExpr(&excess).sum() + 0.5 * (gap.squaredNorm() + displacement()) / epsilon;
  }
  double sinkhorn_divergence(const Column& source_spectrum, const Column& target_spectrum) const {
    return 0.5 * gap.squaredNorm() + 0.5 * each(source_spectrum, epsilon, gain).sum() +
           0.5 * each(target_spectrum, epsilon, gain).sum() - each(sigma, epsilon, gain).sum();
  }
  /// the additive constant of a potential whose mean is half the dual value
  double gauge(const Dense& white) const {
    return 0.5 * entropic_cost() - 0.5 * (white.squaredNorm() - rho.dot(sigma));
  }

  Column mean(double t) const {
    const PinnedKernel at = process.pinned(0, t);
    return at.start * m0 + at.end * m1 + at.offset;
  }
  /// E[X1 | X_t = x] has this slope
  Dense slope_to_end(double t) const {
    return process.unwhiten() * resolvent(k, process.clock(t), process.rest(t), [](double v) { return v; }) *
           process.whiten() * process.transition(t, process.horizon()).factor;
  }
  Dense covariance_of_end(double t) const {
    const Dense ahead = process.rest(t);
    const Dense white = resolvent(k, process.clock(t), ahead, [](double v) { return v; }) * ahead;
    return epsilon * process.unwhiten() * symmetric_part(white) * process.unwhiten().transpose();
  }
  /// A x + b + noise grad log phi_t, or -(A x + b) + noise grad log phihat_t for sign = -1
  CentredMap drift(double t, double sign) const {
    const Column centre = mean(t);
    const Dense white = process.whiten() * process.transition(t, process.horizon()).factor;
    const Dense pull = process.noise() * white.transpose() / epsilon;
    const Dense clock = process.clock(t), ahead = process.rest(t);
    const auto away = [](double v) { return 1 - v; };
    const Dense field = sign > 0 ? resolvent(k, clock, ahead, away) : resolvent(k_back, ahead, clock, away);
    const Column value = process.drift() * centre + process.offset() - pull * gap;
    return {to_matrix(sign * process.drift() - pull * field * white), to_vector(centre),
            to_vector(sign * value)};
  }
  PinnedKernel pinned(double t, double s) const { return process.pinned(t, s); }
};

LinearBridge::LinearBridge(Moments source, Moments target, const LinearReference& reference,
                           const char* function)
    : state_(std::make_unique<State>(source, target, reference, function)) {}
LinearBridge::~LinearBridge() = default;

NoisyMap LinearBridge::forward() const {
  const State& s = *state_;
  return {{to_matrix(s.forward_slope()), to_vector(s.m0), to_vector(s.m1)}, to_matrix(s.forward_root())};
}

NoisyMap LinearBridge::backward() const {
  const State& s = *state_;
  return {{to_matrix(s.backward_slope()), to_vector(s.m1), to_vector(s.m0)}, to_matrix(s.backward_root())};
}

Quadratic LinearBridge::source_potential() const {
  const State& s = *state_;
  const Dense seen = s.r_white.transpose() * s.reach;
  const Dense hessian = s.reach.transpose() * s.reach - seen.transpose() * s.x.asDiagonal() * seen;
  return {to_vector(s.m0), to_matrix(symmetric_part(hessian)), to_vector(s.reach.transpose() * s.gap),
          s.gauge(s.p_white)};
}

Quadratic LinearBridge::target_potential() const {
  const State& s = *state_;
  const Dense& whiten = s.process.whiten();
  const Dense seen = s.p_white.transpose() * whiten;
  const Dense hessian = whiten.transpose() * whiten - seen.transpose() * s.x.asDiagonal() * seen;
  return {to_vector(s.m1), to_matrix(symmetric_part(hessian)), to_vector(-(whiten.transpose() * s.gap)),
          s.gauge(s.r_white)};
}

GaussianPlan LinearBridge::plan() const {
  const State& s = *state_;
  const Svd source = svd(s.p_white);
  const Dense source_root = source.left * source.values.asDiagonal() * source.left.transpose();
  const Svd product = svd(source_root * s.r_white);
  const Column d = each(product.values, s.epsilon, [](double v, double e) { return std::hypot(e, 2 * v); });
  const Dense forward_root = s.forward_root(), backward_root = s.backward_root();

  GaussianPlan plan;
  plan.dimension = static_cast<int>(s.m0.size());
  plan.epsilon = s.epsilon;
  plan.horizon = s.process.horizon();
  plan.forward_map = forward().map.affine();
  plan.forward_covariance = to_matrix(forward_root * forward_root.transpose());
  plan.backward_map = backward().map.affine();
  plan.backward_covariance = to_matrix(backward_root * backward_root.transpose());
  plan.cross_covariance = to_matrix(s.p * s.rho.asDiagonal() * s.r.transpose());
  plan.canonical_correlations = to_vector(s.rho);
  plan.discriminant = to_matrix(symmetric_part(product.left * d.asDiagonal() * product.left.transpose()));
  plan.coupling = to_matrix(s.reach.transpose() * s.process.whiten());
  plan.transport_cost = s.transport_cost();
  plan.relative_entropy = s.relative_entropy();
  plan.entropic_cost = s.entropic_cost();
  plan.sinkhorn_divergence =
      s.sinkhorn_divergence(source.values.array().square(), singular_values(s.r_white).array().square());
  plan.path_entropy = s.path_entropy();
  plan.source_potential = source_potential();
  plan.target_potential = target_potential();
  return plan;
}

LinearBridge::DensityRatio LinearBridge::density_ratio() const {
  const State& s = *state_;
  const Dense innovate = s.rest.cwiseSqrt().cwiseInverse().asDiagonal() * s.r_inverse;
  return {s.relative_entropy(),
          {to_matrix(s.r_inverse), to_vector(s.m1), to_vector(Column::Zero(s.m1.size()))},
          to_matrix(innovate)};
}

std::vector<double> LinearBridge::mean(double t) const { return to_vector(state_->mean(t)); }

Matrix LinearBridge::covariance(double s, double t) const {
  const State& state = *state_;
  if (s > t) {
    const Matrix transposed = covariance(t, s);
    return to_matrix(to_dense(transposed).transpose());
  }
  // X_t = (start P + end R rho) xi + end R sqrt(1 - rho^2) zeta + the pinned reference
  const PinnedKernel at_s = state.pinned(0, s), at_t = state.pinned(0, t);
  const auto shared = [&](const PinnedKernel& at) -> Dense {
    return at.start * state.p + at.end * state.r * state.rho.asDiagonal();
  };
  const Dense own = state.forward_root();
  Dense out = shared(at_s) * shared(at_t).transpose() + (at_s.end * own) * (at_t.end * own).transpose();
  if (s < t)
    out += at_s.covariance * state.pinned(s, t).start.transpose();
  else
    out = symmetric_part(out + at_s.covariance);
  return to_matrix(out);
}

CentredMap LinearBridge::forward_drift(double t) const { return state_->drift(t, 1); }
CentredMap LinearBridge::backward_drift(double t) const { return state_->drift(t, -1); }

CentredMap LinearBridge::probability_flow(double t) const {
  // forward and backward drift sum to noise grad log p_t: half their difference has it subtracted half
  CentredMap flow = forward_drift(t);
  const CentredMap back = backward_drift(t);
  for (std::size_t i = 0; i < flow.slope.rows(); ++i) {
    flow.value[i] = 0.5 * (flow.value[i] - back.value[i]);
    for (std::size_t j = 0; j < flow.slope.cols(); ++j)
      flow.slope(i, j) = 0.5 * (flow.slope(i, j) - back.slope(i, j));
  }
  return flow;
}

bool LinearBridge::has_forward_drift(double t) const {
  return t < state_->process.horizon() || state_->target_rank == state_->m1.size();
}
bool LinearBridge::has_backward_drift(double t) const {
  return t > 0 || state_->source_rank == state_->m0.size();
}

Matrix LinearBridge::transition_covariance(double t, double s) const {
  const PinnedKernel pinned = state_->pinned(t, s);
  return to_matrix(pinned.end * state_->covariance_of_end(t) * pinned.end.transpose() + pinned.covariance);
}

NoisyMap LinearBridge::transition(double t, double s) const {
  const PinnedKernel pinned = state_->pinned(t, s);
  const Dense slope = pinned.start + pinned.end * state_->slope_to_end(t);
  return noisy({to_matrix(slope), mean(t), mean(s)}, to_dense(transition_covariance(t, s)));
}

PinnedMap LinearBridge::pinned(double t, double s) const {
  const PinnedKernel k = state_->pinned(t, s);
  return {to_matrix(k.start), to_matrix(k.end), to_vector(k.offset), to_matrix(factor(k.covariance).root)};
}

double LinearBridge::path_entropy(const LinearBridge& other) const {
  const State &a = *state_, &b = *other.state_;
  const double start =
      relative_entropy({a.p, a.p_inverse, a.source_rank}, {b.p, b.p_inverse, b.source_rank}, a.m0 - b.m0);
  if (start == infinity) return infinity;
  // given X0 = m0 + P xi the two ends differ by a shift that is affine in xi
  const Dense difference = a.forward_slope() - b.forward_slope();
  Dense shifts(a.m0.size(), a.m0.size() + 1);
  shifts << difference * a.p, a.m1 - b.m1 - b.forward_slope() * (a.m0 - b.m0);
  const auto root = [](const State& s) -> Root {
    return {s.forward_root(), s.rest.cwiseSqrt().cwiseInverse().asDiagonal() * s.r_inverse, s.target_rank};
  };
  return start + relative_entropy(root(a), root(b), shifts);
}

}  // namespace fortet::gaussian
