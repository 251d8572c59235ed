#pragma once
// What `fortet validate` found, and its report on disk. No Kokkos here.
#include <filesystem>
#include <string>
#include <vector>

#include "suite/record.hpp"

namespace fortet::program {

struct CaseResult {
  std::string name, family, what;
  enum class Status { passed, failed, skipped, crashed, not_run } status = Status::not_run;
  std::string reason = {};  ///< why it was skipped or crashed
  double seconds = 0;
  double peak_memory_mib = 0;  ///< of its process
  std::vector<validation::Score> scores = {};
  std::vector<validation::Curve> curves = {};
  std::vector<validation::Cell> cells = {};
};
std::string to_string(CaseResult::Status status);
/// Why it did not pass: the reason, else the scores that failed.
std::string why(const CaseResult& result);
/// The score nearest to its threshold or furthest beyond it; nullptr where nothing is judged.
const validation::Score* tightest(const CaseResult& result);

struct ValidationResult {
  std::string suite, filter, precision, backend;
  unsigned long long seed = 0;
  int threads = 0;
  double seconds = 0;
  std::vector<CaseResult> cases = {};

  std::size_t count(CaseResult::Status status) const;
  /// In order of first appearance.
  std::vector<std::string> families() const;
  /// Every case that was to run has run, and none failed.
  bool passed() const;
};

/// One line, and what it was made of.
std::string to_json(const CaseResult& result);
CaseResult case_from_json(const std::string& text);
/// docs/validation.md describes the document.
std::string to_json(const ValidationResult& result);
/// What changed since the report of an earlier run, a line each; worse first. Throws InvalidArgument when the
/// file is no such report.
std::vector<std::string> changes(const ValidationResult& result, const std::filesystem::path& earlier);
/// Writes report.json, junit.xml, index.html with its plots, and returns the page's path.
std::filesystem::path write_report(const std::filesystem::path& folder, const ValidationResult& result,
                                   const std::vector<std::string>& changed);

}  // namespace fortet::program
