#pragma once
// JSON objects read key by key, so that every error names the path of the key it is about. Host-only.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "fortet/matrix.hpp"

namespace fortet::detail {

/// Parses `text`, throwing InvalidArgument with line and column, or naming a repeated key.
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// One value of a JSON document and the way to it, such as `target.components[1].mean`.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file, std::string path = {})
      : value_(value), file_(std::move(file)), path_(std::move(path)) {}

  /// "<file>: <path>: <what>".
  [[noreturn]] void reject(const std::string& what) const;

  /// Throws unless this is an object whose keys are all among `allowed`.
  void require_keys(const std::set<std::string>& allowed) const;
  bool has(const std::string& key) const { return value_.contains(key); }
  JsonNode at(const std::string& key) const;
  std::vector<JsonNode> elements() const;
  bool is_array() const { return value_.is_array(); }
  bool is_number() const { return value_.is_number(); }

  double number() const;
  double positive() const;
  std::string string() const;
  std::vector<double> numbers() const;
  /// Rows of equal length, at least one.
  Matrix matrix() const;

 private:
  const nlohmann::json& value_;
  std::string file_, path_;
};

/// An array of rows.
nlohmann::ordered_json matrix_to_json(const Matrix& matrix);

}  // namespace fortet::detail
