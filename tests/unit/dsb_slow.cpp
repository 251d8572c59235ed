// Slow: enough trajectories to tell DSB's fixed point from that of the plain conditional mean (.6163 and
// .6076 at 20 steps).
#include "support/exact_dsb.hpp"

BOOST_AUTO_TEST_CASE(exact_regression_follows_the_population_iterates_closely) {
  oracle::require_population_iterate(4, 1500000);
}
