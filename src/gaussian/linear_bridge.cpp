#include "gaussian/linear_bridge.hpp"

#include <Eigen/LU>
#include <cmath>
#include <limits>

#include "gaussian/linear_process.hpp"

// Everything is diagonal in one pair of bases. With S0 = F0 F0^T, S1 = F1 F1^T,
// the whitened roots F0' = W Phi F0, F1' = W F1 and the singular value
// decomposition F0'^T F1' = U diag(sigma) V^T put P = F0 U, R = F1 V. Then X0 =
// m0 + P xi, X1 = m1 + R eta, where (xi_i, eta_i) are standard normal pairs of
// correlation
//   rho_i = x_i sigma_i,  x_i = 2 / (eps + sqrt(eps^2 + 4 sigma_i^2)),  1 -
//   rho_i^2 = eps x_i,
// so that C = P diag(rho) R^T, K = R diag(x) R^T, K' = P diag(x) P^T: no
// covariance is inverted, nothing is subtracted, and sigma comes from roots,
// not from the product S0 S1 whose small eigenvalues are lost.

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

/// A conditional covariance at one end given the other, epsilon Z Z^T, in the
/// basis where what the reference has of it is diagonal: the potential's factor
/// at that end is N(0, epsilon Z diag(1 / (1 - k)) Z^T), whose covariance may
/// be infinite (k = 1) or negative (k > 1).
struct Factored {
  Dense root;  // Z
  Column k;
};
Factored factored(const Dense& root, const Dense& white_root) {
  const Svd s = svd(white_root);
  return {root * s.right, s.values.array().square()};
}

/// For G = Z diag(1 / (1 - k)) Z^T: the precision (noise + G)^{-1} and the gain
/// G (noise + G)^{-1}.
struct Seen {
  Dense precision, gain;
};
// The factor at an end, seen through noise, by one linear system that never
// forms 1 / (1 - k):
//   noise w + Z q = v,  Z^T w = diag(1 - k) q;  precision v = w,  gain v = Z q.
// Its first rows and columns are scaled to unit diagonal and the others by 1 /
// sqrt(1 + k), so that neither coordinates nor directions of unequal scale
// drown each other.
Seen seen_through(const Dense& noise, const Dense& root, const Column& k) {
  const Eigen::Index d = k.size();
  const Column damp = (1 + k.array()).rsqrt();
  const Column scale = (noise.diagonal() + root.rowwise().squaredNorm()).unaryExpr([](double v) {
    return v > 0 ? 1 / std::sqrt(v) : 1;
  });
  const Dense z = scale.asDiagonal() * root * damp.asDiagonal();
  Dense system(2 * d, 2 * d), right = Dense::Zero(2 * d, d);
  system << scale.asDiagonal() * noise * scale.asDiagonal(), z, -z.transpose(),
      Dense(((1 - k.array()) / (1 + k.array())).matrix().asDiagonal());
  right.topRows(d) = scale.asDiagonal();
  const Dense solution = system.partialPivLu().solve(right);
  return {symmetric_part(scale.asDiagonal() * solution.topRows(d)),
          root * damp.asDiagonal() * solution.bottomRows(d)};
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
  Factored end, start;         // Cov(X1 | X0), Cov(X0 | X1)

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
    const Column root = x.cwiseSqrt();
    end = factored(r * root.asDiagonal(), r_white * root.asDiagonal());
    start = factored(p * root.asDiagonal(), p_white * root.asDiagonal());
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
    return 0.5 * end.k.unaryExpr(&excess).sum() + 0.5 * (gap.squaredNorm() + displacement()) / epsilon;
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
  /// The factor at the horizon as seen from t; covariances in units of epsilon.
  Seen ahead(double t) const {
    return seen_through(process.transition(t, process.horizon()).covariance / epsilon, end.root, end.k);
  }
  Seen behind(double t) const {
    const Kernel since = process.transition(0, t);
    return seen_through(since.covariance / epsilon, since.factor * start.root, start.k);
  }
  /// E[X1 | X_t = x] has this slope
  Dense slope_to_end(double t) const {
    return ahead(t).gain * process.transition(t, process.horizon()).factor;
  }
  Dense covariance_of_end(double t) const {
    return symmetric_part(ahead(t).gain * process.transition(t, process.horizon()).covariance);
  }
  /// A x + b + noise grad log phi_t
  CentredMap forward_drift(double t) const {
    const Dense reach_t = process.transition(t, process.horizon()).factor;
    const Dense slope =
        process.drift() - process.noise() * reach_t.transpose() * ahead(t).precision * reach_t / epsilon;
    return {to_matrix(slope), to_vector(mean(t)), to_vector(velocity(t))};
  }
  /// -(A x + b) + noise grad log phihat_t
  CentredMap backward_drift(double t) const {
    const Dense slope = -process.drift() - process.noise() * behind(t).precision / epsilon;
    return {to_matrix(slope), to_vector(mean(t)), to_vector(-velocity(t))};
  }
  /// dm_t/dt: at the mean the score is zero, so this is the forward drift there
  /// and minus the backward one
  Column velocity(double t) const {
    const Dense white = process.whiten() * process.transition(t, process.horizon()).factor;
    return process.drift() * mean(t) + process.offset() - process.noise() * white.transpose() * gap / epsilon;
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
      s.sinkhorn_divergence(source.values.array().square(), svd(s.r_white).values.array().square());
  plan.path_entropy = s.path_entropy();
  plan.source_potential = source_potential();
  plan.target_potential = target_potential();
  return plan;
}

LinearBridge::DensityRatio LinearBridge::density_ratio() const {
  const State& s = *state_;
  const std::vector<double> zero(static_cast<std::size_t>(s.m1.size()));
  return {s.relative_entropy(),
          {to_matrix(s.r_inverse), to_vector(s.m1), zero},
          {to_matrix(s.x.asDiagonal() * (s.r_white.transpose() * s.reach)), to_vector(s.m0), zero},
          to_matrix(s.r_inverse),
          to_vector(s.rho.array().square()),
          to_vector(s.rest)};
}

std::vector<double> LinearBridge::mean(double t) const { return to_vector(state_->mean(t)); }

Matrix LinearBridge::covariance(double s, double t) const {
  const State& state = *state_;
  if (s > t) {
    const Matrix transposed = covariance(t, s);
    return to_matrix(to_dense(transposed).transpose());
  }
  // X_t = (start P + end R rho) xi + end R sqrt(1 - rho^2) zeta + the pinned
  // reference
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

CentredMap LinearBridge::forward_drift(double t) const { return state_->forward_drift(t); }
CentredMap LinearBridge::backward_drift(double t) const { return state_->backward_drift(t); }

CentredMap LinearBridge::probability_flow(double t) const {
  // forward and backward drift sum to noise grad log p_t: half their difference
  // has it subtracted half
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
