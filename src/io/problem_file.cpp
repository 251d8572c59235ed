#include "fortet/io/problem_file.hpp"

#include <cmath>

#include "fortet/io/atomic_file.hpp"
#include "io/key_reader.hpp"

namespace fortet {
namespace fs = std::filesystem;
using detail::JsonNode;
namespace {

std::string type_of(const JsonNode& node) { return node.at("type").string(); }

// A number (times the identity), the diagonal, or all rows.
Matrix read_covariance(const JsonNode& node, std::size_t d) {
  Matrix out(d, d);
  if (node.is_number()) {
    const double variance = node.number();
    if (variance < 0) node.reject("expected a variance >= 0");
    return isotropic(d, variance);
  }
  const std::vector<JsonNode> rows = node.elements();
  if (rows.size() != d)
    node.reject("expected " + std::to_string(d) + " rows, as long as the mean, not " +
                std::to_string(rows.size()));
  const bool only_diagonal = rows.front().is_number();
  for (std::size_t i = 0; i < d; ++i) {
    if (only_diagonal) {
      out(i, i) = rows[i].number();
    } else {
      const std::vector<double> row = rows[i].numbers();
      if (row.size() != d)
        rows[i].reject("expected " + std::to_string(d) + " numbers, not " + std::to_string(row.size()));
      for (std::size_t j = 0; j < d; ++j) out(i, j) = row[j];
    }
    if (out(i, i) < 0) rows[i].reject("expected a variance >= 0 on the diagonal");
    for (std::size_t j = 0; j < i; ++j)
      // what is left of symmetry after rounding or printing with few digits
      if (std::abs(out(i, j) - out(j, i)) > 1e-12 * std::sqrt(out(i, i) * out(j, j)))
        rows[i].reject("not symmetric: entry " + std::to_string(j) + " differs from [" + std::to_string(j) +
                       "][" + std::to_string(i) + "]");
  }
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

double positive_or_one(const JsonNode& node, const std::string& key) {
  return node.has(key) ? node.at(key).positive() : 1.0;
}

Brownian read_brownian(const JsonNode& node) {
  node.require_keys({"type", "sigma", "horizon", "epsilon"});
  if (node.has("epsilon") == node.has("sigma"))
    node.reject("expected either epsilon or sigma (epsilon = sigma^2 horizon)");
  const double horizon = positive_or_one(node, "horizon");
  if (node.has("sigma")) return {.sigma = node.at("sigma").positive(), .horizon = horizon};
  return brownian_with_epsilon(node.at("epsilon").positive(), horizon);
}

OrnsteinUhlenbeck read_ornstein_uhlenbeck(const JsonNode& node) {
  node.require_keys({"type", "rate", "mean", "sigma", "horizon"});
  OrnsteinUhlenbeck out;
  out.rate = node.at("rate").positive();
  if (node.has("mean")) out.mean = node.at("mean").numbers();
  out.sigma = node.at("sigma").positive();
  out.horizon = positive_or_one(node, "horizon");
  return out;
}

ReferenceDescription read_reference(const JsonNode& node) {
  const std::string type = type_of(node);
  if (type == "brownian") return read_brownian(node);
  if (type == "ornstein_uhlenbeck") return read_ornstein_uhlenbeck(node);
  node.at("type").reject("unknown type '" + type + "'; expected brownian or ornstein_uhlenbeck");
}

// 0 for a file, which is not opened here
int dimension_of(const MeasureDescription& measure) {
  if (const auto* gaussian = std::get_if<GaussianDescription>(&measure)) return gaussian->dimension();
  if (const auto* mixture = std::get_if<MixtureDescription>(&measure)) return mixture->dimension();
  return 0;
}

void require_equal_dimensions(const ProblemDescription& problem, const JsonNode& root) {
  const int source = dimension_of(problem.source), target = dimension_of(problem.target);
  if (source && target && source != target)
    root.at("target").reject("its dimension " + std::to_string(target) + " is not the source's " +
                             std::to_string(source));
  const int known = source ? source : target;
  const auto* process = std::get_if<OrnsteinUhlenbeck>(&problem.reference);
  if (process && known && !process->mean.empty() && static_cast<int>(process->mean.size()) != known)
    root.at("reference")
        .at("mean")
        .reject("expected as many coordinates as the measures have, " + std::to_string(known));
}

}  // namespace

ProblemDescription parse_problem(std::string_view text, const std::string& name, const fs::path& folder) {
  if (text.empty()) throw InvalidArgument(name + ": the file is empty");
  const nlohmann::json document = detail::parse_json(text, name);
  const JsonNode root(document, name);
  root.require_keys({"source", "target", "reference"});
  const ProblemDescription problem{read_measure(root.at("source"), folder),
                                   read_measure(root.at("target"), folder),
                                   read_reference(root.at("reference"))};
  require_equal_dimensions(problem, root);
  return problem;
}

ProblemDescription read_problem(const fs::path& path) {
  return parse_problem(read_text(path), path.string(), path.parent_path());
}

}  // namespace fortet
