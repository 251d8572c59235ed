#include "fortet/io/array.hpp"

#include <cmath>
#include <fstream>
#include <sstream>

#include "fortet/io/csv.hpp"
#include "fortet/io/npy.hpp"

namespace fortet {
namespace fs = std::filesystem;
namespace {

// "4, 1"
std::string joined(const std::vector<std::size_t>& numbers) {
  std::string out;
  for (std::size_t number : numbers) {
    if (!out.empty()) out += ", ";
    out += std::to_string(number);
  }
  return out;
}

// "(4, 1)": the position in the array of value number i
std::string index_text(const Array& array, std::size_t i) {
  std::vector<std::size_t> index(array.rank());
  for (std::size_t k = array.rank(); k-- > 0;) {
    index[k] = i % array.shape[k];
    i /= array.shape[k];
  }
  return '(' + joined(index) + ')';
}

}  // namespace

std::string shape_text(const std::vector<std::size_t>& shape) {
  return '(' + joined(shape) + (shape.size() == 1 ? ",)" : ")");
}

Array read_array(const fs::path& path) {
  if (path.extension() == ".npy") return read_npy(path);
  if (path.extension() == ".npz")
    throw InvalidArgument(path.string() + ": .npz archives are not read; save the array as .npy");
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) {
    std::ifstream in(path, std::ios::binary);
    if (in.get() == 0x93) return read_npy(path);
  }
  return read_csv(path);
}

void write_array(const fs::path& path, const Array& array) {
  const fs::path extension = path.extension();
  if (extension == ".csv" || extension == ".txt")
    write_csv(path, array);
  else if (extension == ".tsv")
    write_csv(path, array, {}, '\t');
  else
    write_npy(path, array);
}

template <class Real>
void require_finite(const Array& array, const fs::path& path) {
  for (std::size_t i = 0; i < array.size(); ++i)
    if (!std::isfinite(static_cast<Real>(array[i]))) {
      std::ostringstream text;
      text << path.string() << ": value " << index_text(array, i) << " = " << array[i]
           << (std::isfinite(array[i]) ? " is too large for float" : " is not finite");
      throw InvalidArgument(text.str());
    }
}
template void require_finite<float>(const Array&, const fs::path&);
template void require_finite<double>(const Array&, const fs::path&);

void require_points_shape(const Array& array, const fs::path& path) {
  const std::string has = path.string() + ": the array has shape " + shape_text(array.shape);
  if (array.rank() != 2)
    throw InvalidArgument(has + "; expected (n, d), n points of dimension d" +
                          (array.rank() == 1 ? " (points on a line are (n, 1))" : ""));
  if (array.shape[0] == 0) throw InvalidArgument(has + "; expected at least one point");
  if (array.shape[1] == 0) throw InvalidArgument(has + "; expected at least one coordinate");
}

void require_vector_shape(const Array& array, const fs::path& path) {
  const std::string has = path.string() + ": the array has shape " + shape_text(array.shape);
  const bool line = array.rank() == 1 || (array.rank() == 2 && (array.shape[0] == 1 || array.shape[1] == 1));
  if (!line) throw InvalidArgument(has + "; expected a vector: (n,), (n, 1) or (1, n)");
  if (array.size() == 0) throw InvalidArgument(has + "; expected at least one value");
}

}  // namespace fortet
