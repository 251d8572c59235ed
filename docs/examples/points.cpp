// Points from your own arrays, weights, files, draws.
#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;

  // [arrays]
  const std::vector<double> values{0, 0, 1, 0, 0, 1};                             // three points, row by row
  const auto points = fortet::points_from_host<double>(std::span(values), 3, 2);  // a copy on the device
  const auto strided = fortet::points_from_host<double>(values.data(), 3, 2, 2, 1);  // any strides
  const auto weights =
      fortet::vector_from_host<double>(std::span<const double>(std::vector<double>{1, 0, 3}));
  const fortet::PointCloud cloud(points, weights);  // normalised; zeros are allowed
  // [/arrays]

  // [measures]
  const fortet::Gaussian gaussian({0, 0}, fortet::isotropic(2, 1.0));
  const fortet::GaussianMixture mixture({1, 3},
                                        {gaussian, fortet::Gaussian({3, 0}, fortet::isotropic(2, 0.25))});
  const fortet::PointCloud sample = fortet::draw(exec, mixture, 1000, {.seed = 7});
  const auto in_float = fortet::draw<float>(exec, mixture, 1000, {.seed = 7});  // the same numbers, rounded
  // [/measures]

  // [files]
  fortet::write_npy("sample.npy", sample.points());
  const auto again = fortet::read_point_cloud<double>("sample.npy");
  // [/files]

  std::cout << cloud.size() << ' ' << strided.extent(0) << ' ' << in_float.size() << ' ' << again.size()
            << '\n';
  return again.size() == sample.size() ? 0 : 1;
}
