// A program that forgot to initialise Kokkos is told so by whatever it calls first. No ScopeGuard here.
#include <cstdio>
#include <string>

#include "fortet/io/points.hpp"

namespace {

template <class Call>
bool says_so(const char* name, Call call) {
  try {
    call();
  } catch (const std::logic_error& error) {
    if (std::string(error.what()).find("Kokkos is not initialised") != std::string::npos) return true;
  }
  std::fprintf(stderr, "%s does not say that Kokkos is not initialised\n", name);
  return false;
}

}  // namespace

int main(int, char** argv) {
  using namespace fortet;
  const std::vector<double> values{0, 1};
  const std::string file = std::string(argv[0]) + ".csv";
  write_array(file, Array{{2, 1}, values});  // needs no Kokkos
  bool good = says_so("points_from_host", [&] { points_from_host<double>(std::span(values), 2, 1); });
  good &= says_so("vector_from_host", [&] { vector_from_host<double>(std::span(values)); });
  good &= says_so("PointCloud", [] { PointCloud<double>(ConstPoints<double>()); });
  good &= says_so("read_points", [&] { read_points<double>(file); });
  good &= says_so("read_point_cloud", [&] { read_point_cloud<float>(file); });
  std::filesystem::remove(file);
  return good ? 0 : 1;
}
