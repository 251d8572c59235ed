#include "program/output.hpp"

#include <sstream>

#include "fortet/io/atomic_file.hpp"
#include "program/input.hpp"

namespace fortet::program {
namespace fs = std::filesystem;

void prepare_output(const fs::path& folder) {
  reading([&] {
    create_folder(folder);
    const AtomicFile probe(folder / "report.json");  // never committed
    return true;
  });
}

void require_disk_space(const fs::path& folder, std::size_t n, std::size_t m) {
  std::error_code unknown;
  const fs::space_info disk = fs::space(folder, unknown);
  const double needed = 8.0 * static_cast<double>(n) * static_cast<double>(m);
  if (unknown || needed <= static_cast<double>(disk.available)) return;
  std::ostringstream text;
  text.precision(3);
  text << "--plan: " << n << " x " << m << " doubles need " << needed / 1e9 << " GB, but " << folder.string()
       << " has room for " << static_cast<double>(disk.available) / 1e9
       << " GB; the plan can be had row by row from the library";
  throw InvalidArgument(text.str());
}

Array stacked(const std::vector<Array>& arrays) {
  return std::visit(
      [&]<class Real>(const std::vector<Real>& first) -> Array {
        const std::size_t k = arrays.size(), n = arrays[0].shape[0], d = arrays[0].shape[1];
        std::vector<Real> values(k * first.size());
        for (std::size_t a = 0; a < k; ++a) {
          const auto& from = std::get<std::vector<Real>>(arrays[a].values);
          for (std::size_t i = 0; i < n; ++i)
            for (std::size_t c = 0; c < d; ++c) values[(i * k + a) * d + c] = from[i * d + c];
        }
        return {{n, k, d}, std::move(values)};
      },
      arrays[0].values);
}

}  // namespace fortet::program
