#pragma once
// Neural bridges saved and loaded: networks, reference and time grid in one file (docs/files.md). Marginals
// are functions and stay with the caller.
#include "fortet/coupling/neural_bridge.hpp"
#include "fortet/io/points.hpp"
#include "fortet/io/state_file.hpp"
#include "fortet/nn/mlp.hpp"

namespace fortet {

namespace detail {

inline constexpr const char* bridge_kind = "neural bridge";

template <class Real>
std::vector<Real> real_values(const Array& array, const std::filesystem::path& path) {
  const auto* values = std::get_if<std::vector<Real>>(&array.values);
  if (!values) throw InvalidArgument(path.string() + ": holds a bridge of another precision");
  return *values;
}

}  // namespace detail

/// Saves the drifts, reference and grid of a bridge. Blocking. Throws BackendError.
template <class Real, class Memory>
void write_bridge(const std::filesystem::path& path, const NeuralBridge<Real, Memory>& bridge) {
  const IsotropicReference& r = bridge.reference();
  const auto& forward = bridge.drift(Direction::forward);
  const auto& backward = bridge.drift(Direction::backward);
  write_state(path, {detail::bridge_kind,
                     {{"forward", forward.model->describe()}, {"backward", backward.model->describe()}},
                     {{"reference", {{3}, std::vector<double>{r.rate, r.sigma, r.horizon}}},
                      {"reference.mean", {{r.mean.size()}, r.mean}},
                      {"grid", {{bridge.grid().size()}, bridge.grid()}},
                      {"forward", to_array(forward.parameters)},
                      {"backward", to_array(backward.parameters)}}});
}

/// Loads a bridge of this precision between the marginals given. Networks are built from their description in
/// the file; a bridge of models of your own needs `model`, which must describe itself as the saved one did.
/// Blocking. Throws BackendError when the file cannot be read; InvalidArgument when it is no such file,
/// damaged, or does not fit.
template <class Real, class Memory = DefaultMemory>
NeuralBridge<Real, Memory> read_bridge(const std::filesystem::path& path, Sampler<Real, Memory> source,
                                       Sampler<Real, Memory> target,
                                       std::shared_ptr<const DriftModel<Real, Memory>> model = nullptr) {
  const StateFile file = read_state(path, detail::bridge_kind);
  const auto drift = [&](const std::string& name) -> NeuralDrift<Real, Memory> {
    const std::string& described = file.fact(name, path);
    auto own = model;
    if (!own) {
      const auto [dimension, architecture] = parse_network(described, path.string());
      own = std::make_shared<Mlp<Real, Memory>>(dimension, architecture);
    }
    if (own->describe() != described)
      throw InvalidArgument(path.string() + ": holds " + described + ", expected " + own->describe());
    const auto values = detail::real_values<Real>(file.array(name, path), path);
    return {own, vector_from_host<Real, Memory>(std::span<const Real>(values))};
  };
  const Array& numbers = file.array("reference", path);
  IsotropicReference reference;
  reference.rate = numbers[0];
  reference.sigma = numbers[1];
  reference.horizon = numbers[2];
  reference.mean = detail::real_values<double>(file.array("reference.mean", path), path);
  return {std::move(source),    std::move(target),
          std::move(reference), detail::real_values<double>(file.array("grid", path), path),
          drift("forward"),     drift("backward")};
}

}  // namespace fortet
