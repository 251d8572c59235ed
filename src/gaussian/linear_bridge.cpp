#include "gaussian/linear_bridge.hpp"

#include <cmath>
#include <limits>

#include "gaussian/factor.hpp"
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

using namespace algebra;

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
Column spectral(const Column& sigma, double epsilon, Function f) {
  return each(sigma, [&](double s) { return f(s, epsilon); });
}

/// A conditional covariance at one end given the other, epsilon Z Z^T, in the
/// basis where what the reference has of it is diagonal: the potential's factor
/// at that end is N(0, epsilon Z diag(1 / (1 - k)) Z^T), whose covariance may
/// be infinite (k = 1) or negative (k > 1).
struct Factored {
  Matrix root;  // Z
  Column k;
};
Factored factored(const Matrix& root, const Matrix& white_root) {
  const Svd s = svd(white_root);
  return {root * s.right, squared(s.values)};
}

/// For G = Z diag(1 / (1 - k)) Z^T: the precision (noise + G)^{-1} and the gain
/// G (noise + G)^{-1}.
struct Seen {
  Matrix precision, gain;
};
// The factor at an end, seen through noise, by one linear system that never
// forms 1 / (1 - k):
//   noise w + Z q = v,  Z^T w = diag(1 - k) q;  precision v = w,  gain v = Z q.
// Its first rows and columns are scaled to unit diagonal and the others by 1 /
// sqrt(1 + k), so that neither coordinates nor directions of unequal scale
// drown each other.
Seen seen_through(const Matrix& noise, const Matrix& root, const Column& k) {
  const std::size_t d = k.rows();
  const Diagonal damp{each(k, [](double v) { return 1 / std::sqrt(1 + v); })};
  const Diagonal scale{each(diagonal_of(noise) + squared_row_norms(root),
                            [](double v) { return v > 0 ? 1 / std::sqrt(v) : 1.0; })};
  const Matrix z = scale * root * damp;
  const Matrix last = Diagonal{each(k, [](double v) { return (1 - v) / (1 + v); })} * identity(d);
  const Matrix system = above(beside(scale * noise * scale, z), beside(-transposed(z), last));
  const Matrix right = above(scale * identity(d), Matrix(d, d));
  const Matrix solution = solve(system, right);
  return {symmetric_part(scale * rows(solution, 0, d)), root * damp * rows(solution, d, d)};
}

NoisyMap noisy(CentredMap map, const Matrix& covariance) { return {std::move(map), factor(covariance).root}; }

}  // namespace

struct LinearBridge::State {
  LinearProcess process;
  Column m0, m1;
  double epsilon;
  std::size_t source_rank, target_rank;
  Matrix reach;             // W Phi(0, T)
  Column gap;               // W (Phi m0 + c - m1)
  Matrix p, r;              // P, R
  Matrix p_white, r_white;  // W Phi P, W R
  Matrix r_inverse, p_inverse;
  Column sigma, x, rho, rest;  // rest = 1 - rho^2
  Factored end, start;         // Cov(X1 | X0), Cov(X0 | X1)

  State(Moments source, Moments target, const LinearReference& reference, const char* function)
      : process(reference, source.mean.size(), function),
        m0(column(source.mean)),
        m1(column(target.mean)),
        epsilon(process.epsilon()) {
    const Factor f0 = factor(symmetric_part(source.covariance));
    const Factor f1 = factor(symmetric_part(target.covariance));
    source_rank = f0.rank;
    target_rank = f1.rank;
    const Kernel whole = process.transition(0, process.horizon());
    reach = process.whiten() * whole.factor;
    gap = process.whiten() * (whole.factor * m0 + whole.offset - m1);

    const Svd s = svd(transposed(reach * f0.root) * (process.whiten() * f1.root));
    sigma = s.values;
    x = spectral(sigma, epsilon, spread);
    rho = spectral(sigma, epsilon, correlation);
    rest = epsilon * x;
    p = f0.root * s.left;
    r = f1.root * s.right;
    p_inverse = transposed(s.left) * f0.inverse;
    r_inverse = transposed(s.right) * f1.inverse;
    p_white = reach * p;
    r_white = process.whiten() * r;
    const Column root = square_root(x);
    end = factored(r * Diagonal{root}, r_white * Diagonal{root});
    start = factored(p * Diagonal{root}, p_white * Diagonal{root});
  }

  Matrix forward_slope() const { return r * Diagonal{x} * (transposed(r_white) * reach); }
  Matrix backward_slope() const { return p * Diagonal{x} * (transposed(p_white) * process.whiten()); }
  Matrix forward_root() const { return r * Diagonal{square_root(rest)}; }
  Matrix backward_root() const { return p * Diagonal{square_root(rest)}; }
  /// E|E[Y'|X'] - X'|^2 around the means
  double displacement() const { return squared_norm(p_white - r_white * Diagonal{rho}); }

  double transport_cost() const {
    return 0.5 * (squared_norm(gap) + displacement() + squared_norm(r_white * Diagonal{square_root(rest)}));
  }
  double relative_entropy() const { return 0.5 * sum(spectral(sigma, epsilon, log_ratio)); }
  double entropic_cost() const { return transport_cost() + epsilon * relative_entropy(); }
  double path_entropy() const {
    if (target_rank < m1.rows()) return infinity;
    return 0.5 * sum(each(end.k, excess)) + 0.5 * (squared_norm(gap) + displacement()) / epsilon;
  }
  double sinkhorn_divergence(const Column& source_spectrum, const Column& target_spectrum) const {
    return 0.5 * squared_norm(gap) + 0.5 * sum(spectral(source_spectrum, epsilon, gain)) +
           0.5 * sum(spectral(target_spectrum, epsilon, gain)) - sum(spectral(sigma, epsilon, gain));
  }
  /// the additive constant of a potential whose mean is half the dual value
  double gauge(const Matrix& white) const {
    return 0.5 * entropic_cost() - 0.5 * (squared_norm(white) - dot(rho, sigma));
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
  Matrix slope_to_end(double t) const {
    return ahead(t).gain * process.transition(t, process.horizon()).factor;
  }
  Matrix covariance_of_end(double t) const {
    return symmetric_part(ahead(t).gain * process.transition(t, process.horizon()).covariance);
  }
  /// A x + b + noise grad log phi_t
  CentredMap forward_drift(double t) const {
    const Matrix reach_t = process.transition(t, process.horizon()).factor;
    const Matrix slope =
        process.drift() - process.noise() * transposed(reach_t) * ahead(t).precision * reach_t / epsilon;
    return {slope, to_vector(mean(t)), to_vector(velocity(t))};
  }
  /// -(A x + b) + noise grad log phihat_t
  CentredMap backward_drift(double t) const {
    const Matrix slope = -process.drift() - process.noise() * behind(t).precision / epsilon;
    return {slope, to_vector(mean(t)), to_vector(-velocity(t))};
  }
  /// dm_t/dt: at the mean the score is zero, so this is the forward drift there
  /// and minus the backward one
  Column velocity(double t) const {
    const Matrix white = process.whiten() * process.transition(t, process.horizon()).factor;
    return process.drift() * mean(t) + process.offset() - process.noise() * transposed(white) * gap / epsilon;
  }
  PinnedKernel pinned(double t, double s) const { return process.pinned(t, s); }
};

LinearBridge::LinearBridge(Moments source, Moments target, const LinearReference& reference,
                           const char* function)
    : state_(std::make_unique<State>(source, target, reference, function)) {}
LinearBridge::~LinearBridge() = default;

NoisyMap LinearBridge::forward() const {
  const State& s = *state_;
  return {{s.forward_slope(), to_vector(s.m0), to_vector(s.m1)}, s.forward_root()};
}

NoisyMap LinearBridge::backward() const {
  const State& s = *state_;
  return {{s.backward_slope(), to_vector(s.m1), to_vector(s.m0)}, s.backward_root()};
}

Quadratic LinearBridge::source_potential() const {
  const State& s = *state_;
  const Matrix seen = transposed(s.r_white) * s.reach;
  const Matrix hessian = transposed(s.reach) * s.reach - transposed(seen) * Diagonal{s.x} * seen;
  return {to_vector(s.m0), symmetric_part(hessian), to_vector(transposed(s.reach) * s.gap),
          s.gauge(s.p_white)};
}

Quadratic LinearBridge::target_potential() const {
  const State& s = *state_;
  const Matrix& whiten = s.process.whiten();
  const Matrix seen = transposed(s.p_white) * whiten;
  const Matrix hessian = transposed(whiten) * whiten - transposed(seen) * Diagonal{s.x} * seen;
  return {to_vector(s.m1), symmetric_part(hessian), to_vector(-(transposed(whiten) * s.gap)),
          s.gauge(s.r_white)};
}

GaussianPlan LinearBridge::plan() const {
  const State& s = *state_;
  const Svd source = svd(s.p_white);
  const Matrix source_root = source.left * Diagonal{source.values} * transposed(source.left);
  const Svd product = svd(source_root * s.r_white);
  const Column d =
      spectral(product.values, s.epsilon, [](double v, double e) { return std::hypot(e, 2 * v); });
  const Matrix forward_root = s.forward_root(), backward_root = s.backward_root();

  GaussianPlan plan;
  plan.dimension = static_cast<int>(s.m0.rows());
  plan.epsilon = s.epsilon;
  plan.horizon = s.process.horizon();
  plan.forward_map = forward().map.affine();
  plan.forward_covariance = forward_root * transposed(forward_root);
  plan.backward_map = backward().map.affine();
  plan.backward_covariance = backward_root * transposed(backward_root);
  plan.cross_covariance = s.p * Diagonal{s.rho} * transposed(s.r);
  plan.canonical_correlations = to_vector(s.rho);
  plan.discriminant = symmetric_part(product.left * Diagonal{d} * transposed(product.left));
  plan.coupling = transposed(s.reach) * s.process.whiten();
  plan.transport_cost = s.transport_cost();
  plan.relative_entropy = s.relative_entropy();
  plan.entropic_cost = s.entropic_cost();
  plan.sinkhorn_divergence = s.sinkhorn_divergence(squared(source.values), squared(svd(s.r_white).values));
  plan.path_entropy = s.path_entropy();
  plan.source_potential = source_potential();
  plan.target_potential = target_potential();
  return plan;
}

LinearBridge::DensityRatio LinearBridge::density_ratio() const {
  const State& s = *state_;
  const std::vector<double> zero(s.m1.rows());
  return {s.relative_entropy(),
          {s.r_inverse, to_vector(s.m1), zero},
          {Diagonal{s.x} * (transposed(s.r_white) * s.reach), to_vector(s.m0), zero},
          s.r_inverse,
          to_vector(squared(s.rho)),
          to_vector(s.rest)};
}

std::vector<double> LinearBridge::mean(double t) const { return to_vector(state_->mean(t)); }

Matrix LinearBridge::covariance(double s, double t) const {
  const State& state = *state_;
  if (s > t) return transposed(covariance(t, s));
  // X_t = (start P + end R rho) xi + end R sqrt(1 - rho^2) zeta + the pinned
  // reference
  const PinnedKernel at_s = state.pinned(0, s), at_t = state.pinned(0, t);
  const auto shared = [&](const PinnedKernel& at) -> Matrix {
    return at.start * state.p + at.end * state.r * Diagonal{state.rho};
  };
  const Matrix own = state.forward_root();
  Matrix out = shared(at_s) * transposed(shared(at_t)) + (at_s.end * own) * transposed(at_t.end * own);
  if (s < t)
    out += at_s.covariance * transposed(state.pinned(s, t).start);
  else
    out = symmetric_part(out + at_s.covariance);
  return out;
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
  return t < state_->process.horizon() || state_->target_rank == state_->m1.rows();
}
bool LinearBridge::has_backward_drift(double t) const {
  return t > 0 || state_->source_rank == state_->m0.rows();
}

Matrix LinearBridge::transition_covariance(double t, double s) const {
  const PinnedKernel pinned = state_->pinned(t, s);
  return pinned.end * state_->covariance_of_end(t) * transposed(pinned.end) + pinned.covariance;
}

NoisyMap LinearBridge::transition(double t, double s) const {
  const PinnedKernel pinned = state_->pinned(t, s);
  const Matrix slope = pinned.start + pinned.end * state_->slope_to_end(t);
  return noisy({slope, mean(t), mean(s)}, transition_covariance(t, s));
}

PinnedMap LinearBridge::pinned(double t, double s) const {
  const PinnedKernel k = state_->pinned(t, s);
  return {k.start, k.end, to_vector(k.offset), factor(k.covariance).root};
}

double LinearBridge::path_entropy(const LinearBridge& other) const {
  const State &a = *state_, &b = *other.state_;
  const double start =
      relative_entropy({a.p, a.p_inverse, a.source_rank}, {b.p, b.p_inverse, b.source_rank}, a.m0 - b.m0);
  if (start == infinity) return infinity;
  // given X0 = m0 + P xi the two ends differ by a shift that is affine in xi
  const Matrix difference = a.forward_slope() - b.forward_slope();
  const Matrix shifts = beside(difference * a.p, a.m1 - b.m1 - b.forward_slope() * (a.m0 - b.m0));
  const auto root = [](const State& s) -> Root {
    return {s.forward_root(), Diagonal{reciprocal(square_root(s.rest))} * s.r_inverse, s.target_rank};
  };
  return start + relative_entropy(root(a), root(b), shifts);
}

}  // namespace fortet::gaussian
