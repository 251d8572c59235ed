// src/grid/spectral.cpp as it is where FFTW was not found, compiled into this program alone.
#include <boost/test/unit_test.hpp>
#include <string>

#include "fortet/error.hpp"
#include "grid/spectral.hpp"

BOOST_AUTO_TEST_CASE(the_spectral_kernel_says_that_fftw_is_missing) {
  using fortet::grid::Transforms;
  double data[8] = {};
  BOOST_CHECK_EXCEPTION(Transforms({{8, true, {}}}, data), fortet::BackendError, [](const auto& error) {
    return std::string(error.what())
               .find("needs FFTW (on a CUDA device cuFFT), and this library was built without it") !=
           std::string::npos;
  });
}
