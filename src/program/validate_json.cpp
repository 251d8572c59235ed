// report.json of `fortet validate`: written, and compared with an earlier one.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fortet/error.hpp"
#include "fortet/io/atomic_file.hpp"
#include "program/validate_report.hpp"

namespace fortet::program {
namespace {

using Status = CaseResult::Status;
using Json = nlohmann::ordered_json;
constexpr int schema = 1;  // of report.json

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(); }
double number_or(const Json& value, double otherwise) {
  return value.is_null() ? otherwise : value.get<double>();
}
std::optional<double> optional_number(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}
constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();

Json json(const validation::Score& s) {
  return {{"metric", s.metric},
          {"value", number(s.value)},
          {"standard_error", number(s.standard_error)},
          {"sampling_floor", number(s.sampling_floor)},
          {"discretisation_floor", number(s.discretisation_floor)},
          {"oracle", number(s.oracle)},
          {"threshold", number(s.threshold)},
          {"reason", s.reason},
          {"passed", s.passed}};
}

constexpr const char* styles[] = {"measured", "points", "truth", "path"};  // in the order of Curve::Style

Json json(const validation::Curve& c) {
  Json series = Json::array();
  for (const auto& s : c.series)
    series.push_back(
        {{"label", s.label}, {"style", styles[static_cast<std::size_t>(s.style)]}, {"x", s.x}, {"y", s.y}});
  return {{"title", c.title}, {"caption", c.caption}, {"x_label", c.x_label}, {"y_label", c.y_label},
          {"log_x", c.log_x}, {"log_y", c.log_y},     {"series", series}};
}

validation::Score score(const Json& s) {
  return {.metric = s.at("metric"),
          .value = number_or(s.at("value"), nan),
          .standard_error = optional_number(s.at("standard_error")),
          .sampling_floor = optional_number(s.at("sampling_floor")),
          .discretisation_floor = optional_number(s.at("discretisation_floor")),
          .oracle = optional_number(s.at("oracle")),
          .threshold = number_or(s.at("threshold"), infinity),
          .reason = s.at("reason"),
          .passed = s.at("passed")};
}

validation::Curve curve(const Json& c) {
  validation::Curve out{.title = c.at("title"),
                        .x_label = c.at("x_label"),
                        .y_label = c.at("y_label"),
                        .caption = c.at("caption"),
                        .log_x = c.at("log_x"),
                        .log_y = c.at("log_y")};
  for (const Json& s : c.at("series")) {
    const auto style = std::find(std::begin(styles), std::end(styles), s.at("style").get<std::string>());
    out.series.push_back({s.at("label"), {}, {}, static_cast<validation::Curve::Style>(style - styles)});
    for (const Json& x : s.at("x")) out.series.back().x.push_back(number_or(x, nan));
    for (const Json& y : s.at("y")) out.series.back().y.push_back(number_or(y, nan));
  }
  return out;
}

validation::Cell cell(const Json& c) {
  return {c.at("table"), c.at("row"), c.at("column"), number_or(c.at("value"), nan), c.at("published")};
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
  out["cells"] = Json::array();
  for (const auto& s : c.cells)
    out["cells"].push_back({{"table", s.table},
                            {"row", s.row},
                            {"column", s.column},
                            {"value", number(s.value)},
                            {"published", s.published}});
  return out;
}

Status status(const std::string& name) {
  for (const Status s : {Status::passed, Status::failed, Status::skipped, Status::crashed})
    if (to_string(s) == name) return s;
  return Status::not_run;
}

}  // namespace

std::string to_json(const CaseResult& result) { return json(result).dump(); }

CaseResult case_from_json(const std::string& text) {
  const Json c = Json::parse(text);
  CaseResult out{.name = c.at("name"),
                 .family = c.at("family"),
                 .what = c.at("what"),
                 .status = status(c.at("status")),
                 .reason = c.at("reason"),
                 .seconds = c.at("seconds"),
                 .peak_memory_mib = c.at("peak_memory_mib")};
  for (const Json& s : c.at("scores")) out.scores.push_back(score(s));
  for (const Json& s : c.at("curves")) out.curves.push_back(curve(s));
  for (const Json& s : c.at("cells")) out.cells.push_back(cell(s));
  return out;
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

}  // namespace fortet::program
