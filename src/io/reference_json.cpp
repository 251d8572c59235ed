#include "io/reference_json.hpp"

namespace fortet::detail {
namespace {

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

LinearSde read_linear_sde(const JsonNode& node) {
  node.require_keys({"type", "drift", "offset", "noise", "horizon"});
  LinearSde out{.drift = node.at("drift").matrix(), .noise = node.at("noise").matrix()};
  if (node.has("offset")) out.offset = node.at("offset").numbers();
  out.horizon = positive_or_one(node, "horizon");
  try {
    out.validate("linear_sde");
  } catch (const InvalidArgument& error) {
    node.reject(error.what());
  }
  return out;
}

nlohmann::ordered_json to_object(const Brownian& reference) {
  nlohmann::ordered_json out = {{"type", "brownian"}};
  if (reference.epsilon() == reference.exact_epsilon)
    out["epsilon"] = reference.exact_epsilon;
  else
    out["sigma"] = reference.sigma;
  out["horizon"] = reference.horizon;
  return out;
}

nlohmann::ordered_json to_object(const OrnsteinUhlenbeck& reference) {
  nlohmann::ordered_json out = {{"type", "ornstein_uhlenbeck"}, {"rate", reference.rate}};
  if (!reference.mean.empty()) out["mean"] = reference.mean;
  out["sigma"] = reference.sigma;
  out["horizon"] = reference.horizon;
  return out;
}

nlohmann::ordered_json to_object(const LinearSde& reference) {
  nlohmann::ordered_json out = {{"type", "linear_sde"}, {"drift", matrix_to_json(reference.drift)}};
  if (!reference.offset.empty()) out["offset"] = reference.offset;
  out["noise"] = matrix_to_json(reference.noise);
  out["horizon"] = reference.horizon;
  return out;
}

}  // namespace

ReferenceDescription read_reference(const JsonNode& node) {
  const std::string type = node.at("type").string();
  if (type == "brownian") return read_brownian(node);
  if (type == "ornstein_uhlenbeck") return read_ornstein_uhlenbeck(node);
  if (type == "linear_sde") return read_linear_sde(node);
  node.at("type").reject("unknown type '" + type + "'; expected brownian, ornstein_uhlenbeck or linear_sde");
}

nlohmann::ordered_json reference_to_json(const ReferenceDescription& reference) {
  return std::visit([](const auto& kind) { return to_object(kind); }, reference);
}

}  // namespace fortet::detail
