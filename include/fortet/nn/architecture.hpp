#pragma once
// What a drift network looks like, as plain values: no Kokkos here, so program, checkpoints and packed tiles
// share it.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace fortet {

enum class Activation { silu, leaky_relu, tanh, relu };

/// How time enters, tau = t / horizon in [0, 1]; every frequency gives a sine and a cosine. `sinusoidal`:
/// frequencies spaced geometrically from 1 to 100; `fourier`: the harmonics pi, 2 pi, 3 pi, ...
enum class TimeEmbedding { sinusoidal, fourier };

/// A multilayer perceptron b(tau, x): R^d -> R^d in two branches,
///   trunk([space_branch(x), time_branch(embedding(tau))]),
/// hidden layers activated, last layer of each part linear. A branch without layers passes its input on, so
/// empty branches give a plain network on [x, embedding(tau)]. The defaults are the network of De Bortoli,
/// Thornton, Heng and Doucet (2021): x -> 16 -> 32, time -> 16 -> 32, joint 64 -> 128 -> 128 -> d.
struct Architecture {
  std::vector<int> space_branch = {16, 32};  ///< widths; empty: x itself
  std::vector<int> time_branch = {16, 32};   ///< widths; empty: the embedding itself
  std::vector<int> trunk = {128, 128};       ///< hidden widths; the output layer of width d comes after them
  int time_features = 16;                    ///< sines and cosines together: an even number >= 2
  TimeEmbedding embedding = TimeEmbedding::sinusoidal;
  Activation activation = Activation::silu;
  bool residual = false;  ///< hidden trunk layers of equal width in and out add their input

  /// Throws InvalidArgument on widths < 1 or > 65536, or time_features that are odd or < 2.
  void validate(const char* function) const;
  /// One line that names everything above, e.g. "x-16-32 time16-16-32 trunk-128-128 silu sinusoidal".
  std::string describe() const;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

struct NetworkDescription {
  int dimension = 0;
  Architecture architecture;
};

/// What Mlp::describe() says, read back. Throws InvalidArgument that begins with `where`.
NetworkDescription parse_network(const std::string& description, const std::string& where);

/// Plain network on [x, embedding]: the widths are its hidden layers.
inline Architecture plain_network(std::vector<int> hidden, Activation activation = Activation::silu) {
  Architecture plain;
  plain.space_branch.clear();
  plain.time_branch.clear();
  plain.trunk = std::move(hidden);
  plain.activation = activation;
  return plain;
}

}  // namespace fortet
