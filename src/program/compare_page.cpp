#include "program/compare_page.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortet/io/atomic_file.hpp"
#include "program/html.hpp"

namespace fortet::program {
namespace {

/// Within three standard errors (of the value and of the floor) of what fresh draws of the truth score.
bool at_floor(const Estimate& e) {
  if (!e.floor) return false;
  const auto square = [](double error) { return std::isfinite(error) ? error * error : 0.0; };
  return e.value - *e.floor <= 3 * std::sqrt(square(e.standard_error) + square(e.floor_standard_error));
}

std::string cells(const Estimate& e) {
  std::string value = figure(e.value);
  if (at_floor(e)) value = "&asymp; " + value;
  return std::string("<td") + (at_floor(e) ? " class=good" : "") + ">" + value + "</td><td>" +
         figure(e.standard_error) + "</td><td>" + (e.floor ? figure(*e.floor) : "&ndash;") + "</td>";
}

void rows_table(std::ostream& out, const Comparison& comparison) {
  out << "<div class=scroll><table><tr><th class=text>metric</th><th class=text>of</th><th>value</th>"
         "<th>std. error</th><th>floor</th><th class=text>unit</th><th>samples</th></tr>\n";
  for (const ComparisonRow& row : comparison.rows)
    out << "<tr><td class=text>" << escaped(row.metric) << "</td><td class=text>" << escaped(row.law)
        << "</td>" << cells(row.estimate) << "<td class=text>" << (row.unit == "1" ? "" : escaped(row.unit))
        << "</td><td>" << row.estimate.n << "</td></tr>\n";
  out << "</table></div>\n";
}

void marginals_table(std::ostream& out, const Comparison& comparison) {
  if (comparison.marginals.empty()) return;
  out << "<details><summary>Marginals over time</summary><div class=scroll><table><tr><th>t</th>"
         "<th>sliced W2</th><th>std. error</th><th>floor</th><th>BW2-UVP, %</th><th>std. error</th>"
         "<th>floor</th></tr>\n";
  for (const MarginalError& m : comparison.marginals)
    out << "<tr><td>" << figure(m.time) << "</td>" << cells(m.sliced_w2) << cells(m.bw2_uvp) << "</tr>\n";
  out << "</table></div></details>\n";
}

void solvers_table(std::ostream& out, const ProblemResult& problem) {
  out << "<div class=scroll><table><tr><th class=text>solver</th><th class=text>what it is</th>"
         "<th class=text>status</th><th>atoms</th><th>iterations</th><th>seconds</th>"
         "<th>marginal error</th></tr>\n";
  for (const SolverResult& solver : problem.solvers) {
    const bool truth = &solver == &problem.solvers.back();
    out << "<tr><td class=text>" << escaped(solver.name) << (truth ? " (truth)" : "")
        << "</td><td class=text>" << escaped(solver.what) << "</td>";
    if (solver.report) {
      const Report& r = *solver.report;
      out << "<td class=text>" << to_string(r.status) << "</td><td>" << r.n << "</td><td>" << r.iterations
          << "</td><td>" << figure(r.seconds) << "</td><td>" << figure(r.marginal_error) << "</td>";
    } else {
      out << "<td class=text>exact</td><td></td><td></td><td></td><td></td>";
    }
    out << "</tr>\n";
  }
  out << "</table></div>\n";
}

/// The plots of one problem, in the order of plots.json: [{problem, file, title, caption}].
void plots(std::ostream& out, const ProblemResult& problem, const std::filesystem::path& folder) {
  for (const auto& plot : nlohmann::json::parse(read_text(folder / "plots.json"))) {
    if (plot.at("problem") != problem.name) continue;
    out << html_figure(plot.at("title"), folder / plot.at("file").get<std::string>(), plot.at("caption"));
  }
}

void section(std::ostream& out, const ProblemResult& problem, const std::filesystem::path& folder,
             bool with_plots) {
  out << "<h2>" << escaped(problem.title) << "</h2>\n<p>" << escaped(problem.what) << "</p>\n<p class=soft>"
      << problem.dimension << " dimensions, epsilon = sigma&sup2; T = " << figure(problem.epsilon)
      << ", sigma = " << figure(problem.sigma) << ", T = " << figure(problem.horizon) << ".</p>\n";
  solvers_table(out, problem);
  if (with_plots) plots(out, problem, folder);
  for (const Comparison& comparison : problem.comparisons) {
    out << "<h3>" << escaped(comparison.first) << " against " << escaped(comparison.second) << "</h3>\n";
    rows_table(out, comparison);
    marginals_table(out, comparison);
    for (const std::string& line : comparison.not_available)
      out << "<p class=soft>Not available: " << escaped(line) << ".</p>\n";
  }
}

}  // namespace

std::string compare_page(const CompareResult& result, const std::filesystem::path& folder,
                         const std::string& no_plots) {
  std::ostringstream out;
  out << html_head("Fortet: solvers compared")
      << "<h1>Solvers compared</h1>\n<p>Each solver answers the same Schr&ouml;dinger bridge problem; "
      << "the last one in each list counts as the truth. The <em>floor</em> of a figure is what two fresh "
         "draws "
      << "of the truth score at the same sample size: no solver can be seen to be better than that. "
      << "<span style=\"color:var(--good)\">&asymp;</span> marks figures within three standard errors of "
         "their "
      << "floor.</p>\n<p class=soft>" << result.pairs << " pairs a solver, seed " << result.seed << ", "
      << figure(result.seconds)
      << " s in all. The same figures are in <code>report.json</code>, the samples in "
         "<code>data/</code>.</p>\n";
  if (!no_plots.empty()) out << "<p>There are no plots: " << escaped(no_plots) << ".</p>\n";
  for (const ProblemResult& problem : result.problems) section(out, problem, folder, no_plots.empty());
  out << "</body>\n</html>\n";
  return out.str();
}

}  // namespace fortet::program
