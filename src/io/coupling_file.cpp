#include "fortet/io/coupling_file.hpp"

#include "fortet/io/atomic_file.hpp"
#include "io/reference_json.hpp"

namespace fortet {
namespace fs = std::filesystem;

CouplingDescription read_coupling_description(const fs::path& folder) {
  const fs::path path = folder / "coupling.json";
  const nlohmann::json document = detail::parse_json(read_text(path), path.string());
  const detail::JsonNode root(document, path.string());
  root.require_keys({"format", "version", "precision", "reference"});
  if (root.at("format").string() != "fortet coupling") root.at("format").reject("expected 'fortet coupling'");
  if (root.at("version").number() != 1) root.at("version").reject("expected 1");
  const std::string precision = root.at("precision").string();
  if (precision != "double" && precision != "float") root.at("precision").reject("expected double or float");
  return {precision, detail::read_reference(root.at("reference"))};
}

void write_coupling_description(const fs::path& folder, const CouplingDescription& description) {
  const nlohmann::ordered_json object = {{"format", "fortet coupling"},
                                         {"version", 1},
                                         {"precision", description.precision},
                                         {"reference", detail::reference_to_json(description.reference)}};
  write_text(folder / "coupling.json", object.dump(2) + '\n');
}

}  // namespace fortet
