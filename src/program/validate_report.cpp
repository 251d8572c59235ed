#include "program/validate_report.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortet/error.hpp"
#include "fortet/io/atomic_file.hpp"
#include "program/html.hpp"
#include "program/plots.hpp"

namespace fortet::program {
namespace {

using Json = nlohmann::ordered_json;
using Status = CaseResult::Status;
constexpr int schema = 1;  // of report.json

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(); }

Json json(const validation::Score& s) {
  return {{"metric", s.metric},
          {"value", number(s.value)},
          {"standard_error", number(s.standard_error)},
          {"sampling_floor", number(s.sampling_floor)},
          {"discretisation_floor", number(s.discretisation_floor)},
          {"oracle", number(s.oracle)},
          {"threshold", s.threshold},
          {"reason", s.reason},
          {"passed", s.passed}};
}

Json json(const validation::Curve& c) {
  Json series = Json::array();
  for (const auto& s : c.series) series.push_back({{"label", s.label}, {"x", s.x}, {"y", s.y}});
  return {{"title", c.title}, {"caption", c.caption}, {"x_label", c.x_label}, {"y_label", c.y_label},
          {"log_x", c.log_x}, {"log_y", c.log_y},     {"series", series}};
}

Json json(const CaseResult& c) {
  Json out{{"name", c.name},
           {"family", c.family},
           {"what", c.what},
           {"status", to_string(c.status)},
           {"reason", c.reason},
           {"seconds", c.seconds},
           {"peak_memory_mib", c.peak_memory_mib}};
  out["scores"] = Json::array();
  for (const auto& s : c.scores) out["scores"].push_back(json(s));
  out["curves"] = Json::array();
  for (const auto& s : c.curves) out["curves"].push_back(json(s));
  return out;
}

std::string why(const CaseResult& c) {
  if (!c.reason.empty()) return c.reason;
  std::ostringstream out;
  for (const auto& s : c.scores)
    if (!s.passed) out << s.metric << " = " << s.value << " > " << s.threshold << " (" << s.reason << "); ";
  return out.str();
}

std::string quoted(const std::string& text) {
  std::string out = escaped(text);
  for (std::size_t k; (k = out.find('"')) != std::string::npos;) out.replace(k, 1, "&quot;");
  return out;
}

/// A suite for each family, in order of first appearance.
std::vector<std::string> families(const ValidationResult& result) {
  std::vector<std::string> names;
  for (const CaseResult& c : result.cases)
    if (std::find(names.begin(), names.end(), c.family) == names.end()) names.push_back(c.family);
  return names;
}

std::string junit(const ValidationResult& result) {
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fortet validate\" tests=\""
      << result.cases.size() << "\" failures=\"" << result.count(Status::failed) << "\" errors=\""
      << result.count(Status::crashed) << "\" time=\"" << result.seconds << "\">\n";
  for (const std::string& family : families(result)) {
    out << "  <testsuite name=\"" << quoted(family) << "\">\n";
    for (const CaseResult& c : result.cases) {
      if (c.family != family) continue;
      out << "    <testcase classname=\"" << quoted(family) << "\" name=\"" << quoted(c.name) << "\" time=\""
          << c.seconds << '"';
      const char* element = c.status == Status::failed    ? "failure"
                            : c.status == Status::crashed ? "error"
                            : c.status == Status::passed  ? nullptr
                                                          : "skipped";
      if (element)
        out << ">\n      <" << element << " message=\"" << quoted(why(c)) << "\"/>\n    </testcase>\n";
      else
        out << "/>\n";
    }
    out << "  </testsuite>\n";
  }
  out << "</testsuites>\n";
  return out.str();
}

std::string cell(const std::optional<double>& value) {
  return "<td>" + (value ? figure(*value) : std::string("&ndash;")) + "</td>";
}

const char* css_class(Status status) {
  return status == Status::passed                                ? "good"
         : status == Status::failed || status == Status::crashed ? "bad"
                                                                 : "soft";
}

/// A row for each case, with the score that decides it.
void summary_table(std::ostream& out, const ValidationResult& result, const std::string& family) {
  out << "<div class=scroll><table><tr><th class=text>case</th><th class=text>status</th>"
         "<th class=text>tightest score</th><th>error</th><th>threshold</th><th>seconds</th></tr>\n";
  for (const CaseResult& c : result.cases) {
    if (c.family != family) continue;
    out << "<tr><td class=text title=\"" << quoted(c.what) << "\">"
        << escaped(c.name.substr(family.size() + 1)) << "</td><td class=\"text " << css_class(c.status)
        << "\">" << to_string(c.status) << "</td>";
    if (const validation::Score* s = tightest(c); s && c.reason.empty())
      out << "<td class=text>" << escaped(s->metric) << "</td><td>" << figure(s->value) << "</td><td>"
          << figure(s->threshold) << "</td><td>" << figure(c.seconds) << "</td></tr>\n";
    else
      out << "<td class=text colspan=4>" << escaped(c.reason) << "</td></tr>\n";
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

void reasons(std::ostream& out, const ValidationResult& result, const std::string& family) {
  std::vector<std::string> said;
  out << "<details><summary>Reasons for the thresholds</summary><ul>\n";
  for (const CaseResult& c : result.cases)
    for (const auto& s : c.scores)
      if (c.family == family && std::find(said.begin(), said.end(), s.reason) == said.end()) {
        said.push_back(s.reason);
        out << "<li>" << figure(s.threshold) << ": " << escaped(s.reason) << "</li>\n";
      }
  out << "</ul></details>\n";
}

void family_section(std::ostream& out, const ValidationResult& result, const std::string& family,
                    const std::filesystem::path& folder, bool with_plots) {
  out << "<h2>" << escaped(family) << "</h2>\n";
  summary_table(out, result, family);
  scores_table(out, result, family);
  reasons(out, result, family);
  if (!with_plots) return;
  for (const auto& plot : nlohmann::json::parse(read_text(folder / "plots.json")))
    if (plot.at("family") == family)
      out << html_figure(plot.at("title"), folder / plot.at("file").get<std::string>(), plot.at("caption"));
}

std::string page(const ValidationResult& result, const std::filesystem::path& folder,
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
      << ", " << result.threads << " threads, " << figure(result.seconds)
      << " s. The same figures are in <code>report.json</code>.</p>\n"
         "<p>Every case solves a problem whose answer is known and scores its error; a case passes when each "
         "error is at most its threshold. Thresholds have reasons, listed under each table. A <em>sampling "
         "floor</em> is what as many fresh draws of the truth would score, a <em>discretisation floor</em> "
         "what the exact drift would on the same steps.</p>\n";
  if (!no_plots.empty()) out << "<p>There are no plots: " << escaped(no_plots) << ".</p>\n";
  for (const CaseResult& c : result.cases)
    if (c.status == Status::failed || c.status == Status::crashed)
      out << "<p class=bad>" << escaped(c.name) << ": " << escaped(why(c)) << "</p>\n";
  if (!changed.empty()) {
    out << "<h2>Changes</h2>\n<ul>\n";
    for (const std::string& line : changed) out << "<li>" << escaped(line) << "</li>\n";
    out << "</ul>\n";
  }
  for (const std::string& family : families(result))
    family_section(out, result, family, folder, no_plots.empty());
  out << "</body>\n</html>\n";
  return out.str();
}

}  // namespace

std::string to_string(CaseResult::Status status) {
  switch (status) {
    case Status::passed:
      return "passed";
    case Status::failed:
      return "failed";
    case Status::skipped:
      return "skipped";
    case Status::crashed:
      return "crashed";
    case Status::not_run:
      return "not run";
  }
  return "unknown";
}

const validation::Score* tightest(const CaseResult& result) {
  const validation::Score* worst = nullptr;
  for (const auto& s : result.scores)
    if (!worst || !(s.value / s.threshold <= worst->value / worst->threshold)) worst = &s;
  return worst;
}

std::size_t ValidationResult::count(CaseResult::Status status) const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [&](const CaseResult& c) { return c.status == status; }));
}

bool ValidationResult::passed() const {
  return count(Status::failed) + count(Status::crashed) + count(Status::not_run) == 0;
}

std::string to_json(const ValidationResult& result) {
  Json out{{"program", "fortet validate"}, {"schema", schema},          {"version", FORTET_VERSION},
           {"suite", result.suite},        {"filter", result.filter},   {"precision", result.precision},
           {"seed", result.seed},          {"backend", result.backend}, {"threads", result.threads},
           {"seconds", result.seconds},    {"passed", result.passed()}};
  out["cases"] = Json::array();
  for (const CaseResult& c : result.cases) out["cases"].push_back(json(c));
  return out.dump(2) + "\n";
}

std::vector<std::string> changes(const ValidationResult& result, const std::filesystem::path& earlier) {
  Json old;
  try {
    old = Json::parse(read_text(earlier));
    if (old.at("program") != "fortet validate" || old.at("schema") != schema)
      throw InvalidArgument("another program or schema");
  } catch (const std::exception& error) {
    throw InvalidArgument(earlier.string() + ": no report of fortet validate (" + error.what() + ")");
  }
  std::map<std::string, Json> before;
  for (const Json& c : old.at("cases")) before[c.at("name")] = c;
  std::vector<std::string> worse, better, other;
  for (const CaseResult& c : result.cases) {
    const auto match = before.find(c.name);
    if (match == before.end()) {
      other.push_back(c.name + ": new");
      continue;
    }
    if (match->second.at("status") != to_string(c.status))
      (c.status == Status::passed ? better : worse)
          .push_back(c.name + ": " + match->second.at("status").get<std::string>() + " before, now " +
                     to_string(c.status));
    for (const auto& s : c.scores)
      for (const Json& b : match->second.at("scores"))
        if (b.at("metric") == s.metric && b.at("value").is_number()) {
          const double was = b.at("value");
          std::ostringstream line;
          line << c.name << ": " << s.metric << ' ' << was << " before, now " << s.value;
          // factors of two in what is far below its threshold are rounding
          if (s.value > 2 * was && s.value > 0.1 * s.threshold) worse.push_back(line.str());
          if (was > 2 * s.value && was > 0.1 * s.threshold) better.push_back(line.str());
        }
  }
  worse.insert(worse.end(), better.begin(), better.end());
  worse.insert(worse.end(), other.begin(), other.end());
  return worse;
}

std::filesystem::path write_report(const std::filesystem::path& folder, const ValidationResult& result,
                                   const std::vector<std::string>& changed) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw BackendError(folder.string() + ": " + error.message());
  write_text(folder / "report.json", to_json(result));
  write_text(folder / "junit.xml", junit(result));
  const std::string no_plots = draw_plots("validate.py", folder);
  const auto file = folder / "index.html";
  write_text(file, page(result, folder, no_plots, changed));
  return file;
}

}  // namespace fortet::program
