// report.json of `fortet validate`: written, and compared with an earlier one.
#include <cmath>
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
  out["cells"] = Json::array();
  for (const auto& s : c.cells)
    out["cells"].push_back({{"table", s.table},
                            {"row", s.row},
                            {"column", s.column},
                            {"value", number(s.value)},
                            {"published", s.published}});
  return out;
}

}  // namespace

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
