// Digits of 8 x 8 pixels (UCI, "optical recognition of handwritten digits"), where a folder of data has them.
#include <cmath>

#include "fortet/compare/metrics.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/io/csv.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/measure/gaussian.hpp"
#include "fortet/measure/resampled.hpp"
#include "fortet/solver/sinkhorn.hpp"
#include "networks.hpp"

namespace fortet::validation {
namespace {

constexpr std::size_t pixels = 64;

/// The first `most` digits of a file, pixels in [0, 1].
std::vector<double> read_digits(const std::filesystem::path& file, std::size_t most) {
  const Array array = read_csv(file);
  if (array.rank() != 2 || array.shape[1] != pixels + 1)
    throw InvalidArgument(file.string() + ": expected rows of 64 pixels and a label");
  std::vector<double> out;
  for (std::size_t i = 0; i < std::min(most, array.shape[0]); ++i)
    for (std::size_t k = 0; k < pixels; ++k) out.push_back(array[i * (pixels + 1) + k] / 16);
  return out;
}

Points<double> points_of(const std::vector<double>& rows) {
  return points_from_host<double>(std::span<const double>(rows), rows.size() / pixels, pixels);
}

double w2_of(const std::vector<double>& x, const std::vector<double>& y) {
  return w2(PointCloud<double>(points_of(x)), PointCloud<double>(points_of(y))).value;
}

/// Mean distance from a row of x to the nearest row of y: zero where the training set was learnt by heart.
double nearest(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); i += pixels) {
    double best = 1e300;
    for (std::size_t j = 0; j < y.size(); j += pixels) {
      double square = 0;
      for (std::size_t k = 0; k < pixels; ++k) square += (x[i + k] - y[j + k]) * (x[i + k] - y[j + k]);
      best = std::min(best, square);
    }
    sum += std::sqrt(best);
  }
  return sum * pixels / static_cast<double>(x.size());
}

void digits(const Setting& setting, Record& record) {
  const auto folder = setting.data / "digits";
  if (setting.data.empty() || !std::filesystem::exists(folder / "optdigits.tra"))
    throw Skipped("no digits/optdigits.tra in the folder of --data or FORTET_DATA");
  if (!has_exact_transport()) throw Skipped("built without LEMON: no exact W2");
  const DefaultExec& exec = setting.exec;
  const std::size_t n = setting.full ? 1000 : 300;
  const auto train_rows = read_digits(folder / "optdigits.tra", setting.full ? 3000 : 1000),
             held_out = read_digits(folder / "optdigits.tes", n);
  const PointCloud<double> training_set(points_of(train_rows));
  const Gaussian noise(std::vector<double>(pixels, 0.3), isotropic(pixels, 0.15));
  const auto head = [&](const std::vector<double>& rows) {
    return std::vector<double>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n * pixels));
  };
  const double floor = w2_of(head(train_rows), held_out), natural = nearest(held_out, train_rows);
  const std::string w2_table = "Digits of 8 x 8 pixels";
  const auto row = [&](const std::string& name, const std::vector<double>& images) {
    const double distance = w2_of(images, held_out), memory = nearest(images, train_rows) / natural;
    record.score(name + ": W2 to held-out digits over that of training digits", distance / floor);
    record.score(name + ": distance to the nearest training digit over that of held-out digits", memory);
    record.cell({w2_table, name, "W2 to held-out digits", distance});
    record.cell({w2_table, name, "nearest training digit", memory * natural});
  };
  record.cell({w2_table, "training digits (the floor)", "W2 to held-out digits", floor});
  record.cell({w2_table, "held-out digits", "nearest training digit", natural});

  const Brownian reference = brownian_with_epsilon(1);
  const auto bridge =
      lift(Sinkhorn<double>({.tolerance = 1e-4})
               .solve(exec, Problem{draw(exec, noise, training_set.size(), setting.key.child(0)),
                                    training_set, reference})
               .coupling);
  const Points<double> x0("fortet::validation::x0", n, pixels), x1("fortet::validation::x1", n, pixels);
  bridge.sample(exec, setting.key.child(1), x0, x1);
  row("Sinkhorn, lifted", to_host(x1));

  if (!setting.full) return;  // a training that shows digits takes minutes
  const Training training{.iterations = 4, .steps = 3000, .width = 256};
  const auto chain =
      train(setting, Method::dsb,
            {as_sampler<double>(noise), as_sampler<double>(Resampled(training_set)), reference}, training,
            setting.key.seed)
          .coupling;
  const Points<float> y0("fortet::validation::y0", n, pixels), y1("fortet::validation::y1", n, pixels);
  chain.sample(exec, setting.key.child(2), y0, y1);
  exec.fence("fortet::validation::sample");
  row("DSB", to_host(y1));
}

}  // namespace

void add_digits(std::vector<Case>& cases) {
  cases.push_back({"generative/digits",
                   "Digits of 8 x 8 pixels from noise by Sinkhorn's lift and DSB: W2 to held-out digits, and "
                   "whether training digits were learnt by heart",
                   digits});
}

}  // namespace fortet::validation
