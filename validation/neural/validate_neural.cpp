// The neural solvers against what is known.
//   validate_neural gaussian [key=value ...]   DSB against the N-step population values (tests/support)
//   validate_neural kl       [key=value ...]   the Gaussian protocol of Shi et al. 2023, mean KL of 21 times
//   validate_neural planar   [key=value ...]   exact W2 of chain ends on planar data, with sampling floors
// Keys: method=dsb|dsbm, first=reference|independent|entropic, directions=alternate|joint, data=moons,
// from=moons (default: standard normal), d, sigma, N, grid=constant|triangular, ratio, iterations, steps,
// growth (of the steps, from one iteration to the next), batch, particles, refresh, rate,
// schedule=cosine|constant, average, width (two hidden layers; 0: the two-branch network), seed (the first),
// seeds, floors, n. What is not given has the protocol's value. Every run prints its protocol first, and
// beside each figure the oracle or the floor that bounds it.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "fortet/compare/metrics.hpp"
#include "fortet/measure/datasets.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/sampler.hpp"
#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"
#include "support/dsb_population.hpp"

namespace {

using namespace fortet;

/// key=value arguments; every one that is asked for is printed, and those left over are mistakes.
class Settings {
 public:
  Settings(int argc, char** argv) {
    for (int i = 2; i < argc; ++i) {
      const std::string text = argv[i];
      const auto at = text.find('=');
      detail::require(at != text.npos, "validate_neural", "argument", text, "expected key=value");
      given_[text.substr(0, at)] = text.substr(at + 1);
    }
  }
  std::string text(const std::string& key, const std::string& fallback) {
    const auto found = given_.find(key);
    const std::string value = found == given_.end() ? fallback : found->second;
    if (found != given_.end()) given_.erase(found);
    protocol_ += " " + key + "=" + value;
    return value;
  }
  double number(const std::string& key, double fallback) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%g", fallback);
    return std::stod(text(key, digits));
  }
  int whole(const std::string& key, int fallback) { return static_cast<int>(number(key, fallback)); }
  void print(const char* what) {
    for (const auto& [key, value] : given_) detail::reject("validate_neural", key, value, "no such key here");
    std::printf("%s:%s\n", what, protocol_.c_str());
    std::fflush(stdout);
  }

 private:
  std::map<std::string, std::string> given_;
  std::string protocol_;
};

/// N(mean 1, deviation^2 I).
Sampler<float> normal(int d, double mean, double deviation) {
  return {d, [=](const DefaultExec& exec, RandomKey key, Points<float> out) {
            Kokkos::parallel_for(
                "fortet::validate::normal", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
                KOKKOS_LAMBDA(const std::size_t i) {
                  for (std::size_t k = 0; k < out.extent(1); ++k)
                    out(i, k) = static_cast<float>(
                        mean + deviation * random_normal(key, i, static_cast<std::uint32_t>(k)));
                });
          }};
}

/// What a protocol trains with unless it is told otherwise.
struct Defaults {
  int N, iterations, steps;
  double growth;  // of `steps` from one iteration to the next
  int batch, particles, refresh, width;
  double rate, average;
  const char* schedule;
  const char* first = "independent";
};

struct Method {
  std::string name, first = {}, directions = {};
  NeuralOptions options = {};
  int seed = 0, seeds = 1;  ///< the first, and how many
};

Method read_method(Settings& s, const std::string& name, const Defaults& defaults) {
  Method m{.name = name};
  const bool matching = m.name == "dsbm";
  if (matching) {
    m.first = s.text("first", defaults.first);
    m.directions = s.text("directions", "alternate");
  }
  m.options.iterations = s.whole("iterations", defaults.iterations);
  m.options.tolerance = 0;
  m.options.schedule.steps = s.whole("N", defaults.N);
  if (s.text("grid", "constant") == "triangular") {
    m.options.schedule.kind = StepSchedule::Kind::triangular;
    m.options.schedule.ratio = s.number("ratio", 100);
  }
  auto& t = m.options.training;
  t.steps = s.whole("steps", defaults.steps);
  t.growth = s.number("growth", defaults.growth);
  t.batch = s.whole("batch", defaults.batch);
  t.particles = s.whole("particles", defaults.particles);
  t.refresh = s.whole("refresh", defaults.refresh);
  t.adam.learning_rate = s.number("rate", defaults.rate);
  t.adam.average = s.number("average", defaults.average);
  t.adam.schedule =
      s.text("schedule", defaults.schedule) == "cosine" ? LearningRate::cosine : LearningRate::constant;
  if (const int width = s.whole("width", defaults.width)) m.options.network = plain_network({width, width});
  m.seed = s.whole("seed", 0);
  m.seeds = s.whole("seeds", 1);
  return m;
}

template <class P>
Solution<NeuralBridge<float>> solve(const Method& m, const P& problem, int seed) {
  NeuralOptions options = m.options;
  options.seed = static_cast<std::uint64_t>(seed);
  const DefaultExec exec;
  if (m.name == "dsb") return Dsb<float>({options}).solve(exec, problem);
  const FirstCoupling first = m.first == "reference"  ? FirstCoupling::reference
                              : m.first == "entropic" ? FirstCoupling::entropic
                                                      : FirstCoupling::independent;
  return Dsbm<float>({options, first, m.directions == "joint" ? Directions::joint : Directions::alternate})
      .solve(exec, problem);
}

struct Summary {
  double mean = 0, deviation = 0;
};

Summary summary(const std::vector<double>& values) {
  Summary out;
  for (const double v : values) out.mean += v / double(values.size());
  for (const double v : values) out.deviation += (v - out.mean) * (v - out.mean);
  out.deviation = values.size() > 1 ? std::sqrt(out.deviation / double(values.size() - 1)) : 0;
  return out;
}

// ---- gaussian

void print_end(const char* name, const oracle::End& found, const oracle::End& truth) {
  std::printf(
      "  %-9s mean %9.5f (%9.5f, %+5.1f %%)  variance %.5f (%.5f, %+5.2f %%)  covariance %.5f (%.5f, %+5.2f "
      "%%)\n",
      name, found.mean, truth.mean, 100 * (found.mean / truth.mean - 1), found.variance, truth.variance,
      100 * (found.variance / truth.variance - 1), found.covariance, truth.covariance,
      100 * (found.covariance / truth.covariance - 1));
}

int gaussian(Settings s) {
  const int d = s.whole("d", 5);
  const int n = s.whole("n", d < 20 ? 2000000 : 200000);
  const double a = s.number("a", 0.1);
  // many coordinates average the noise of their means, few need more trajectories
  const Defaults defaults = d < 20 ? Defaults{20, 6, 1000, 1.7, 2048, 10000, 100, 32, 1e-3, 0.9998, "cosine"}
                                   : Defaults{20, 5, 1000, 1.5, 1024, 10000, 100, 64, 1e-3, 0.9998, "cosine"};
  const Method m = read_method(s, s.text("method", "dsb"), defaults);
  s.print("DSB between N(-a 1, I) and N(a 1, I), sigma = 1, against its N-step population values");
  const Problem problem{normal(d, -a, 1), normal(d, a, 1), Brownian{}};
  const auto truth = oracle::dsb_population(oracle::reference_chain(m.options.schedule.grid(1), 0, 0, 1),
                                            {-a, 1}, {a, 1}, m.options.iterations)
                         .back();
  std::printf("  standard errors of the figures (n d = %.0f): mean %.5f, variance %.5f\n", double(n) * d,
              1 / std::sqrt(double(n) * d), std::sqrt(2 / (double(n) * d)));
  for (int seed = m.seed; seed < m.seed + m.seeds; ++seed) {
    const auto [bridge, report] = solve(m, problem, seed);
    const DefaultExec exec;
    Points<float> x0("x0", static_cast<std::size_t>(n), static_cast<std::size_t>(d)),
        x1("x1", static_cast<std::size_t>(n), static_cast<std::size_t>(d));
    bridge.sample(exec, {.seed = 77}, x0, x1);
    std::printf(" seed %d, %.1f s\n", seed, report.seconds);
    print_end("forward", oracle::end_of(to_host(x0), to_host(x1), static_cast<std::size_t>(d)),
              truth.forward);
    bridge.target().sample(exec, {.seed = 78}, x1);
    bridge.sample_backward(exec, {.seed = 79}, x1, x0);
    print_end("backward", oracle::end_of(to_host(x1), to_host(x0), static_cast<std::size_t>(d)),
              truth.backward);
    std::fflush(stdout);
  }
  return 0;
}

// ---- kl

/// KL(N(mean, covariance of x) | N(m 1, v I)) of a cloud by three estimators of the covariance.
struct Kl {
  double full = 0, diagonal = 0, isotropic = 0;
};

double log_determinant(std::vector<double> c, std::size_t d) {  // Cholesky
  double sum = 0;
  for (std::size_t j = 0; j < d; ++j) {
    for (std::size_t k = 0; k < j; ++k) c[j * d + j] -= c[j * d + k] * c[j * d + k];
    const double root = std::sqrt(c[j * d + j]);
    c[j * d + j] = root;
    sum += 2 * std::log(root);
    for (std::size_t i = j + 1; i < d; ++i) {
      for (std::size_t k = 0; k < j; ++k) c[i * d + j] -= c[i * d + k] * c[j * d + k];
      c[i * d + j] /= root;
    }
  }
  return sum;
}

Kl kl_to(const Points<float>& points, double m, double v) {
  const auto x = to_host(points);
  const std::size_t n = points.extent(0), d = points.extent(1);
  std::vector<double> mean(d), covariance(d * d);
  for (std::size_t i = 0; i < x.size(); ++i) mean[i % d] += x[i] / double(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t k = 0; k <= j; ++k)
        covariance[j * d + k] += (x[i * d + j] - mean[j]) * (x[i * d + k] - mean[k]) / double(n);
  double trace = 0, shift = 0, logs = 0;
  for (std::size_t k = 0; k < d; ++k) {
    trace += covariance[k * d + k];
    logs += std::log(covariance[k * d + k]);
    shift += (mean[k] - m) * (mean[k] - m);
  }
  const double D = double(d), common = (trace + shift) / v - D + D * std::log(v);
  return {(common - log_determinant(covariance, d)) / 2, (common - logs) / 2,
          (common - D * std::log(trace / D)) / 2};
}

struct Exact {  // of the bridge between N(-a, 1) and N(a, 1), sigma = T = 1, in each coordinate
  double a;
  double slope = (std::sqrt(5.0) - 1) / 2;  // K of conventions, section 2
  double mean(double t) const { return a * (2 * t - 1); }
  double variance(double t) const { return (1 - t) * (1 - t) + t * t + t * (1 - t) * (2 * slope + 1); }
  double drift(double t, double x) const { return 2 * a + (slope - 1) / (1 - t + t * slope) * (x - mean(t)); }
};

template <class Draw>
Kl mean_kl(const Exact& exact, const Draw& draw_at) {
  Kl sum;
  for (int i = 0; i <= 20; ++i) {
    const double t = i / 20.0;
    const Kl kl = kl_to(draw_at(i), exact.mean(t), exact.variance(t));
    sum = {sum.full + kl.full / 21, sum.diagonal + kl.diagonal / 21, sum.isotropic + kl.isotropic / 21};
  }
  return sum;
}

void print_kl(const char* name, const Kl& kl) {
  std::printf("  %-34s diagonal %7.3f   full %7.3f   isotropic %7.3f   (x 1e-3)\n", name, 1e3 * kl.diagonal,
              1e3 * kl.full, 1e3 * kl.isotropic);
  std::fflush(stdout);
}

int kl(Settings s) {
  const int d = s.whole("d", 5), n = s.whole("n", 10000);
  const double a = s.number("a", 0.1);
  const Method m = read_method(s, s.text("method", "dsbm"),
                               {20, 20, 10000, 1, 128, 10000, 10000, 256, 1e-4, 0.999, "constant"});
  s.print("mean over 21 times of KL(P_t | P*_t), N(-a 1, I) to N(a 1, I), sigma = 1");
  const Exact exact{a};
  const auto rows = static_cast<std::size_t>(n), D = static_cast<std::size_t>(d);
  const DefaultExec exec;
  Points<float> at("at", rows, D);
  print_kl("floor: exact draws", mean_kl(exact, [&](int i) {
             normal(d, exact.mean(i / 20.0), std::sqrt(exact.variance(i / 20.0)))
                 .sample(exec, RandomKey{.seed = 9}.child(std::uint64_t(i)), at);
             return at;
           }));
  Points<float> walker("walker", rows, D);
  normal(d, -a, 1).sample(exec, {.seed = 10}, walker);
  print_kl("oracle: exact drift, 20 Euler steps", mean_kl(exact, [&](int i) {
             if (i > 0) {
               const double t = (i - 1) / 20.0;
               const RandomKey key = RandomKey{.seed = 11}.child(std::uint64_t(i));
               const auto x = walker;
               Kokkos::parallel_for(
                   "fortet::validate::euler", Kokkos::RangePolicy<DefaultExec>(exec, 0, rows),
                   KOKKOS_LAMBDA(const std::size_t r) {
                     for (std::size_t k = 0; k < D; ++k)
                       x(r, k) +=
                           static_cast<float>(exact.drift(t, double(x(r, k))) / 20 +
                                              std::sqrt(0.05) * random_normal(key, r, std::uint32_t(k)));
                   });
             }
             return walker;
           }));
  const Problem problem{normal(d, -a, 1), normal(d, a, 1), Brownian{}};
  for (int seed = m.seed; seed < m.seed + m.seeds; ++seed) {
    const auto [bridge, report] = solve(m, problem, seed);
    std::vector<double> times;
    for (int i = 0; i <= 20; ++i) times.push_back(i / 20.0);
    Paths<float> paths("paths", rows, D, times.size());
    Points<float> start("start", rows, D);
    bridge.source().sample(exec, {.seed = 12}, start);
    bridge.sample_paths(exec, {.seed = 13}, times, start, paths,
                        {.refinement = 20 / m.options.schedule.steps});
    const std::string name =
        m.name + " seed " + std::to_string(seed) + ", " + std::to_string(int(report.seconds)) + " s";
    print_kl(name.c_str(), mean_kl(exact, [&](int i) {
               Kokkos::deep_copy(at, Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, i));
               return at;
             }));
  }
  return 0;
}

// ---- planar

Sampler<double> planar(const std::string& name) {
  if (name != "normal") return as_sampler<double>(PlanarDataset(shape_from_name(name)));
  return {2, [](const DefaultExec& exec, RandomKey key, Points<double> out) {
            Kokkos::parallel_for(
                "fortet::validate::normal", Kokkos::RangePolicy<DefaultExec>(exec, 0, out.extent(0)),
                KOKKOS_LAMBDA(const std::size_t i) {
                  const NormalPair z = random_normal_pair(key, i, 0);
                  out(i, 0) = z.first;
                  out(i, 1) = z.second;
                });
          }};
}

/// Ends of the forward chain; without the noise of the last step, which is how De Bortoli et al.'s code
/// samples, in `means`.
void draw_ends(const NeuralBridge<float>& bridge, RandomKey key, Points<float> ends, Points<float> means) {
  const DefaultExec exec;
  const std::size_t n = ends.extent(0), last = bridge.grid().size() - 1;
  const std::vector<double> times = {bridge.grid()[last - 1], bridge.grid()[last]};
  Paths<float> paths("paths", n, 2, 2);
  bridge.sample_paths(exec, key, times, paths);
  const auto before = Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, 0);
  Kokkos::deep_copy(exec, ends, Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, 1));
  Points<float> x("x", n, 2);
  Kokkos::deep_copy(exec, x, before);
  bridge.forward_drift(exec, times[0], x, means);
  const auto length = static_cast<float>(times[1] - times[0]);
  Kokkos::parallel_for(
      "fortet::validate::last_mean", Kokkos::RangePolicy<DefaultExec>(exec, 0, n),
      KOKKOS_LAMBDA(const std::size_t i) {
        for (std::size_t k = 0; k < 2; ++k) means(i, k) = x(i, k) + length * means(i, k);
      });
  exec.fence("fortet::validate::draw_ends");
}

double w2_of(const Points<double>& x, const Points<double>& y) {
  return w2(PointCloud<double>(x), PointCloud<double>(y)).value;
}

struct PlanarProtocol {
  double sigma;
  Defaults defaults;
};

/// The schedules whose figures docs/mathematics/dsb.md gives. Proportional fitting needs an epsilon that is
/// not small beside the width of the data to get far in four iterations, and steps that resolve it; matching
/// from an entropic coupling begins near the end and takes sigma as small as the details are.
PlanarProtocol planar_protocol(const std::string& method, const std::string& from, const std::string& data) {
  if (method == "dsb") {
    const bool moons = from == "normal" && data == "moons";
    return {data == "s-curve" ? 1.0 : 2.0,
            {moons ? 40 : 20, 4, moons ? 2000 : 1500, 1.5, 512, 10000, 300, 0, 1e-3, 0.999, "cosine"}};
  }
  const double sigma = data == "moons" ? 0.5 : data == "s-curve" ? 0.3 : 1;
  const int steps = data == "moons" ? 20000 : 10000;
  return {sigma, {20, 1, steps, 1, 512, 10000, 1000, 0, 1e-3, 0.999, "cosine", "entropic"}};
}

int planar_data(Settings s) {
  const std::string data = s.text("data", "moons"), from = s.text("from", "normal");
  const auto n = static_cast<std::size_t>(s.whole("n", 10000));
  const std::string method = s.text("method", "dsbm");
  const PlanarProtocol protocol = planar_protocol(method, from, data);
  const double sigma = s.number("sigma", protocol.sigma);
  const int floors = s.whole("floors", 3);
  const Method m = read_method(s, method, protocol.defaults);
  s.print("exact W2 between the forward chain's end and fresh draws of the target");
  const DefaultExec exec;
  const Sampler<double> target = planar(data);
  Points<double> x("x", n, 2), y("y", n, 2);
  std::vector<double> floor;
  for (int i = 0; i < floors; ++i) {
    target.sample(exec, {.seed = 100, .stream = std::uint64_t(2 * i)}, x);
    target.sample(exec, {.seed = 100, .stream = std::uint64_t(2 * i + 1)}, y);
    floor.push_back(w2_of(x, y));
  }
  const Summary f = summary(floor);
  std::printf("  floor: two fresh draws of the target, n = %zu: %.4f +- %.4f (%d pairs)\n", n, f.mean,
              f.deviation, floors);
  std::fflush(stdout);
  const Problem problem{planar(from), target, Brownian{.sigma = sigma}};
  std::vector<double> found, found_means;
  for (int seed = m.seed; seed < m.seed + m.seeds; ++seed) {
    const std::clock_t begin = std::clock();
    const auto [bridge, report] = solve(m, problem, seed);
    const double processor = double(std::clock() - begin) / CLOCKS_PER_SEC;
    Points<float> ends("ends", n, 2), means("means", n, 2);
    draw_ends(bridge, {.seed = 200 + std::uint64_t(seed)}, ends, means);
    target.sample(exec, {.seed = 300 + std::uint64_t(seed)}, y);
    Kokkos::deep_copy(x, ends);
    found.push_back(w2_of(x, y));
    Kokkos::deep_copy(x, means);
    found_means.push_back(w2_of(x, y));
    std::printf(
        "  seed %d: W2 %.4f (last step's mean: %.4f), %.1f s (%.1f s of processors), marginal error (root "
        "energy distance) %.4f\n",
        seed, found.back(), found_means.back(), report.seconds, processor, report.marginal_error);
    std::fflush(stdout);
  }
  const Summary r = summary(found), q = summary(found_means);
  std::printf("  %s %s -> %s: W2 %.4f +- %.4f (last step's mean: %.4f +- %.4f) over %d seeds\n",
              m.name.c_str(), from.c_str(), data.c_str(), r.mean, r.deviation, q.mean, q.deviation, m.seeds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos;
  try {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "gaussian") return gaussian({argc, argv});
    if (what == "kl") return kl({argc, argv});
    if (what == "planar") return planar_data({argc, argv});
    std::fprintf(stderr, "usage: validate_neural gaussian|kl|planar [key=value ...]\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "validate_neural: %s\n", error.what());
  }
  return 2;
}
