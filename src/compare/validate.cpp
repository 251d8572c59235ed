#include "fortet/compare/validate.hpp"

#include <array>
#include <cmath>
#include <numeric>

#include "fortet/impl/pair_scores.hpp"
#include "instantiate.hpp"

namespace fortet::impl {
namespace {

constexpr const char* where = "fortet::validate";
constexpr std::size_t reference_samples = 4;  // how many times the model's pairs make the reference moments
constexpr std::size_t batches = 8;            // of standard errors
constexpr double deviations = 6;              // from floor to limit; see docs/validation.md

/// Streams of random numbers that are never used twice.
enum Stream : std::uint64_t { of_model, of_reference, of_fresh, of_floors, of_time };

template <class Memory>
Points<double, Memory> rows_of(std::size_t n, int d) {
  return Points<double, Memory>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::validate::points"),
                                n, static_cast<std::size_t>(d));
}

/// The pairs with what `truth` says at their starts.
template <class Memory>
PairRows with_truth(const ConstPoints<double, Memory>& x0, const ConstPoints<double, Memory>& x1,
                    const ComparisonSide<Memory>& truth, RandomKey key) {
  const std::size_t n = x0.extent(0);
  const auto mean = rows_of<Memory>(n, truth.target_dimension),
             fresh = rows_of<Memory>(n, truth.target_dimension);
  truth.conditional_mean(x0, mean);
  truth.sample_conditional(key, x0, fresh);
  const auto host = [](const ConstPoints<double, Memory>& points) {
    const Points<double, Memory> copy(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::validate::points"), points.extent(0),
        points.extent(1));
    Kokkos::deep_copy(copy, points);
    return to_host(copy);
  };
  return {n, x0.extent(1), x1.extent(1), host(x0), host(x1), to_host(mean), to_host(fresh)};
}

template <class Memory>
PairRows draw(const ComparisonSide<Memory>& side, const ComparisonSide<Memory>& truth, std::size_t n,
              RandomKey key) {
  const auto x0 = rows_of<Memory>(n, side.source_dimension), x1 = rows_of<Memory>(n, side.target_dimension);
  side.sample(key.child(0), x0, x1);
  return with_truth<Memory>(x0, x1, truth, key.child(1));
}

struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};
MeanAndDeviation summary(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  MeanAndDeviation out{std::accumulate(values.begin(), values.end(), 0.0) / n, 0};
  for (const double v : values) out.deviation += (v - out.mean) * (v - out.mean) / (n - 1);
  out.deviation = std::sqrt(out.deviation);
  return out;
}

/// `value` beside those of exact samples.
ValidationScore judged(std::string metric, Estimate estimate, const std::vector<double>& floors,
                       double tolerance) {
  const auto [mean, deviation] = summary(floors);
  set_floor(estimate, floors);
  const double limit = mean + deviations * deviation + tolerance;
  const bool passed = estimate.value <= limit;  // false for a NaN
  return {std::move(metric), std::move(estimate), limit, passed};
}

template <class Memory>
void require_shapes(int source, int target, const ComparisonSide<Memory>& truth) {
  detail::require(source == truth.source_dimension, where, "dimension of X0", source,
                  "expected that of the truth, " + std::to_string(truth.source_dimension));
  detail::require(target == truth.target_dimension, where, "dimension of X1", target,
                  "expected that of the truth, " + std::to_string(truth.target_dimension));
  detail::require(truth.sample_conditional && truth.conditional_mean, where, "truth", "a plain coupling",
                  "expected one that offers draws and means of X1 given X0");
}

/// Mean and covariance of X_t half-way, and the drift at three times.
template <class Memory>
void add_process(Validation& result, const ComparisonSide<Memory>& model, const ComparisonSide<Memory>& truth,
                 const ValidateOptions& options) {
  const RandomKey key = RandomKey{.seed = options.seed}.child(of_time);
  const int d = truth.source_dimension;
  const double half = truth.horizon / 2;
  const auto at_half = [&](const ComparisonSide<Memory>& side, std::size_t n, std::uint64_t stream) {
    const auto x = rows_of<Memory>(n, d);
    side.sample_marginal(key.child(stream), half, x);
    return row_moments(to_host(x), static_cast<std::size_t>(d));
  };
  const Moments exact = at_half(truth, reference_samples * options.pairs, 0);
  double trace = 0;
  for (std::size_t k = 0; k < exact.mean.size(); ++k) trace += exact.covariance(k, k);
  const auto score = [&](const Moments& m) {
    double mean = 0, covariance = 0, size = 0;
    for (std::size_t k = 0; k < m.mean.size(); ++k) {
      mean += std::pow(m.mean[k] - exact.mean[k], 2);
      for (std::size_t l = 0; l < m.mean.size(); ++l) {
        covariance += std::pow(m.covariance(k, l) - exact.covariance(k, l), 2);
        size += std::pow(exact.covariance(k, l), 2);
      }
    }
    return std::array{100 * std::sqrt(mean / trace), 100 * std::sqrt(covariance / size)};
  };
  const auto ours = score(at_half(model, options.pairs, 1));
  std::vector<double> means, covariances;
  for (int r = 0; r < options.floor_draws; ++r) {
    const auto [mean, covariance] = score(at_half(truth, options.pairs, 2 + static_cast<std::uint64_t>(r)));
    means.push_back(mean);
    covariances.push_back(covariance);
  }
  const auto estimate = [&](double value, const std::vector<double>& floors) {
    return Estimate{.value = value,
                    .standard_error = summary(floors).deviation,
                    .how = "of exact samples",
                    .n = options.pairs,
                    .m = reference_samples * options.pairs};
  };
  result.scores.push_back(judged("mean of X at T/2", estimate(ours[0], means), means, options.tolerance));
  result.scores.push_back(
      judged("covariance of X at T/2", estimate(ours[1], covariances), covariances, options.tolerance));

  constexpr double rounding = 0.01;  // percent: drifts in single precision
  const std::size_t n = 1000;
  for (const auto& [name, part] :
       {std::pair{"drift at T/4", 0.25}, {"drift at T/2", 0.5}, {"drift at 3T/4", 0.75}}) {
    const auto x = rows_of<Memory>(n, d), drift = rows_of<Memory>(n, d), expected = rows_of<Memory>(n, d);
    truth.sample_marginal(key.child(1000 + static_cast<std::uint64_t>(4 * part)), part * truth.horizon, x);
    model.forward_drift(part * truth.horizon, x, drift);
    truth.forward_drift(part * truth.horizon, x, expected);
    const auto a = to_host(drift), b = to_host(expected);
    double error = 0, size = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      error += (a[k] - b[k]) * (a[k] - b[k]);
      size += b[k] * b[k];
    }
    Estimate value{
        .value = 100 * std::sqrt(error / size), .standard_error = 0, .how = "no sampling", .n = n, .m = n};
    value.floor = 0;
    const double limit = options.tolerance + rounding;
    result.scores.push_back({name, value, limit, value.value <= limit});
  }
}

}  // namespace

template <class Memory>
Validation validate_pairs(ConstPoints<double, Memory> x0, ConstPoints<double, Memory> x1,
                          const ComparisonSide<Memory>& truth, const ComparisonSide<Memory>& fresh,
                          const ValidateOptions& options) {
  ValidateOptions sized = options;
  sized.pairs = x0.extent(0);
  sized.validate();
  detail::require(x1.extent(0) == sized.pairs, where, "rows of X1", x1.extent(0),
                  "expected as many as X0, " + std::to_string(sized.pairs));
  require_shapes(static_cast<int>(x0.extent(1)), static_cast<int>(x1.extent(1)), truth);
  const RandomKey key{.seed = options.seed};
  const std::size_t n = sized.pairs;
  const PairReference reference =
      pair_reference(draw(truth, truth, reference_samples * n, key.child(of_reference)));
  const PairRows rows = with_truth<Memory>(x0, x1, truth, key.child(of_fresh));

  const std::vector<double> values = pair_scores(rows, reference);
  std::vector<std::vector<double>> parts(values.size()), floors(values.size());
  const auto add = [](std::vector<std::vector<double>>& to, const std::vector<double>& scores) {
    for (std::size_t k = 0; k < to.size(); ++k) to[k].push_back(scores[k]);
  };
  for (std::size_t b = 0; b < batches; ++b)
    add(parts, pair_scores(rows.part(b * (n / batches), n / batches), reference));
  for (int r = 0; r < options.floor_draws; ++r)
    add(floors, pair_scores(draw(fresh, truth, n, key.child(of_floors).child(static_cast<std::uint64_t>(r))),
                            reference));

  Validation result{{}, n};
  for (std::size_t k = 0; k < values.size(); ++k)
    result.scores.push_back(
        judged(pair_score_names()[k],
               {.value = values[k],
                .standard_error = summary(parts[k]).deviation / std::sqrt(double(batches)),
                .how = std::to_string(batches) + " batches",
                .n = n,
                .m = reference_samples * n},
               floors[k], options.tolerance));
  return result;
}

template <class Memory>
Validation validate_side(const ComparisonSide<Memory>& model, const ComparisonSide<Memory>& truth,
                         const ValidateOptions& options) {
  options.validate();
  require_shapes(model.source_dimension, model.target_dimension, truth);
  const auto x0 = rows_of<Memory>(options.pairs, model.source_dimension),
             x1 = rows_of<Memory>(options.pairs, model.target_dimension);
  model.sample(RandomKey{.seed = options.seed}.child(of_model), x0, x1);
  Validation result = validate_pairs<Memory>(x0, x1, truth, truth, options);
  if (model.forward_drift && truth.forward_drift && model.horizon == truth.horizon)
    add_process(result, model, truth, options);
  return result;
}

#define FORTET_INSTANTIATE(Memory)                                                                 \
  template Validation validate_pairs(ConstPoints<double, Memory>, ConstPoints<double, Memory>,     \
                                     const ComparisonSide<Memory>&, const ComparisonSide<Memory>&, \
                                     const ValidateOptions&);                                      \
  template Validation validate_side(const ComparisonSide<Memory>&, const ComparisonSide<Memory>&,  \
                                    const ValidateOptions&);
FORTET_FOR_EACH_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet::impl
