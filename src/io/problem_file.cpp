#include "fortet/io/problem_file.hpp"

#include <cmath>

#include "fortet/io/atomic_file.hpp"
#include "io/reference_json.hpp"

namespace fortet {
namespace fs = std::filesystem;
using detail::JsonNode;
namespace {

std::string type_of(const JsonNode& node) { return node.at("type").string(); }

void require_covariance(const JsonNode& node, const Matrix& matrix) {
  const std::vector<JsonNode> rows = node.elements();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (matrix(i, i) < 0) rows[i].reject("expected a variance >= 0 on the diagonal");
    for (std::size_t j = 0; j < i; ++j)
      // what is left of symmetry after rounding or printing with few digits
      if (std::abs(matrix(i, j) - matrix(j, i)) > 1e-12 * std::sqrt(matrix(i, i) * matrix(j, j)))
        rows[i].reject("not symmetric: entry " + std::to_string(j) + " differs from [" + std::to_string(j) +
                       "][" + std::to_string(i) + "]");
  }
}

// A number (times the identity), the diagonal, or all rows.
Matrix read_covariance(const JsonNode& node, std::size_t d) {
  if (node.is_number()) {
    const double variance = node.number();
    if (variance < 0) node.reject("expected a variance >= 0");
    return isotropic(d, variance);
  }
  const std::vector<JsonNode> rows = node.elements();
  if (rows.size() != d)
    node.reject("expected " + std::to_string(d) + " rows, as long as the mean, not " +
                std::to_string(rows.size()));
  const Matrix out = rows.front().is_number() ? diagonal(node.numbers()) : node.matrix();
  if (out.cols() != d)
    rows.front().reject("expected " + std::to_string(d) + " numbers, not " + std::to_string(out.cols()));
  require_covariance(node, out);
  return out;
}

GaussianDescription read_gaussian(const JsonNode& node) {
  GaussianDescription out;
  out.mean = node.at("mean").numbers();
  if (out.mean.empty()) node.at("mean").reject("expected at least one coordinate");
  out.covariance = read_covariance(node.at("covariance"), out.mean.size());
  return out;
}

MixtureDescription read_mixture(const JsonNode& node) {
  MixtureDescription out;
  double total = 0;
  for (const JsonNode& component : node.at("components").elements()) {
    component.require_keys({"weight", "mean", "covariance"});
    out.weights.push_back(component.at("weight").number());
    if (out.weights.back() < 0) component.at("weight").reject("expected a weight >= 0");
    total += out.weights.back();
    out.components.push_back(read_gaussian(component));
    if (out.components.back().dimension() != out.components.front().dimension())
      component.at("mean").reject("expected as many coordinates as the first component has");
  }
  if (out.components.empty()) node.at("components").reject("expected at least one component");
  if (!(total > 0) || !std::isfinite(total)) node.at("components").reject("all weights are zero");
  return out;
}

FileDescription read_file(const JsonNode& node, const fs::path& folder) {
  FileDescription out{folder / node.at("points").string(), {}};
  if (node.has("weights")) out.weights = folder / node.at("weights").string();
  return out;
}

MeasureDescription read_measure(const JsonNode& node, const fs::path& folder) {
  const std::string type = type_of(node);
  if (type == "gaussian") {
    node.require_keys({"type", "mean", "covariance"});
    return read_gaussian(node);
  }
  if (type == "mixture") {
    node.require_keys({"type", "components"});
    return read_mixture(node);
  }
  if (type == "file") {
    node.require_keys({"type", "points", "weights"});
    return read_file(node, folder);
  }
  node.at("type").reject("unknown type '" + type + "'; expected gaussian, mixture or file");
}

// 0 for a file, which is not opened here
int dimension_of(const MeasureDescription& measure) {
  if (const auto* gaussian = std::get_if<GaussianDescription>(&measure)) return gaussian->dimension();
  if (const auto* mixture = std::get_if<MixtureDescription>(&measure)) return mixture->dimension();
  return 0;
}

// 0 for a reference that fits any
int dimension_of(const ReferenceDescription& reference) {
  if (const auto* process = std::get_if<OrnsteinUhlenbeck>(&reference))
    return static_cast<int>(process->mean.size());
  if (const auto* process = std::get_if<LinearSde>(&reference)) return process->dimension();
  return 0;
}

void require_equal_dimensions(const ProblemDescription& problem, const JsonNode& root) {
  const auto require = [&](const char* key, int dimension, int expected) {
    if (dimension && expected && dimension != expected)
      root.at(key).reject("its dimension " + std::to_string(dimension) + " is not the source's " +
                          std::to_string(expected));
  };
  const int source = dimension_of(problem.source), target = dimension_of(problem.target);
  require("target", target, source);
  require("reference", dimension_of(problem.reference), source ? source : target);
}

}  // namespace

ProblemDescription parse_problem(std::string_view text, const std::string& name, const fs::path& folder) {
  if (text.empty()) throw InvalidArgument(name + ": the file is empty");
  const nlohmann::json document = detail::parse_json(text, name);
  const JsonNode root(document, name);
  root.require_keys({"source", "target", "reference"});
  const ProblemDescription problem{read_measure(root.at("source"), folder),
                                   read_measure(root.at("target"), folder),
                                   detail::read_reference(root.at("reference"))};
  require_equal_dimensions(problem, root);
  return problem;
}

ProblemDescription read_problem(const fs::path& path) {
  return parse_problem(read_text(path), path.string(), path.parent_path());
}

}  // namespace fortet
