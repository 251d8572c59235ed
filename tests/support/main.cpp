// The main of every test program: Kokkos lives exactly as long as the tests.
#define BOOST_TEST_NO_MAIN
#include <Kokkos_Core.hpp>
#include <boost/test/unit_test.hpp>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
}
