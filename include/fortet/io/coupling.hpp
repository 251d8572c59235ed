#pragma once
// Couplings saved and loaded: a folder with the points, weights and potentials as .npy files and the
// reference in coupling.json (docs/files.md).
#include <algorithm>
#include <cmath>

#include "fortet/coupling/discrete_coupling.hpp"
#include "fortet/io/coupling_file.hpp"
#include "fortet/io/points.hpp"

namespace fortet {

namespace detail {

template <class Real>
constexpr const char* precision_name() {
  return sizeof(Real) == 8 ? "double" : "float";
}

/// <side>_points.npy and, unless they are uniform with mass one, <side>_weights.npy.
template <class Real, class Memory>
void write_cloud(const std::filesystem::path& folder, const std::string& side,
                 const PointCloud<Real, Memory>& cloud) {
  write_npy(folder / (side + "_points.npy"), cloud.points());
  const auto weights_file = folder / (side + "_weights.npy");
  std::error_code not_there;
  std::filesystem::remove(weights_file, not_there);
  std::vector<double> weights = to_host(cloud.log_weights());
  const auto uniform = static_cast<double>(static_cast<Real>(-std::log(static_cast<double>(cloud.size()))));
  if (cloud.mass() == 1.0 &&
      std::all_of(weights.begin(), weights.end(), [&](double w) { return w == uniform; }))
    return;
  for (double& weight : weights) weight = cloud.mass() * std::exp(weight);
  const std::size_t n = weights.size();
  write_npy(weights_file, Array{{n}, std::move(weights)});
}

template <class Real, class Memory>
PointCloud<Real, Memory> read_cloud(const std::filesystem::path& folder, const std::string& side) {
  const auto weights = folder / (side + "_weights.npy");
  return read_point_cloud<Real, Memory>(folder / (side + "_points.npy"), std::filesystem::exists(weights)
                                                                             ? std::optional(weights)
                                                                             : std::nullopt);
}

template <class Memory>
Vector<double, Memory> read_potential(const std::filesystem::path& folder, const std::string& side) {
  const auto path = folder / (side + "_potential.npy");
  require_finite<double>(read_npy(path), path);
  return read_vector<double, Memory>(path);
}

}  // namespace detail

/// Saves a coupling in `folder`, which is created. coupling.json is written last: where it is, the rest is
/// complete. Weights lose at most their last digits. Blocking. Throws BackendError.
template <class Real, class Exec, class Ref>
requires(ReferenceProcess<Ref>&& std::constructible_from<ReferenceDescription, Ref>) void write_coupling(
    const std::filesystem::path& folder, const DiscreteCoupling<Real, Exec, Ref>& coupling) {
  create_folder(folder);
  std::error_code not_there;
  std::filesystem::remove(folder / "coupling.json", not_there);
  detail::write_cloud(folder, "source", coupling.source());
  detail::write_cloud(folder, "target", coupling.target());
  write_npy(folder / "source_potential.npy", coupling.source_potential());
  write_npy(folder / "target_potential.npy", coupling.target_potential());
  write_coupling_description(folder, {detail::precision_name<Real>(), coupling.reference()});
}

/// Loads a coupling saved with this precision and this type of reference. Blocking. Throws BackendError when
/// a file is missing, InvalidArgument when one is malformed, does not fit the others, or is of another type.
template <class Real, class Ref, class Exec>
DiscreteCoupling<Real, Exec, Ref> read_coupling(const Exec& exec, const std::filesystem::path& folder) {
  using Memory = typename Exec::memory_space;
  const CouplingDescription description = read_coupling_description(folder);
  const Ref* reference = std::get_if<Ref>(&description.reference);
  detail::require(reference != nullptr, "fortet::read_coupling", "folder", folder.string(),
                  "its coupling has another reference");
  detail::require(description.precision == detail::precision_name<Real>(), "fortet::read_coupling", "folder",
                  folder.string(), "its coupling has precision " + description.precision);
  return {exec,
          detail::read_cloud<Real, Memory>(folder, "source"),
          detail::read_cloud<Real, Memory>(folder, "target"),
          *reference,
          detail::read_potential<Memory>(folder, "source"),
          detail::read_potential<Memory>(folder, "target")};
}

/// Calls `use` with the coupling saved in `folder`, of whatever precision and reference. Throws as
/// read_coupling().
template <class Exec, class Use>
auto visit_coupling(const Exec& exec, const std::filesystem::path& folder, Use use) {
  const CouplingDescription description = read_coupling_description(folder);
  return std::visit(
      [&]<class Ref>(const Ref&) {
        // a Ref without a static cost is refused by read_coupling whatever type it is asked for
        using Kind = std::conditional_t<ReferenceProcess<Ref>, Ref, Brownian>;
        if (description.precision == "float") return use(read_coupling<float, Kind>(exec, folder));
        return use(read_coupling<double, Kind>(exec, folder));
      },
      description.reference);
}

}  // namespace fortet
