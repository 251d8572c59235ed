#include "nn/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <sstream>
#include <string_view>

#include "fortet/error.hpp"

namespace fortet {
namespace {

void require_widths(const char* function, const char* name, const std::vector<int>& widths) {
  for (int width : widths)
    detail::require(width >= 1 && width <= 65536, function, name, width, "expected widths in [1, 65536]");
}

std::string_view name(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return "silu";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::tanh:
      return "tanh";
    case Activation::relu:
      return "relu";
  }
  return "unknown";
}

}  // namespace

void Architecture::validate(const char* function) const {
  require_widths(function, "space_branch", space_branch);
  require_widths(function, "time_branch", time_branch);
  require_widths(function, "trunk", trunk);
  detail::require(time_features >= 2 && time_features % 2 == 0, function, "time_features", time_features,
                  "expected an even number >= 2");
}

std::string Architecture::describe() const {
  std::string text;
  const auto part = [&text](const std::string& first, const std::vector<int>& widths) {
    text += first;
    for (int width : widths) text.append(1, '-').append(std::to_string(width));
    text += ' ';
  };
  part("x", space_branch);
  part("time" + std::to_string(time_features), time_branch);
  part("trunk", trunk);
  text += name(activation);
  text += embedding == TimeEmbedding::sinusoidal ? " sinusoidal" : " fourier";
  if (residual) text += " residual";
  return text;
}

NetworkDescription parse_network(const std::string& description, const std::string& where) {
  std::istringstream words(description);
  std::string kind, word;
  NetworkDescription out;
  const auto refuse = [&] {
    throw InvalidArgument(where + ": '" + description + "' is no network that this fortet knows");
  };
  // "time16-8-8": the part's own number and its widths
  const auto part = [&](const std::string& name, int& number, std::vector<int>& widths) {
    words >> word;
    if (!word.starts_with(name)) refuse();
    std::istringstream numbers(word.substr(name.size()));
    if (numbers.peek() != '-') numbers >> number;
    widths.clear();
    for (int width; numbers.get() == '-' && numbers >> width;) widths.push_back(width);
  };
  words >> kind >> word;
  if (kind != "mlp" || !word.starts_with("d=")) refuse();
  std::istringstream(word.substr(2)) >> out.dimension;
  int unused = 0;
  part("x", unused, out.architecture.space_branch);
  part("time", out.architecture.time_features, out.architecture.time_branch);
  part("trunk", unused, out.architecture.trunk);
  words >> word;
  for (const Activation each : {Activation::silu, Activation::leaky_relu, Activation::tanh, Activation::relu})
    if (word == name(each)) out.architecture.activation = each;
  words >> word;
  out.architecture.embedding = word == "fourier" ? TimeEmbedding::fourier : TimeEmbedding::sinusoidal;
  out.architecture.residual = static_cast<bool>(words >> word) && word == "residual";
  if ("mlp d=" + std::to_string(out.dimension) + " " + out.architecture.describe() != description) refuse();
  return out;
}

namespace nn {
namespace {

std::vector<double> frequencies(TimeEmbedding embedding, int count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  for (int j = 0; j < count; ++j)
    out[static_cast<std::size_t>(j)] = embedding == TimeEmbedding::fourier
                                           ? std::numbers::pi * (j + 1)
                                           : std::pow(100.0, count > 1 ? double(j) / (count - 1) : 0.0);
  return out;
}

}  // namespace

Plan make_plan(int dimension, const Architecture& architecture) {
  Plan plan;
  plan.dimension = dimension;
  plan.architecture = architecture;
  plan.frequencies = frequencies(architecture.embedding, architecture.time_features / 2);

  const auto& space = architecture.space_branch;
  const auto& time = architecture.time_branch;
  const int joined_space = plan.joined_space = space.empty() ? dimension : space.back();
  const int joined_time = plan.joined_time = time.empty() ? architecture.time_features : time.back();
  const int joined = joined_space + joined_time;
  plan.first_time_layer = static_cast<int>(space.size());
  plan.joint = plan.first_time_layer + static_cast<int>(time.size());
  plan.rows = joined;
  const auto allocate = [&plan](int rows) {
    plan.rows += rows;
    return plan.rows - rows;
  };
  const auto add = [&plan](Layer layer) {
    layer.weight = plan.parameters;
    layer.bias = layer.weight + static_cast<std::size_t>(layer.in) * static_cast<std::size_t>(layer.out);
    plan.parameters = layer.bias + static_cast<std::size_t>(layer.out);
    plan.widest = std::max(plan.widest, layer.in);
    plan.layers.push_back(layer);
  };
  // a branch: its last layer writes straight into its rows of the joint input
  const auto add_branch = [&](int from, int in, const std::vector<int>& widths, int to, bool space_input) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool last = i + 1 == widths.size();
      Layer layer{.in = in, .out = widths[i], .from = from, .to = last ? to : allocate(widths[i])};
      layer.activated = !last;
      layer.reads_input = i == 0;
      layer.input_gradient_rows = i > 0 || space_input ? in : 0;
      add(layer);
      from = layer.to;
      in = layer.out;
    }
  };
  plan.space_row = space.empty() ? 0 : allocate(dimension);
  plan.time_row = time.empty() ? joined_space : allocate(architecture.time_features);
  add_branch(plan.space_row, dimension, space, 0, true);
  add_branch(plan.time_row, architecture.time_features, time, joined_space, false);

  int from = 0, in = joined;
  for (std::size_t i = 0; i <= architecture.trunk.size(); ++i) {
    const bool last = i == architecture.trunk.size();
    const int out = last ? dimension : architecture.trunk[i];
    Layer layer{.in = in, .out = out, .from = from, .to = allocate(out)};
    layer.activated = !last;
    layer.residual = architecture.residual && !last && in == out;
    layer.reads_input = i == 0 && space.empty() && time.empty();
    layer.input_gradient_rows = i == 0 && time.empty() ? joined_space : in;
    add(layer);
    from = layer.to;
    in = out;
  }
  plan.output_row = from;
  return plan;
}

}  // namespace nn
}  // namespace fortet
