#include "program/compare_report.hpp"

#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortet/io/atomic_file.hpp"
#include "fortet/io/json.hpp"
#include "fortet/io/npy.hpp"
#include "program/compare_page.hpp"
#include "program/plots.hpp"

namespace fortet::program {
namespace {

using Json = nlohmann::ordered_json;

Json json(const ProblemResult& problem) {
  Json out{{"name", problem.name},
           {"title", problem.title},
           {"what", problem.what},
           {"dimension", problem.dimension},
           {"epsilon", problem.epsilon},
           {"sigma", problem.sigma},
           {"horizon", problem.horizon},
           {"path_times", problem.path_times},
           {"marginal_times", problem.marginal_times}};
  for (const SolverResult& solver : problem.solvers) {
    Json entry{{"name", solver.name}, {"what", solver.what}};
    if (solver.report) entry["report"] = Json::parse(to_json(*solver.report));
    out["solvers"].push_back(entry);
  }
  for (const Comparison& comparison : problem.comparisons)
    out["comparisons"].push_back(Json::parse(to_json(comparison)));
  for (const SizeResult& size : problem.sizes)
    out["sizes"].push_back({{"atoms", size.atoms},
                            {"seconds", size.seconds},
                            {"comparison", Json::parse(to_json(size.comparison))}});
  return out;
}

void write_data(const std::filesystem::path& folder, const ProblemResult& problem) {
  for (const SolverResult& solver : problem.solvers) {
    const auto file = [&](const char* what) {
      return folder / (problem.name + "." + solver.name + "." + what + ".npy");
    };
    write_npy(file("pairs"), solver.pairs);
    if (!solver.paths.shape.empty()) write_npy(file("paths"), solver.paths);
    if (!solver.marginals.shape.empty()) write_npy(file("marginals"), solver.marginals);
  }
}

}  // namespace

std::string to_json(const CompareResult& result) {
  Json out{{"program", "fortet compare"}, {"version", FORTET_VERSION}, {"pairs", result.pairs},
           {"seed", result.seed},         {"seconds", result.seconds}, {"problems", Json::array()}};
  for (const ProblemResult& problem : result.problems) out["problems"].push_back(json(problem));
  return out.dump(2);
}

std::filesystem::path write_report(const std::filesystem::path& folder, const CompareResult& result) {
  std::error_code error;
  std::filesystem::create_directories(folder / "data", error);
  if (error) throw BackendError(folder.string() + ": " + error.message());
  for (const ProblemResult& problem : result.problems) write_data(folder / "data", problem);
  write_text(folder / "report.json", to_json(result));
  const std::string no_plots = draw_plots("compare.py", folder);
  const auto page = folder / "index.html";
  write_text(page, compare_page(result, folder, no_plots));
  return page;
}

}  // namespace fortet::program
