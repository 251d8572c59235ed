#include "fortet/io/state_file.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "fortet/io/atomic_file.hpp"

namespace fortet {
namespace fs = std::filesystem;
static_assert(std::endian::native == std::endian::little, "state files are written as they lie in memory");

namespace {

constexpr std::string_view first_line = "fortet state ", version = "1";

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw InvalidArgument(path.string() + ": " + why);
}

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325ull;
  for (const char byte : bytes) sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3ull;
  return sum;
}

std::string header(const StateFile& state) {
  nlohmann::ordered_json out{{"kind", state.kind},
                             {"facts", nlohmann::ordered_json::object()},
                             {"arrays", nlohmann::ordered_json::array()}};
  for (const auto& fact : state.facts) out["facts"][fact.name] = fact.value;
  for (const auto& values : state.arrays)
    out["arrays"].push_back({{"name", values.name},
                             {"shape", values.array.shape},
                             {"type", values.array.values.index() == 0 ? "double" : "float"}});
  return out.dump();
}

/// What is left of a file, taken piece by piece.
struct Rest {
  std::string_view bytes;
  const fs::path& path;

  std::string_view take(std::size_t count) {
    if (count > bytes.size()) refuse(path, "truncated");
    const auto out = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return out;
  }
  std::string_view line() {
    const std::size_t end = bytes.find('\n');
    if (end == bytes.npos) refuse(path, "truncated");
    const auto out = take(end);
    take(1);
    return out;
  }
};

template <class Real>
Array take_array(Rest& rest, std::vector<std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    if (extent > rest.bytes.size()) refuse(rest.path, "truncated");
    count *= extent;
  }
  const std::string_view bytes = rest.take(count * sizeof(Real));
  std::vector<Real> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return {std::move(shape), std::move(values)};
}

}  // namespace

const std::string& StateFile::fact(std::string_view name, const fs::path& path) const {
  const auto found = std::find_if(facts.begin(), facts.end(), [&](const Fact& f) { return f.name == name; });
  if (found == facts.end()) refuse(path, "says nothing about '" + std::string(name) + "'");
  return found->value;
}

const Array& StateFile::array(std::string_view name, const fs::path& path) const {
  const auto found =
      std::find_if(arrays.begin(), arrays.end(), [&](const Values& v) { return v.name == name; });
  if (found == arrays.end()) refuse(path, "has no array '" + std::string(name) + "'");
  return found->array;
}

void write_state(const fs::path& path, const StateFile& state) {
  const std::string text = header(state);
  std::string all(first_line);
  all.append(version).append(1, '\n').append(std::to_string(text.size())).append(1, '\n').append(text);
  for (const auto& values : state.arrays)
    std::visit(
        [&](const auto& v) { all.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(v[0])); },
        values.array.values);
  const std::uint64_t sum = checksum(all);
  all.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  AtomicFile file(path);
  file.write(all);
  file.commit();
}

StateFile read_state(const fs::path& path, std::string_view kind) {
  const std::string all = read_text(path);
  Rest rest{all, path};
  if (!rest.bytes.starts_with(first_line)) refuse(path, "is no fortet state file");
  rest.take(first_line.size());
  const auto written = rest.line();
  if (written != version)
    refuse(path, "is of version " + std::string(written) + ", but this fortet reads version " +
                     std::string(version));
  std::uint64_t sum = 0;
  if (all.size() < sizeof sum) refuse(path, "truncated");
  const std::string_view content = std::string_view(all).substr(0, all.size() - sizeof sum);
  std::memcpy(&sum, all.data() + content.size(), sizeof sum);
  if (sum != checksum(content)) refuse(path, "truncated or damaged: its checksum does not match");
  // from here on the file is what write_state() wrote
  const auto size = static_cast<std::size_t>(std::stoull(std::string(rest.line())));
  const auto object = nlohmann::ordered_json::parse(rest.take(size));
  StateFile out{.kind = object.at("kind").get<std::string>()};
  if (out.kind != kind) refuse(path, "holds a " + out.kind + ", expected a " + std::string(kind));
  for (const auto& [name, value] : object.at("facts").items())
    out.facts.push_back({name, value.get<std::string>()});
  for (const auto& entry : object.at("arrays")) {
    auto shape = entry.at("shape").get<std::vector<std::size_t>>();
    out.arrays.push_back({entry.at("name").get<std::string>(),
                          entry.at("type") == "double" ? take_array<double>(rest, std::move(shape))
                                                       : take_array<float>(rest, std::move(shape))});
  }
  return out;
}

}  // namespace fortet
