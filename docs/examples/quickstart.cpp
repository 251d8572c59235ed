#include <cstdio>
#include <fortet/fortet.hpp>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  Kokkos::DefaultExecutionSpace exec;
  const auto cloud = fortet::points_from_host<double>(std::vector<double>{0, 0, 1, 0, 0, 1}, 3, 2);
  const fortet::PointCloud mu(cloud);
  const auto draws = fortet::draw(exec, mu, 4096, {.seed = 1});
  std::printf("%zu draws in %d dimensions\n", draws.size(), draws.dimension());
}
