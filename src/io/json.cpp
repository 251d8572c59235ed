#include "fortet/io/json.hpp"

#include <nlohmann/json.hpp>

#include "fortet/io/atomic_file.hpp"

namespace fortet {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json to_object(const HistoryEntry& entry) {
  return {{"iteration", entry.iteration},
          {"epsilon", entry.epsilon},
          {"marginal_error", entry.marginal_error},
          {"seconds", entry.seconds},
          {"method", entry.method}};
}

}  // namespace

std::string to_json(const Report& report) {
  Json history = Json::array();
  for (const HistoryEntry& entry : report.history) history.push_back(to_object(entry));
  const Json object = {{"solver", report.solver},
                       {"status", to_string(report.status)},
                       {"iterations", report.iterations},
                       {"seconds", report.seconds},
                       {"epsilon", report.epsilon},
                       {"n", report.n},
                       {"m", report.m},
                       {"dimension", report.dimension},
                       {"precision", report.precision},
                       {"kernel", report.kernel},
                       {"marginal_error", report.marginal_error},
                       {"transport_cost", number_or_null(report.transport_cost)},
                       {"entropic_cost", number_or_null(report.entropic_cost)},
                       {"dual_value", number_or_null(report.dual_value)},
                       {"duality_gap", number_or_null(report.duality_gap)},
                       {"history", history}};
  return object.dump(2) + '\n';
}

void write_json(const std::filesystem::path& path, const Report& report) {
  write_text(path, to_json(report));
}

}  // namespace fortet
