#include "program/validate_report.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "fortet/error.hpp"
#include "fortet/io/atomic_file.hpp"
#include "program/html.hpp"
#include "program/plots.hpp"
#include "program/validate_page.hpp"

namespace fortet::program {
namespace {

using Status = CaseResult::Status;

std::string junit(const ValidationResult& result) {
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fortet validate\" tests=\""
      << result.cases.size() << "\" failures=\"" << result.count(Status::failed) << "\" errors=\""
      << result.count(Status::crashed) << "\" time=\"" << result.seconds << "\">\n";
  for (const std::string& family : result.families()) {
    out << "  <testsuite name=\"" << quoted(family) << "\">\n";
    for (const CaseResult& c : result.cases) {
      if (c.family != family) continue;
      out << "    <testcase classname=\"" << quoted(family) << "\" name=\"" << quoted(c.name) << "\" time=\""
          << c.seconds << '"';
      const char* element = c.status == Status::failed    ? "failure"
                            : c.status == Status::crashed ? "error"
                            : c.status == Status::passed  ? nullptr
                                                          : "skipped";
      if (element)
        out << ">\n      <" << element << " message=\"" << quoted(why(c)) << "\"/>\n    </testcase>\n";
      else
        out << "/>\n";
    }
    out << "  </testsuite>\n";
  }
  out << "</testsuites>\n";
  return out.str();
}

}  // namespace

std::string to_string(CaseResult::Status status) {
  switch (status) {
    case Status::passed:
      return "passed";
    case Status::failed:
      return "failed";
    case Status::skipped:
      return "skipped";
    case Status::crashed:
      return "crashed";
    case Status::not_run:
      return "not run";
  }
  return "unknown";
}

std::string why(const CaseResult& c) {
  if (!c.reason.empty()) return c.reason;
  std::ostringstream out;
  for (const auto& s : c.scores)
    if (!s.passed) out << s.metric << " = " << s.value << " > " << s.threshold << " (" << s.reason << "); ";
  return out.str();
}

const validation::Score* tightest(const CaseResult& result) {
  const validation::Score* worst = nullptr;
  for (const auto& s : result.scores)
    if (std::isinf(s.threshold))
      continue;
    else if (!worst || !(s.value / s.threshold <= worst->value / worst->threshold))
      worst = &s;
  return worst;
}

std::size_t ValidationResult::count(CaseResult::Status status) const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [&](const CaseResult& c) { return c.status == status; }));
}

std::vector<std::string> ValidationResult::families() const {
  std::vector<std::string> names;
  for (const CaseResult& c : cases)
    if (std::find(names.begin(), names.end(), c.family) == names.end()) names.push_back(c.family);
  return names;
}

bool ValidationResult::passed() const {
  return count(Status::failed) + count(Status::crashed) + count(Status::not_run) == 0;
}

std::filesystem::path write_report(const std::filesystem::path& folder, const ValidationResult& result,
                                   const std::vector<std::string>& changed) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw BackendError(folder.string() + ": " + error.message());
  write_text(folder / "report.json", to_json(result));
  write_text(folder / "junit.xml", junit(result));
  const std::string no_plots = draw_plots("validate.py", folder);
  const auto file = folder / "index.html";
  write_text(file, validation_page(result, folder, no_plots, changed));
  return file;
}

}  // namespace fortet::program
