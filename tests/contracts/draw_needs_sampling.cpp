// draw() from a measure that cannot be sampled.
#include "fortet/measure/draw.hpp"

struct Silent {
  using scalar_type = double;
  using memory_space = fortet::DefaultMemory;
  using execution_space = fortet::DefaultExec;
  int dimension() const { return 2; }
};
static_assert(fortet::Measure<Silent> && !fortet::SamplableMeasure<Silent>);

struct Zeros : Silent {
  void sample(const execution_space& exec, fortet::RandomKey, fortet::Points<double> out) const {
    Kokkos::deep_copy(exec, out, 0.0);
  }
};

#ifdef FORTET_BREAK_CONTRACT
using Drawn = Silent;
#else
using Drawn = Zeros;
#endif
auto drawn(const fortet::DefaultExec& exec, const Drawn& measure) {
  return fortet::draw(exec, measure, 8, {});
}
