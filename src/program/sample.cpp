#include "program/sample.hpp"

#include "fortet/coupling/lift.hpp"
#include "fortet/io/coupling.hpp"
#include "fortet/io/csv.hpp"
#include "program/input.hpp"
#include "program/output.hpp"
#include "program/pairs.hpp"

namespace fortet::program {
namespace {

std::vector<double> equal_times(double horizon, std::size_t steps) {
  std::vector<double> times(steps + 1);
  for (std::size_t k = 0; k <= steps; ++k)
    times[k] = k == steps ? horizon : horizon * static_cast<double>(k) / static_cast<double>(steps);
  return times;
}

template <class C>
Array sample_paths(const DefaultExec& exec, const C& coupling, const SampleArguments& a,
                   const std::vector<double>& times) {
  using Real = typename C::scalar_type;
  const auto d = static_cast<std::size_t>(coupling.source_dimension());
  const typename decltype(lift(coupling))::Paths paths(
      Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::program::paths"), a.number, d,
      times.size());
  lift(coupling).sample_paths(exec, {.seed = a.seed}, times, paths);
  std::vector<Array> slices;
  for (std::size_t k = 0; k < times.size(); ++k)
    slices.push_back(to_array(Points<Real>(Kokkos::subview(paths, Kokkos::ALL, Kokkos::ALL, k))));
  return stacked(slices);
}

std::vector<std::string> numbered(const std::string& name, std::size_t d) {
  std::vector<std::string> out;
  for (std::size_t k = 1; k <= d; ++k) out.push_back(name + std::to_string(k));
  return out;
}

// (N, 2, d) as N lines of 2 d values, and (N, K + 1, d) as a line for each point: path, time, coordinates.
struct Table {
  std::vector<std::string> header;
  Array rows;
};

Table pairs_table(const Array& pairs) {
  const std::size_t d = pairs.shape[2];
  Table out{numbered("x", d), {{pairs.shape[0], 2 * d}, pairs.values}};
  for (const std::string& name : numbered("y", d)) out.header.push_back(name);
  return out;
}

Table paths_table(const Array& paths, const std::vector<double>& times) {
  const std::size_t d = paths.shape[2];
  std::vector<double> values;
  for (std::size_t i = 0; i < paths.shape[0] * times.size(); ++i) {
    values.push_back(static_cast<double>(i / times.size()));
    values.push_back(times[i % times.size()]);
    for (std::size_t k = 0; k < d; ++k) values.push_back(paths[i * d + k]);
  }
  Table out{{"path", "time"}, {{paths.shape[0] * times.size(), d + 2}, std::move(values)}};
  for (const std::string& name : numbered("x", d)) out.header.push_back(name);
  return out;
}

template <class C>
int sample(const DefaultExec& exec, const C& coupling, const SampleArguments& a) {
  const auto times = equal_times(coupling.reference().horizon, a.steps);
  const Array draws =
      a.steps ? sample_paths(exec, coupling, a, times) : sample_pairs(exec, coupling, a.number, a.seed);
  if (a.output && a.output->extension() != ".csv") {
    write_npy(*a.output, draws);
    return exit_code::converged;
  }
  const Table table = a.steps ? paths_table(draws, times) : pairs_table(draws);
  if (a.output)
    write_csv(*a.output, table.rows, table.header);
  else
    std::cout << to_csv(table.rows, table.header);
  return exit_code::converged;
}

}  // namespace

int run_sample(const SampleArguments& arguments) {
  const DefaultExec exec;
  // the drawing waits until the reading is over: only the latter turns a failing file into bad input
  const std::function<int()> draw = reading([&] {
    return visit_coupling(exec, arguments.coupling, [&](const auto& coupling) -> std::function<int()> {
      return [&exec, &arguments, coupling] { return sample(exec, coupling, arguments); };
    });
  });
  return draw();
}

}  // namespace fortet::program
