// The closed form of the bridge between Gaussians against identities.
#include "algebra/algebra.hpp"
#include "gaussian.hpp"

namespace fortet::validation {
namespace {

using algebra::identity;
using algebra::norm;
using algebra::transposed;
using algebra::operator*;
using algebra::operator+;
using algebra::operator-;
using algebra::operator/;

double relative(const Matrix& a, const Matrix& b) { return norm(a - b) / norm(b); }

Matrix with_slope(const std::optional<AffineMap>& map) { return map.value().slope; }

/// Identities between the parts of the answer, with the reference's alpha and variance written out anew.
template <class Ref>
void closed_form(const Setting& setting, Record& record, int d, double condition, const Ref& reference,
                 double alpha, double variance) {
  const auto n = static_cast<std::size_t>(d);
  const Gaussian mu(shift(n, -1), random_covariance(n, condition, setting.key.child(0))),
      nu(shift(n, 2), random_covariance(n, condition, setting.key.child(1)));
  const auto bridge = gaussian_bridge(Problem{mu, nu, reference});
  const GaussianPlan plan = bridge.plan();
  const Matrix& k = plan.forward_map.slope;
  // the forward law carries mu to nu, the backward law nu to mu
  record.score("target marginal",
               relative(k * mu.covariance() * transposed(k) + plan.forward_covariance, nu.covariance()));
  const Matrix& back = plan.backward_map.slope;
  record.score(
      "source marginal",
      relative(back * nu.covariance() * transposed(back) + plan.backward_covariance, mu.covariance()));
  record.score("cross covariance", relative(mu.covariance() * transposed(k), plan.cross_covariance));
  // Schur: the (0, 1) block of the inverse joint covariance is -alpha / variance I. Checked as a product, so
  // that nothing is inverted: Cov(X1 | X0) alpha / variance = K.
  record.score("certificate", relative((alpha / variance) * plan.forward_covariance, k));
  // Nelson: forward and backward drift sum to sigma^2 grad log p_t
  const double t = 0.37 * reference.horizon;
  const GaussianSlice slice = bridge.at(t);
  const Matrix sum = with_slope(slice.forward_drift) + with_slope(slice.backward_drift);
  record.score("nelson",
               relative(-(1 / (reference.sigma * reference.sigma)) * (sum * slice.covariance), identity(n)));
  // Chapman-Kolmogorov: 0 -> t -> T is 0 -> T
  const GaussianKernel first = bridge.transition(0, t), second = bridge.transition(t, reference.horizon);
  record.score("semigroup", relative(second.mean.slope * first.mean.slope, k));
  // d/dt of the covariance is B V + V B^T + sigma^2 with the drift's slope B, by a central difference
  const double h = 1e-4 * reference.horizon;
  const Matrix slope = with_slope(slice.forward_drift) * slice.covariance;
  const Matrix rate = (bridge.at(t + h).covariance - bridge.at(t - h).covariance) / (2 * h);
  const Matrix expected = slope + transposed(slope) + identity(n, reference.sigma * reference.sigma);
  record.score("fokker-planck", std::max(0.0, norm(rate - expected) / norm(slice.covariance) - 1e-5));
}

}  // namespace

void add_closed_forms(std::vector<Case>& cases) {
  const std::string what =
      "Covariances with random axes: marginals, Schur-complement certificate, Nelson's identity, semigroup, "
      "Fokker-Planck equation";
  const auto brownian = [&](const std::string& name, int d, double condition, const Brownian& reference) {
    cases.push_back({"gaussian/closed-form/brownian/" + name, what,
                     [=](const Setting& setting, Record& record) {
                       closed_form(setting, record, d, condition, reference, 1,
                                   reference.sigma * reference.sigma * reference.horizon);
                     },
                     d > 20});
  };
  for (const int d : {1, 2, 5, 20, 50, 100})
    for (const double condition : {1.0, 1e2, 1e6, 1e12}) {
      if (d == 1 && condition > 1) continue;
      const std::string name = "d-" + std::to_string(d) + "/condition-" + text(condition);
      brownian(name, d, condition, {.sigma = 0.6, .horizon = 2});
      cases.push_back({"gaussian/closed-form/ornstein-uhlenbeck/" + name, what,
                       [=](const Setting& setting, Record& record) {
                         const double alpha = std::exp(-0.7 * 1.3);
                         closed_form(setting, record, d, condition,
                                     OrnsteinUhlenbeck{.rate = 0.7,
                                                       .mean = shift(static_cast<std::size_t>(d), 0.5),
                                                       .sigma = 0.8,
                                                       .horizon = 1.3},
                                     alpha, 0.64 * (1 - alpha * alpha) / 1.4);
                       },
                       d > 20});
    }
  for (const double epsilon : {0.01, 0.1, 1.0, 10.0, 100.0})
    brownian("d-5/epsilon-" + text(epsilon), 5, 1e2, brownian_with_epsilon(epsilon, 1.5));
}

}  // namespace fortet::validation
