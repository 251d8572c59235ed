// Checkpoints of the neural solvers: what was stopped and resumed is bitwise what was never stopped, and
// files that do not fit are refused.
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <regex>

#include "fortet/io/bridge.hpp"
#include "fortet/io/state_file.hpp"
#include "fortet/measure/datasets.hpp"
#include "fortet/solver/dsb.hpp"
#include "fortet/solver/dsbm.hpp"
#include "support/exact_dsb.hpp"
#include "support/files.hpp"
#include "support/messages.hpp"

using namespace fortet;
using test::contains, test::message, test::TemporaryFolder;

namespace {

const Problem problem{PlanarDataset(Shape::moons), oracle::normal(2, 0, 1), Brownian{.sigma = 2}};

/// Three iterations of a small network, of 30, 45 and 68 steps a round, with refreshes in the middle.
NeuralOptions small_run() {
  NeuralOptions options{.iterations = 3, .tolerance = 0};
  options.network = plain_network({16});
  options.training = {.steps = 30, .growth = 1.5, .batch = 64, .particles = 200, .refresh = 10};
  options.check_every = 1;
  options.checkpoint_seconds = 0;
  options.seed = 5;
  return options;
}

template <class Real>
std::vector<double> parameters(const NeuralBridge<Real>& bridge) {
  std::vector<double> all;
  for (const Direction direction : {Direction::forward, Direction::backward})
    for (const double v : to_host(bridge.drift(direction).parameters)) all.push_back(v);
  return all;
}

/// Stops after `calls` gradient steps, resumes, and compares with a run that went through.
template <class Solver, class Options>
void resumed_equals_uninterrupted(Options options, int calls) {
  const DefaultExec exec;
  const auto whole = Solver(options).solve(exec, problem);
  const TemporaryFolder folder;
  options.checkpoint = folder / "run.state";
  int seen = 0;
  options.observer = [&](const Progress&) { return ++seen == calls ? Continue::no : Continue::yes; };
  const auto stopped = Solver(options).solve(exec, problem);
  BOOST_TEST((stopped.report.status == Status::cancelled));
  BOOST_TEST(std::filesystem::exists(options.checkpoint));
  options.resume = true;
  options.observer = [&](const Progress&) { return ++seen, Continue::yes; };
  const auto resumed = Solver(options).solve(exec, problem);
  BOOST_TEST(parameters(resumed.coupling) == parameters(whole.coupling));
  BOOST_TEST(resumed.report.marginal_error == whole.report.marginal_error);
  BOOST_TEST(resumed.report.iterations == whole.report.iterations);
  BOOST_TEST_REQUIRE(resumed.report.history.size() == whole.report.history.size());
  for (std::size_t i = 0; i < whole.report.history.size(); ++i) {
    BOOST_TEST(resumed.report.history[i].marginal_error == whole.report.history[i].marginal_error);
    BOOST_TEST(resumed.report.history[i].method == whole.report.history[i].method);
  }
  BOOST_TEST(seen < calls + 2 * (30 + 45 + 68));  // it did not begin again
  BOOST_TEST(folder.number_of_files() == 1u);
}

std::filesystem::path finished_run(const TemporaryFolder& folder) {
  DsbOptions options{small_run()};
  options.iterations = 1;
  options.checkpoint = folder / "run.state";
  Dsb<float>(options).solve(DefaultExec(), problem);
  return options.checkpoint;
}

/// While it lives, writing past `bytes` of a file fails (and raises no signal).
class SmallFiles {
 public:
  explicit SmallFiles(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallFiles(const SmallFiles&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

/// The message with which a run of these options refuses to resume.
template <class Solver = Dsb<float>, class Options = DsbOptions>
std::string refusal(Options options, const std::filesystem::path& file) {
  options.checkpoint = file;
  options.resume = true;
  return message<InvalidArgument>([&] { Solver(options).solve(DefaultExec(), problem); });
}

}  // namespace

// 15 and 47: between two refreshes of the first and second round; 60 and 100: at the end of the first
// iteration and in the second.
BOOST_AUTO_TEST_CASE(dsb_resumes_bitwise) {
  for (const int calls : {15, 47, 60, 100})
    resumed_equals_uninterrupted<Dsb<float>>(DsbOptions{small_run()}, calls);
}

BOOST_AUTO_TEST_CASE(dsbm_resumes_bitwise) {
  for (const auto directions : {Directions::alternate, Directions::joint})
    for (const auto first : {FirstCoupling::reference, FirstCoupling::entropic}) {
      DsbmOptions options{small_run(), first, directions, 100};
      resumed_equals_uninterrupted<Dsbm<double>>(options, 47);
    }
}

BOOST_AUTO_TEST_CASE(a_finished_run_goes_on_when_asked_for_more) {
  const TemporaryFolder folder;
  const auto file = finished_run(folder);
  DsbOptions options{small_run()};
  const auto whole = Dsb<float>(options).solve(DefaultExec(), problem);
  options.checkpoint = file;
  options.resume = true;
  BOOST_TEST(parameters(Dsb<float>(options).solve(DefaultExec(), problem).coupling) ==
             parameters(whole.coupling));
}

// least squares instead of steps: rounds are saved whole
BOOST_AUTO_TEST_CASE(exact_regression_resumes) {
  const Problem gaussian{oracle::normal(1, -0.1, 1), oracle::normal(1, 0.1, 1), Brownian{}};
  const TemporaryFolder folder;
  DsbOptions options = oracle::exact_regression(3, 1000);
  const auto whole = Dsb<double>(options).solve(DefaultExec(), gaussian);
  BOOST_TEST(parameters(Dsb<double>(options).solve(DefaultExec(), gaussian).coupling) ==
             parameters(whole.coupling));
  options.checkpoint = folder / "run.state";
  options.iterations = 1;
  Dsb<double>(options).solve(DefaultExec(), gaussian);
  options.iterations = 3;
  options.resume = true;
  BOOST_TEST(parameters(Dsb<double>(options).solve(DefaultExec(), gaussian).coupling) ==
             parameters(whole.coupling));
}

BOOST_AUTO_TEST_CASE(another_run_is_refused) {
  const TemporaryFolder folder;
  const auto file = finished_run(folder);
  const auto before = test::content(file);
  DsbOptions options{small_run()};
  options.network = plain_network({17});
  BOOST_TEST(contains(refusal(options, file), "network = mlp d=2 x time16 trunk-16"));
  options = {small_run(), Regression::network, Matching::drift};
  BOOST_TEST(contains(refusal(options, file), "settings"));
  options = {small_run()};
  options.training.batch = 65;
  BOOST_TEST(contains(refusal(options, file), "training"));
  options = {small_run()};
  options.seed = 6;
  BOOST_TEST(contains(refusal(options, file), "seed"));
  options = {small_run()};
  options.schedule.steps = 19;
  BOOST_TEST(contains(refusal(options, file), "grid"));
  options = {small_run()};
  BOOST_TEST(contains(refusal<Dsb<double>>(options, file), "precision"));
  BOOST_TEST((contains(refusal<Dsbm<float>>(DsbmOptions{small_run()}, file), "solver")));
  BOOST_TEST(test::content(file) == before);
}

BOOST_AUTO_TEST_CASE(damaged_files_are_refused) {
  const TemporaryFolder folder;
  const std::string good = test::content(finished_run(folder));
  const DsbOptions options{small_run()};
  const auto with = [&](const std::string& content) { return refusal(options, folder.file("bad", content)); };
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{14}, std::size_t{30}, good.size() / 2, good.size() - 1}) {
    const std::string message = with(good.substr(0, size));
    BOOST_TEST((contains(message, "truncated") || contains(message, "is no fortet state file") ||
                contains(message, "version")),
               size << ": " << message);
  }
  std::string other = good;
  other[13] = '2';
  BOOST_TEST(contains(with(other), "is of version 2, but this fortet reads version 1"));
  other = good;
  other[good.size() / 2] ^= 1;
  BOOST_TEST(contains(with(other), "checksum"));
  BOOST_TEST(contains(with("hello"), "is no fortet state file"));
  write_state(folder / "other", {.kind = "neural bridge"});
  BOOST_TEST(contains(refusal(options, folder / "other"), "holds a neural bridge"));
}

// /dev/full takes nothing, like a full disk
BOOST_AUTO_TEST_CASE(a_full_disk_is_an_error) {
  if (!std::filesystem::exists("/dev/full")) return;
  DsbOptions options{small_run()};
  options.checkpoint = "/dev/full";
  BOOST_CHECK_THROW(Dsb<float>(options).solve(DefaultExec(), problem), BackendError);
  // and where the folder can no longer be written to, what was there stays (root may write everywhere)
  const TemporaryFolder folder;
  const auto file = finished_run(folder);
  const auto before = test::content(file);
  std::filesystem::create_directory(folder / "target");
  options.checkpoint = folder / "target/deeper/run.state";
  BOOST_CHECK_THROW(Dsb<float>(options).solve(DefaultExec(), problem), BackendError);
  BOOST_TEST(test::content(file) == before);
}

// Files may not grow past half of a checkpoint: where the disk fills up while one is written, the run stops
// with an error, and the checkpoint before is whole and can be resumed from.
BOOST_AUTO_TEST_CASE(a_disk_that_fills_up_keeps_the_checkpoint_before) {
  const TemporaryFolder folder;
  DsbOptions options{small_run()};
  const auto whole = Dsb<float>(options).solve(DefaultExec(), problem);
  options.checkpoint = finished_run(folder);
  options.resume = true;
  const auto before = test::content(options.checkpoint);
  {
    const SmallFiles limit(before.size() / 2);
    BOOST_CHECK_THROW(Dsb<float>(options).solve(DefaultExec(), problem), BackendError);
  }
  BOOST_TEST(test::content(options.checkpoint) == before);
  BOOST_TEST(folder.number_of_files() == 1u);
  BOOST_TEST(parameters(Dsb<float>(options).solve(DefaultExec(), problem).coupling) ==
             parameters(whole.coupling));
}

// The loss overflows in the second round of the first iteration at the latest; the checkpoint that stays can
// be resumed from and holds finite numbers.
BOOST_AUTO_TEST_CASE(divergence_keeps_the_last_good_checkpoint) {
  const TemporaryFolder folder;
  DsbOptions options{small_run()};
  options.checkpoint = folder / "run.state";
  options.iterations = 1;
  Dsb<float>(options).solve(DefaultExec(), problem);
  const auto before = test::content(options.checkpoint);
  // a source that turns to NaN once the first iteration is over
  int draws = 0;
  const Sampler<double> source(2, [&draws](const DefaultExec& exec, RandomKey key, Points<double> out) {
    ++draws;
    PlanarDataset(Shape::moons).sample(exec, key, out);
    Kokkos::deep_copy(Kokkos::subview(out, 0, Kokkos::ALL), std::nan(""));
  });
  options.iterations = 3;
  options.resume = true;
  const auto [bridge, report] =
      Dsb<float>(options).solve(DefaultExec(), Problem{source, problem.target, problem.reference});
  BOOST_TEST(draws > 0);
  BOOST_TEST((report.status == Status::diverged));
  // four batches of 64 go through all 200 particles
  BOOST_TEST(std::regex_search(report.kernel, std::regex("; diverged in iteration 2, backward half-bridge: "
                                                         "the loss is not finite at step [1-4] of 45$")),
             report.kernel);
  BOOST_TEST(report.iterations == 1);
  BOOST_TEST(test::content(options.checkpoint) == before);
  for (const double v : parameters(bridge)) BOOST_TEST_REQUIRE(std::isfinite(v));
}

BOOST_AUTO_TEST_CASE(bridges_come_back) {
  const TemporaryFolder folder;
  const DefaultExec exec;
  DsbOptions options{small_run()};
  options.iterations = 1;
  options.network = {.space_branch = {5},
                     .time_branch = {},
                     .trunk = {6, 6},
                     .time_features = 4,
                     .embedding = TimeEmbedding::fourier,
                     .activation = Activation::tanh,
                     .residual = true};
  const OrnsteinUhlenbeck reference{.rate = 0.5, .mean = {0.1, -1.0 / 3}, .sigma = 0.7, .horizon = 2};
  const auto bridge =
      Dsb<float>(options).solve(exec, Problem{problem.source, problem.target, reference}).coupling;
  write_bridge(folder / "bridge.state", bridge);
  const auto loaded = read_bridge<float>(folder / "bridge.state", bridge.source(), bridge.target());
  BOOST_TEST(parameters(loaded) == parameters(bridge));
  BOOST_TEST(loaded.grid() == bridge.grid());
  BOOST_TEST(loaded.reference().mean == bridge.reference().mean);
  BOOST_TEST(loaded.reference().epsilon() == bridge.reference().epsilon());
  Points<float> x("x", 20, 2), y("y", 20, 2), z("z", 20, 2);
  bridge.sample(exec, {.seed = 1}, x, y);
  loaded.sample(exec, {.seed = 1}, x, z);
  BOOST_TEST(to_host(y) == to_host(z));

  const auto load = [&](const auto& kind, const std::string& file) {
    using Real = std::remove_cvref_t<decltype(kind)>;
    return message<InvalidArgument>([&] {
      read_bridge<Real>(folder / file, as_sampler<Real>(problem.source), as_sampler<Real>(problem.target));
    });
  };
  BOOST_TEST(contains(load(1.0, "bridge.state"), "another precision"));
  folder.file("cut", test::content(folder / "bridge.state").substr(0, 1000));
  BOOST_TEST(contains(load(1.0f, "cut"), "truncated"));
  BOOST_TEST(contains(load(1.0f, folder.file("text", "hello").filename()), "is no fortet state file"));
  const auto planted = [&](const std::string& network) {
    write_state(folder / "odd", {"neural bridge",
                                 {{"forward", network}, {"backward", network}},
                                 {{"reference", {{3}, std::vector<double>{0, 1, 1}}},
                                  {"reference.mean", {{0}, std::vector<double>{}}},
                                  {"grid", {{2}, std::vector<double>{0, 1}}}}});
    return load(1.0f, "odd");
  };
  for (const char* network :
       {"mlp d=2 x-5 time4 trunk-6 selu fourier", "mlp d=2", "affine steps d=1 labels=3", ""})
    BOOST_TEST(contains(planted(network), "is no network that this fortet knows"));
}
