#pragma once
// Problems described in JSON (docs/files.md): what the program reads. No Kokkos here: the description is host
// data from which the program builds measures.
#include <filesystem>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "fortet/matrix.hpp"
#include "fortet/reference/brownian.hpp"
#include "fortet/reference/linear_sde.hpp"
#include "fortet/reference/ornstein_uhlenbeck.hpp"

namespace fortet {

struct GaussianDescription {
  std::vector<double> mean;
  Matrix covariance;  ///< d x d, symmetric

  int dimension() const { return static_cast<int>(mean.size()); }
};

struct MixtureDescription {
  std::vector<double> weights;  ///< as given, not normalised
  std::vector<GaussianDescription> components;

  int dimension() const { return components.front().dimension(); }
};

/// Points in a file and, optionally, their weights in another.
struct FileDescription {
  std::filesystem::path points;
  std::optional<std::filesystem::path> weights;
};

using MeasureDescription = std::variant<GaussianDescription, MixtureDescription, FileDescription>;
using ReferenceDescription = std::variant<Brownian, OrnsteinUhlenbeck, LinearSde>;

struct ProblemDescription {
  MeasureDescription source, target;
  ReferenceDescription reference;
};

/// Reads a problem file; names of files in it are relative to its folder. Everything that can be checked
/// without opening those files is checked: finite numbers, equal dimensions, symmetric covariances with
/// positive diagonal entries or zeros, weights, sigma, horizon, rate. Throws BackendError when the file
/// cannot be read, and InvalidArgument naming the line (no JSON), or the key (`source.covariance[1]`) and
/// what is allowed there; unknown, missing and repeated keys are errors.
ProblemDescription read_problem(const std::filesystem::path& path);

/// The same from text; `name` stands for the file in messages, `folder` is what file names are relative to.
ProblemDescription parse_problem(std::string_view text, const std::string& name,
                                 const std::filesystem::path& folder = {});

}  // namespace fortet
