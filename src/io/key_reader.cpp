#include "io/key_reader.hpp"

#include <cmath>

namespace fortet::detail {
using nlohmann::json;
namespace {

std::string join(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

json parse_json(std::string_view text, const std::string& name) {
  std::vector<std::set<std::string>> open;  // the keys seen in every object that is still open
  const auto refuse_repeated = [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
      throw InvalidArgument(name + ": the key " + value.dump() + " appears twice in one object");
    return true;
  };
  try {
    return json::parse(text, refuse_repeated);
  } catch (const json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: ..."
    const std::string what = error.what();
    const std::size_t code_end = what.find("] ");
    throw InvalidArgument(name + ": " + (code_end == std::string::npos ? what : what.substr(code_end + 2)));
  }
}

void JsonNode::reject(const std::string& what) const {
  throw InvalidArgument(file_ + ": " + (path_.empty() ? "" : path_ + ": ") + what);
}

void JsonNode::require_keys(const std::set<std::string>& allowed) const {
  if (!value_.is_object()) reject("expected an object with the keys " + join(allowed));
  for (const auto& [key, ignored] : value_.items())
    if (!allowed.contains(key)) at(key).reject("unknown key; expected one of " + join(allowed));
}

JsonNode JsonNode::at(const std::string& key) const {
  if (!value_.is_object()) reject("expected an object with the key " + key);
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (!has(key)) JsonNode(value_, file_, path).reject("this key is missing");
  return {value_[key], file_, path};
}

std::vector<JsonNode> JsonNode::elements() const {
  if (!value_.is_array()) reject("expected an array");
  std::vector<JsonNode> out;
  for (std::size_t i = 0; i < value_.size(); ++i)
    out.emplace_back(value_[i], file_, path_ + "[" + std::to_string(i) + "]");
  return out;
}

double JsonNode::number() const {
  if (!value_.is_number()) reject("expected a number");
  const double number = value_.get<double>();
  if (!std::isfinite(number)) reject("expected a finite number");
  return number;
}

double JsonNode::positive() const {
  const double value = number();
  if (!(value > 0)) reject("expected a number > 0, not " + value_.dump());
  return value;
}

std::string JsonNode::string() const {
  if (!value_.is_string()) reject("expected a string");
  return value_.get<std::string>();
}

Matrix JsonNode::matrix() const {
  const std::vector<JsonNode> rows = elements();
  if (rows.empty()) reject("expected at least one row");
  const std::size_t columns = rows.front().elements().size();
  Matrix out(rows.size(), columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<double> row = rows[i].numbers();
    if (row.size() != columns)
      rows[i].reject("expected " + std::to_string(columns) + " numbers, not " + std::to_string(row.size()));
    for (std::size_t j = 0; j < columns; ++j) out(i, j) = row[j];
  }
  return out;
}

std::vector<double> JsonNode::numbers() const {
  std::vector<double> out;
  for (const JsonNode& element : elements()) out.push_back(element.number());
  return out;
}

nlohmann::ordered_json matrix_to_json(const Matrix& matrix) {
  auto rows = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < matrix.rows(); ++i) {
    const double* row = matrix.data() + i * matrix.cols();
    rows.push_back(std::vector<double>(row, row + matrix.cols()));
  }
  return rows;
}

}  // namespace fortet::detail
