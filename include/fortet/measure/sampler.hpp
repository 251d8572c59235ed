#pragma once
#include <functional>
#include <utility>

#include "fortet/concepts.hpp"

namespace fortet {

/// A measure known only through a callback that fills rows with independent draws. The callback must depend
/// on its key alone, so that equal keys give equal draws.
template <class Real, class Memory = DefaultMemory>
class Sampler {
 public:
  using scalar_type = Real;
  using memory_space = Memory;
  using execution_space = typename Memory::execution_space;
  using Callback = std::function<void(const execution_space&, RandomKey, Points<Real, Memory>)>;

  /// Throws InvalidArgument unless dimension >= 1 and the callback is callable.
  Sampler(int dimension, Callback callback) : dimension_(dimension), callback_(std::move(callback)) {
    detail::require(dimension >= 1, "fortet::Sampler", "dimension", dimension, "expected at least 1");
    detail::require(bool(callback_), "fortet::Sampler", "callback", "empty", "expected a callable");
  }

  int dimension() const { return dimension_; }
  void sample(const execution_space& exec, RandomKey key, Points<Real, Memory> out) const {
    detail::require(static_cast<int>(out.extent(1)) == dimension_, "fortet::Sampler::sample", "out.extent(1)",
                    out.extent(1), "expected the sampler's dimension");
    callback_(exec, key, out);
  }

 private:
  int dimension_;
  Callback callback_;
};

}  // namespace fortet
