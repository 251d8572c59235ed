#pragma once
// References as JSON, in problem files and in saved couplings. Host-only.
#include "fortet/io/problem_file.hpp"
#include "io/key_reader.hpp"

namespace fortet::detail {

ReferenceDescription read_reference(const JsonNode& node);
nlohmann::ordered_json reference_to_json(const ReferenceDescription& reference);

}  // namespace fortet::detail
