#pragma once
#include <utility>

#include "fortet/concepts.hpp"

namespace fortet {

/// mu x nu: X1 knows nothing of X0. The baseline that every other coupling is to beat. Models
/// ConditionalCoupling and DensityCoupling.
template <SamplableMeasure Source, SamplableMeasure Target>
requires std::same_as<typename Source::scalar_type, typename Target::scalar_type> &&
    std::same_as<typename Source::memory_space, typename Target::memory_space>
class IndependentCoupling {
 public:
  using scalar_type = typename Source::scalar_type;
  using memory_space = typename Source::memory_space;
  using execution_space = typename Source::execution_space;
  using In = ConstPoints<scalar_type, memory_space>;
  using Out = Points<scalar_type, memory_space>;

  IndependentCoupling(Source source, Target target)
      : source_(std::move(source)), target_(std::move(target)) {}

  const Source& source() const { return source_; }
  const Target& target() const { return target_; }
  int source_dimension() const { return source_.dimension(); }
  int target_dimension() const { return target_.dimension(); }

  void sample(const execution_space& exec, RandomKey key, Out x0, Out x1) const {
    source_.sample(exec, key.child(0), x0);
    target_.sample(exec, key.child(1), x1);
  }
  /// Draws from the target, whatever x0.
  void sample_conditional(const execution_space& exec, RandomKey key, In /*x0*/, Out x1) const {
    target_.sample(exec, key, x1);
  }
  /// log d pi / d(mu x nu) = 0.
  void log_density_ratio(const execution_space& exec, In /*x0*/, In /*x1*/,
                         Vector<scalar_type, memory_space> out) const {
    Kokkos::deep_copy(exec, out, scalar_type(0));
  }

 private:
  Source source_;
  Target target_;
};

}  // namespace fortet
