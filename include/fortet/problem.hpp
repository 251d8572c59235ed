#pragma once
// The one problem type.
#include "fortet/concepts.hpp"

namespace fortet {

/// Find the coupling of `source` and `target` closest in relative entropy to `reference`. An aggregate:
/// Problem{mu, nu, Brownian{.sigma = 1}}.
template <Measure Source, Measure Target, Reference Ref>
struct Problem {
  Source source;
  Target target;
  Ref reference;
};
template <class Source, class Target, class Ref>
Problem(Source, Target, Ref) -> Problem<Source, Target, Ref>;

}  // namespace fortet
