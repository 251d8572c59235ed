#include "fortet/compare/compare.hpp"

#include <chrono>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "compare/clouds.hpp"
#include "fortet/compare/metrics.hpp"
#include "instantiate.hpp"

namespace fortet {
namespace {

constexpr const char* where = "fortet::compare";
constexpr int directions = 64;          // of sliced W2
constexpr std::size_t path_times = 64;  // midpoints of the path relative entropy

/// Streams of random numbers that are never used twice.
enum Stream : std::uint64_t { first_side, second_side, floors, conditional, marginals, paths, start };

template <class Memory>
Points<double, Memory> new_points(std::size_t n, std::size_t d) {
  return Points<double, Memory>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::compare::points"), n,
                                d);
}

template <class Memory>
ConstPoints<double, Memory> head(const ConstPoints<double, Memory>& points, std::size_t n) {
  return Kokkos::subview(points, std::make_pair(std::size_t{0}, std::min(n, points.extent(0))), Kokkos::ALL);
}

/// |x_i - y_i|^2 of each row.
template <class Memory>
std::vector<double> squared_differences(const typename Memory::execution_space& exec,
                                        const Points<double, Memory>& x, const Points<double, Memory>& y) {
  Vector<double, Memory> out(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::compare::squares"), x.extent(0));
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::compare::squared_differences",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        double sum = 0;
        for (std::size_t k = 0; k < d; ++k) sum += (x(i, k) - y(i, k)) * (x(i, k) - y(i, k));
        out(i) = sum;
      });
  exec.fence("fortet::compare::squared_differences");
  return to_host(out);
}

/// Row i of the result is row i / copies of `rows`.
template <class Memory>
Points<double, Memory> repeated(const typename Memory::execution_space& exec,
                                const ConstPoints<double, Memory>& rows, std::size_t copies) {
  const auto out = new_points<Memory>(rows.extent(0) * copies, rows.extent(1));
  Kokkos::parallel_for(
      "fortet::compare::repeat",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < rows.extent(1); ++k) out(i, k) = rows(i / copies, k);
      });
  exec.fence("fortet::compare::repeat");
  return out;
}

/// n independent pairs of one side.
template <class Memory>
struct Draw {
  ConstPoints<double, Memory> source, target, pairs;  // the first two are columns of the third
};

template <class Memory>
Draw<Memory> draw_pairs(const impl::ComparisonSide<Memory>& side, RandomKey key, std::size_t n) {
  const auto d = static_cast<std::size_t>(side.source_dimension),
             e = static_cast<std::size_t>(side.target_dimension);
  const auto pairs = new_points<Memory>(n, d + e);
  const Points<double, Memory> source =
                                   Kokkos::subview(pairs, Kokkos::ALL, std::make_pair(std::size_t{0}, d)),
                               target = Kokkos::subview(pairs, Kokkos::ALL, std::make_pair(d, d + e));
  side.sample(key, source, target);
  return {source, target, pairs};
}

template <class Memory>
class Comparer {
 public:
  using Exec = typename Memory::execution_space;
  using Side = impl::ComparisonSide<Memory>;
  using Cloud = PointCloud<double, Memory>;

  Comparer(const Exec& exec, const Side& a, const Side& b, const CompareOptions& options)
      : exec_(exec), a_(a), b_(b), options_(options), key_{.seed = options.seed} {}

  Comparison run() {
    const auto begin = std::chrono::steady_clock::now();
    result_.pairs = options_.pairs;
    result_.seed = options_.seed;
    draw();
    compare_laws();
    compare_maps();
    compare_conditionals();
    compare_densities();
    compare_marginals();
    compare_paths();
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::move(result_);
  }

 private:
  using Metric = std::function<Estimate(const Cloud&, const Cloud&, const BatchOptions&)>;
  using Law = ConstPoints<double, Memory> Draw<Memory>::*;
  /// A draw from the first side, and pairs of draws from the truth for the floors.
  struct Draws {
    Draw<Memory> first, second;
    std::vector<std::pair<Draw<Memory>, Draw<Memory>>> fresh;
  };

  RandomKey stream(Stream s, std::uint64_t i = 0) const { return key_.child(s).child(i); }

  void draw() {
    const std::size_t n = options_.pairs;
    draws_ = {draw_pairs(a_, stream(first_side), n), draw_pairs(b_, stream(second_side), n), {}};
    for (int r = 0; r < options_.floor_draws; ++r) {
      const auto i = 2 * static_cast<std::uint64_t>(r);
      draws_.fresh.emplace_back(draw_pairs(b_, stream(floors, i), n),
                                draw_pairs(b_, stream(floors, i + 1), n));
    }
  }

  /// One row: the metric on the first n draws of each side, and its floor. Floors need no standard error.
  void add(std::string name, std::string law_name, std::string unit, Law law, std::size_t n,
           const Metric& metric) {
    const auto score = [&](const Draw<Memory>& x, const Draw<Memory>& y, const BatchOptions& batches) {
      return metric(Cloud(head<Memory>(x.*law, n)), Cloud(head<Memory>(y.*law, n)), batches);
    };
    Estimate estimate = score(draws_.first, draws_.second, {});
    std::vector<double> scores;
    for (const auto& [x, y] : draws_.fresh) scores.push_back(score(x, y, {.batches = 0}).value);
    set_floor(estimate, scores);
    result_.rows.push_back({std::move(name), std::move(law_name), std::move(unit), std::move(estimate)});
  }

  void compare_laws() {
    const struct {
      const char* name;
      Law law;
    } laws[] = {{"source", &Draw<Memory>::source},
                {"target", &Draw<Memory>::target},
                {"pairs", &Draw<Memory>::pairs}};
    const std::size_t n = options_.pairs, few = options_.pairwise_points;
    for (const auto& [name, law] : laws)
      add("mean error", name, "length", law, n,
          [&](const Cloud& x, const Cloud& y, const BatchOptions&) { return mean_error(exec_, x, y); });
    for (const auto& [name, law] : laws)
      add("covariance error", name, "%", law, n, [&](const Cloud& x, const Cloud& y, const BatchOptions& o) {
        return covariance_error(exec_, x, y, o);
      });
    for (const auto& [name, law] : laws)
      add("BW2-UVP", name, "%", law, n,
          [&](const Cloud& x, const Cloud& y, const BatchOptions& o) { return bw2_uvp(exec_, x, y, o); });
    for (const auto& [name, law] : laws)
      add("sliced W2", name, "length", law, n, [&](const Cloud& x, const Cloud& y, const BatchOptions& o) {
        return sliced_w2(x, y, directions, key_, o);
      });
    for (const auto& [name, law] : laws)
      add("energy distance", name, "length", law, few,
          [&](const Cloud& x, const Cloud& y, const BatchOptions&) { return energy_distance(exec_, x, y); });
    for (const auto& [name, law] : laws) {
      const double bandwidth = median_distance(Cloud(head<Memory>(draws_.second.*law, few)));
      std::ostringstream metric;
      metric << "MMD(Gaussian, " << std::setprecision(3) << bandwidth << ")";
      add(metric.str(), name, "1", law, few,
          [&](const Cloud& x, const Cloud& y, const BatchOptions&) { return mmd(exec_, x, y, bandwidth); });
    }
    if (!has_exact_transport()) {
      unavailable("W2", "this build has no LEMON");
    } else if (options_.transport_points > 0) {
      for (const auto& [name, law] : laws)
        add("W2", name, "length", law, options_.transport_points,
            [&](const Cloud& x, const Cloud& y, const BatchOptions&) { return w2(x, y); });
    }
  }

  void compare_maps() {
    if (!offered("map error", "E[X1 | X0]", bool(a_.conditional_mean), bool(b_.conditional_mean))) return;
    const auto x = head<Memory>(draws_.second.source, options_.pairwise_points);
    const auto squares = squared_differences<Memory>(exec_, means(a_, x), means(b_, x));
    const auto [mean, error] = detail::mean_and_error(squares);
    Estimate square{
        .value = mean, .standard_error = error, .how = "analytic", .n = squares.size(), .m = squares.size()};
    Estimate root = square;
    root.value = std::sqrt(mean);
    root.standard_error = detail::error_of_root(root.value, error);
    const double percent = 100 / total_variance();
    square.value *= percent;
    square.standard_error *= percent;
    result_.rows.push_back({"map error", "E[X1|X0]", "length", root});
    result_.rows.push_back({"map L2-UVP", "E[X1|X0]", "%", square});
  }

  void compare_conditionals() {
    if (!offered("cBW2-UVP", "draws of X1 | X0", bool(a_.sample_conditional), bool(b_.sample_conditional)))
      return;
    const auto x = head<Memory>(draws_.second.source, options_.conditional_points);
    const auto exact_means = [&](const Side& side, std::vector<Moments>& laws) {
      const auto values = to_host(means(side, x));
      for (std::size_t i = 0; i < laws.size(); ++i)
        std::copy_n(values.data() + i * laws[i].mean.size(), laws[i].mean.size(), laws[i].mean.data());
    };
    const bool barycentric = a_.conditional_mean && b_.conditional_mean;
    const auto laws = [&](const Side& side, std::uint64_t draw) {
      const auto starts = repeated<Memory>(exec_, x, options_.conditional_samples);
      const auto ends = new_points<Memory>(starts.extent(0), static_cast<std::size_t>(side.target_dimension));
      side.sample_conditional(stream(conditional, draw), starts, ends);
      auto result = group_moments<Memory>(exec_, ends, options_.conditional_samples);
      if (barycentric) exact_means(side, result);
      return result;
    };
    const double variance = total_variance();
    Estimate estimate = cbw2_uvp(laws(a_, 0), laws(b_, 1), variance);
    estimate.how += ", " + std::to_string(options_.conditional_samples) + " draws each" +
                    (barycentric ? ", exact means" : "");
    std::vector<double> scores;
    for (int r = 0; r < options_.floor_draws; ++r) {
      const auto i = 2 + 2 * static_cast<std::uint64_t>(r);
      scores.push_back(cbw2_uvp(laws(b_, i), laws(b_, i + 1), variance).value);
    }
    set_floor(estimate, scores);
    result_.rows.push_back({"cBW2-UVP", "X1|X0", "%", estimate});
  }

  void compare_densities() {
    if (!offered("log density ratio", "log d pi / d(mu x nu)", bool(a_.log_density_ratio),
                 bool(b_.log_density_ratio)))
      return;
    const auto x0 = head<Memory>(draws_.second.source, options_.pairwise_points),
               x1 = head<Memory>(draws_.second.target, options_.pairwise_points);
    const auto values = [&](const Side& side) {
      Vector<double, Memory> out(
          Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::compare::log_ratio"), x0.extent(0));
      side.log_density_ratio(x0, x1, out);
      return to_host(out);
    };
    std::vector<double> squares = values(a_);
    const std::vector<double> exact = values(b_);
    for (std::size_t i = 0; i < squares.size(); ++i)
      squares[i] = (squares[i] - exact[i]) * (squares[i] - exact[i]);
    const auto [mean, error] = detail::mean_and_error(squares);
    Estimate estimate{.value = std::sqrt(mean), .how = "analytic", .n = squares.size(), .m = squares.size()};
    estimate.standard_error = detail::error_of_root(estimate.value, error);
    result_.rows.push_back({"log density ratio, rms", "pairs", "nats", estimate});
  }

  void compare_marginals() {
    if (!bridges("marginals over time")) return;
    const auto d = static_cast<std::size_t>(a_.source_dimension);
    for (int k = 0; k <= options_.times + 1; ++k) {
      const double t = a_.horizon * k / (options_.times + 1);
      std::uint64_t draw = 0;
      const auto cloud = [&](const Side& side) {
        const auto points = new_points<Memory>(options_.pairwise_points, d);
        side.sample_marginal(stream(marginals, static_cast<std::uint64_t>(k)).child(draw++), t, points);
        return Cloud(points);
      };
      const Cloud x = cloud(a_), y = cloud(b_);
      MarginalError error{t, sliced_w2(x, y, directions, key_), bw2_uvp(exec_, x, y)};
      std::vector<double> sliced, uvp;
      for (int r = 0; r < options_.floor_draws; ++r) {
        const Cloud p = cloud(b_), q = cloud(b_);
        sliced.push_back(sliced_w2(p, q, directions, key_, {.batches = 0}).value);
        uvp.push_back(bw2_uvp(exec_, p, q, {.batches = 0}).value);
      }
      set_floor(error.sliced_w2, sliced);
      set_floor(error.bw2_uvp, uvp);
      result_.marginals.push_back(error);
    }
  }

  /// Girsanov. Different times use independent draws, so the variances of the integrand's means add up.
  void compare_paths() {
    if (!bridges("path KL")) return;
    if (a_.sigma != b_.sigma) return unavailable("path KL", "the two sides have different sigma");
    const auto d = static_cast<std::size_t>(a_.source_dimension);
    const std::size_t n = std::max<std::size_t>(options_.pairs / path_times, 16);
    const double until = options_.path_until * a_.horizon, step = until / path_times,
                 factor = step / (2 * a_.sigma * a_.sigma);
    double sum = 0, variance = 0;
    for (std::size_t k = 0; k < path_times; ++k) {
      const double t = (static_cast<double>(k) + 0.5) * step;
      const auto x = new_points<Memory>(n, d), drift_a = new_points<Memory>(n, d),
                 drift_b = new_points<Memory>(n, d);
      a_.sample_marginal(stream(paths, k), t, x);
      a_.forward_drift(t, x, drift_a);
      b_.forward_drift(t, x, drift_b);
      const auto [mean, error] = detail::mean_and_error(squared_differences<Memory>(exec_, drift_a, drift_b));
      sum += factor * mean;
      variance += factor * factor * error * error;
    }
    const auto start = start_entropy();
    std::ostringstream law;
    law << (start ? "paths" : "paths given X0") << " to t = " << until;
    if (start) {
      sum += start->value;
      variance += start->standard_error * start->standard_error;
      result_.rows.push_back({"KL", "X0", "nats", *start});
    }
    result_.rows.push_back({"path KL",
                            law.str(),
                            "nats",
                            {.value = sum,
                             .standard_error = std::sqrt(variance),
                             .how = "analytic, " + std::to_string(path_times) + " midpoints",
                             .n = n * path_times,
                             .m = n * path_times}});
  }

  /// KL(a_0 | b_0) where both sources have densities.
  std::optional<Estimate> start_entropy() {
    if (!a_.source_log_density || !b_.source_log_density) {
      unavailable("KL of X0", "needs a normalised density of the source on both sides");
      return {};
    }
    const auto values = [&](const Side& side) {
      Vector<double, Memory> out(
          Kokkos::view_alloc(Kokkos::WithoutInitializing, "fortet::compare::log_density"),
          draws_.first.source.extent(0));
      side.source_log_density(draws_.first.source, out);
      return to_host(out);
    };
    try {
      std::vector<double> difference = values(a_);
      const std::vector<double> reference = values(b_);
      for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= reference[i];
      const auto [mean, error] = detail::mean_and_error(difference);
      return Estimate{.value = mean,
                      .standard_error = error,
                      .how = "analytic",
                      .n = difference.size(),
                      .m = difference.size()};
    } catch (const InvalidArgument&) {  // a singular Gaussian
      unavailable("KL of X0", "a source has no density");
      return {};
    }
  }

  Points<double, Memory> means(const Side& side, const ConstPoints<double, Memory>& x) const {
    const auto out = new_points<Memory>(x.extent(0), static_cast<std::size_t>(side.target_dimension));
    side.conditional_mean(x, out);
    return out;
  }

  /// tr Cov X1 of the truth.
  double total_variance() const {
    const Moments target = moments(exec_, Cloud(draws_.second.target));
    double trace = 0;
    for (std::size_t k = 0; k < target.mean.size(); ++k) trace += target.covariance(k, k);
    return trace;
  }

  void unavailable(const std::string& metric, const std::string& why) {
    result_.not_available.push_back(metric + ": " + why);
  }

  bool offered(const std::string& metric, const std::string& what, bool by_a, bool by_b) {
    if (by_a && by_b) return true;
    unavailable(metric, std::string(by_a   ? "the second side does"
                                    : by_b ? "the first side does"
                                           : "both sides do") +
                            " not offer " + what);
    return false;
  }

  bool bridges(const std::string& metric) {
    if (!offered(metric, "drifts and time marginals", bool(a_.forward_drift), bool(b_.forward_drift)))
      return false;
    if (a_.horizon == b_.horizon) return true;
    unavailable(metric, "the two sides have different horizons");
    return false;
  }

  const Exec& exec_;
  const Side& a_;
  const Side& b_;
  const CompareOptions& options_;
  RandomKey key_;
  Draws draws_;
  Comparison result_;
};

}  // namespace

void CompareOptions::validate() const {
  detail::require(pairs >= 32, where, "pairs", pairs, "expected at least 32");
  detail::require(pairwise_points >= 2, where, "pairwise_points", pairwise_points, "expected at least 2");
  detail::require(conditional_points >= 2, where, "conditional_points", conditional_points,
                  "expected at least 2");
  detail::require(conditional_samples >= 2, where, "conditional_samples", conditional_samples,
                  "expected at least 2");
  detail::require(times >= 0, where, "times", times, "expected a number >= 0");
  detail::require(path_until > 0 && path_until <= 1, where, "path_until", path_until,
                  "expected a fraction of the horizon, 0 < path_until <= 1");
  detail::require(floor_draws >= 0, where, "floor_draws", floor_draws, "expected a number >= 0");
}

namespace impl {

template <class Memory>
Comparison compare_sides(const typename Memory::execution_space& exec, const ComparisonSide<Memory>& a,
                         const ComparisonSide<Memory>& b, const CompareOptions& options) {
  options.validate();
  detail::require(a.source_dimension == b.source_dimension, where, "source dimension of the second side",
                  b.source_dimension, "that of the first side, " + std::to_string(a.source_dimension));
  detail::require(a.target_dimension == b.target_dimension, where, "target dimension of the second side",
                  b.target_dimension, "that of the first side, " + std::to_string(a.target_dimension));
  return Comparer<Memory>(exec, a, b, options).run();
}

#define FORTET_INSTANTIATE(Memory)                                                                          \
  template Comparison compare_sides(const typename Memory::execution_space&, const ComparisonSide<Memory>&, \
                                    const ComparisonSide<Memory>&, const CompareOptions&);
FORTET_FOR_EACH_MEMORY(FORTET_INSTANTIATE)

}  // namespace impl
}  // namespace fortet
