#pragma once
// Reports as JSON.
#include <filesystem>
#include <string>

#include "fortet/report.hpp"

namespace fortet {

/// The report as a JSON object, its keys as in docs/files.md. What was not asked for or is not finite is
/// null.
std::string to_json(const Report& report);

/// The same as a file. Throws BackendError.
void write_json(const std::filesystem::path& path, const Report& report);

}  // namespace fortet
