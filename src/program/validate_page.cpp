#include "program/validate_page.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortet/io/atomic_file.hpp"
#include "program/html.hpp"

namespace fortet::program {
namespace {

using Status = CaseResult::Status;

std::string cell(const std::optional<double>& value) {
  return "<td>" + (value ? figure(*value) : std::string("&ndash;")) + "</td>";
}

const char* css_class(Status status) {
  return status == Status::passed                                ? "good"
         : status == Status::failed || status == Status::crashed ? "bad"
                                                                 : "soft";
}

std::string decimals(double value, int count) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(count) << value;
  return out.str();
}
std::string duration(double seconds) {
  const long whole = std::lround(seconds);
  return whole < 100 ? decimals(seconds, 1) + " s"
                     : std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

/// A row for each family, with a link to it.
void families_table(std::ostream& out, const ValidationResult& result) {
  out << "<table><tr><th class=text>family</th><th>cases</th><th>passed</th><th>time</th></tr>\n";
  for (const std::string& family : result.families()) {
    int cases = 0, passed = 0, skipped = 0;
    double seconds = 0;
    for (const CaseResult& c : result.cases) {
      if (c.family != family) continue;
      ++cases;
      passed += c.status == Status::passed;
      skipped += c.status == Status::skipped;
      seconds += c.seconds;
    }
    out << "<tr><td class=text><a href=\"#" << quoted(family) << "\">" << escaped(family) << "</a></td><td>"
        << cases << "</td><td class=" << (passed + skipped == cases ? "good" : "bad") << '>' << passed
        << "</td><td>" << duration(seconds) << "</td></tr>\n";
  }
  out << "</table>\n";
}

/// A row for each case, with the score that decides it.
void summary_table(std::ostream& out, const ValidationResult& result, const std::string& family) {
  out << "<div class=scroll><table><tr><th class=text>case</th><th class=text>status</th>"
         "<th class=text>tightest "
         "score</th><th>error</th><th>threshold</th><th>seconds</th><th>MiB</th></tr>\n";
  for (const CaseResult& c : result.cases) {
    if (c.family != family) continue;
    out << "<tr><td class=text title=\"" << quoted(c.what) << "\">"
        << escaped(c.name.substr(family.size() + 1)) << "</td><td class=\"text " << css_class(c.status)
        << "\">" << to_string(c.status) << "</td>";
    if (const validation::Score* s = tightest(c); s && c.reason.empty())
      out << "<td class=text>" << escaped(s->metric) << "</td><td>" << figure(s->value) << "</td><td>"
          << figure(s->threshold) << "</td>";
    else
      out << "<td class=text colspan=3>" << escaped(c.reason.empty() ? "nothing judged" : c.reason)
          << "</td>";
    out << "<td>" << decimals(c.seconds, 2) << "</td><td>" << std::llround(c.peak_memory_mib)
        << "</td></tr>\n";
  }
  out << "</table></div>\n";
}

void scores_table(std::ostream& out, const ValidationResult& result, const std::string& family) {
  out << "<details><summary>Every score</summary><div class=scroll><table><tr><th class=text>case</th>"
         "<th class=text>metric</th><th>error</th><th>threshold</th><th>std. error</th>"
         "<th>sampling floor</th><th>discretisation floor</th><th>truth</th></tr>\n";
  for (const CaseResult& c : result.cases) {
    if (c.family != family) continue;
    for (const auto& s : c.scores)
      out << "<tr><td class=text>" << escaped(c.name.substr(family.size() + 1)) << "</td><td class=text>"
          << escaped(s.metric) << "</td><td class=" << (s.passed ? "good" : "bad") << '>' << figure(s.value)
          << "</td><td>" << figure(s.threshold) << "</td>" << cell(s.standard_error) << cell(s.sampling_floor)
          << cell(s.discretisation_floor) << cell(s.oracle) << "</tr>\n";
  }
  out << "</table></div></details>\n";
}

/// The tables to which the cases of a family contribute: rows and columns in order of first appearance, the
/// published ones last.
void shared_tables(std::ostream& out, const ValidationResult& result, const std::string& family) {
  struct Table {
    std::vector<std::string> rows[2], columns;  // ours, published
    std::map<std::pair<std::string, std::string>, double> values;
  };
  std::vector<std::pair<std::string, Table>> tables;
  const auto add = [](std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const CaseResult& c : result.cases)
    for (const auto& cell : c.cells) {
      if (c.family != family) continue;
      auto at =
          std::find_if(tables.begin(), tables.end(), [&](const auto& t) { return t.first == cell.table; });
      if (at == tables.end()) at = tables.insert(tables.end(), {cell.table, Table{}});
      add(at->second.rows[cell.published], cell.row);
      add(at->second.columns, cell.column);
      at->second.values[{cell.row, cell.column}] = cell.value;
    }
  for (const auto& [title, table] : tables) {
    out << "<h3>" << escaped(title) << "</h3>\n<div class=scroll><table><tr><th class=text></th>";
    for (const auto& column : table.columns) out << "<th>" << escaped(column) << "</th>";
    out << "</tr>\n";
    for (const bool published : {false, true})
      for (const auto& row : table.rows[published]) {
        out << "<tr" << (published ? " class=soft" : "") << "><td class=text>" << escaped(row)
            << (published ? " (published)" : "") << "</td>";
        for (const auto& column : table.columns) {
          const auto value = table.values.find({row, column});
          out << "<td>" << (value == table.values.end() ? "&ndash;" : figure(value->second)) << "</td>";
        }
        out << "</tr>\n";
      }
    out << "</table></div>\n";
    if (!table.rows[true].empty())
      out << "<p class=soft>Published rows are figures of others, on problems with parameters of their own: "
             "they say what size is usual.</p>\n";
  }
}

void reasons(std::ostream& out, const ValidationResult& result, const std::string& family) {
  std::vector<std::string> said;
  out << "<details><summary>Reasons for the thresholds</summary><ul>\n";
  for (const CaseResult& c : result.cases)
    for (const auto& s : c.scores)
      if (c.family == family && std::find(said.begin(), said.end(), s.reason) == said.end()) {
        said.push_back(s.reason);
        out << "<li>" << (std::isfinite(s.threshold) ? figure(s.threshold) : "not judged") << ": "
            << escaped(s.reason) << "</li>\n";
      }
  out << "</ul></details>\n";
}

void family_section(std::ostream& out, const ValidationResult& result, const std::string& family,
                    const std::filesystem::path& folder, bool with_plots) {
  out << "<h2 id=\"" << quoted(family) << "\">" << escaped(family) << "</h2>\n";
  summary_table(out, result, family);
  shared_tables(out, result, family);
  scores_table(out, result, family);
  reasons(out, result, family);
  if (!with_plots) return;
  for (const auto& plot : nlohmann::json::parse(read_text(folder / "plots.json")))
    if (plot.at("family") == family)
      out << html_figure(plot.at("title"), folder / plot.at("file").get<std::string>(), plot.at("caption"));
}

}  // namespace

std::string validation_page(const ValidationResult& result, const std::filesystem::path& folder,
                            const std::string& no_plots, const std::vector<std::string>& changed) {
  std::ostringstream out;
  out << html_head("Fortet: validation")
      << "<h1>Validation</h1>\n<p><strong class=" << (result.passed() ? "good>Passed." : "bad>Not passed.")
      << "</strong> ";
  const char* separator = "";
  for (const Status status :
       {Status::passed, Status::failed, Status::crashed, Status::skipped, Status::not_run}) {
    if (!result.count(status)) continue;
    out << separator << result.count(status) << ' ' << to_string(status);
    separator = ", ";
  }
  out << ".</p>\n<p class=soft>Suite " << escaped(result.suite) << ", precision " << escaped(result.precision)
      << ", seed " << result.seed << ", Fortet " << FORTET_VERSION << " on " << escaped(result.backend)
      << ", " << result.threads << " threads, " << duration(result.seconds)
      << ". The same figures are in <code>report.json</code>.</p>\n"
         "<p>Every case solves a problem whose answer is known and scores its error; a case passes when each "
         "error is at most its threshold. Thresholds have reasons, listed under each table. A <em>sampling "
         "floor</em> is what as many fresh draws of the truth would score, a <em>discretisation floor</em> "
         "what the exact drift would on the same steps.</p>\n";
  if (!no_plots.empty()) out << "<p>There are no plots: " << escaped(no_plots) << ".</p>\n";
  for (const CaseResult& c : result.cases)
    if (c.status == Status::failed || c.status == Status::crashed)
      out << "<p class=bad>" << escaped(c.name) << ": " << escaped(why(c)) << "</p>\n";
  families_table(out, result);
  if (!changed.empty()) {
    out << "<h2>Changes</h2>\n<ul>\n";
    for (const std::string& line : changed) out << "<li>" << escaped(line) << "</li>\n";
    out << "</ul>\n";
  }
  for (const std::string& family : result.families())
    family_section(out, result, family, folder, no_plots.empty());
  out << "</body>\n</html>\n";
  return out.str();
}

}  // namespace fortet::program
