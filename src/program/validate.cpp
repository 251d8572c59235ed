#include "program/validate.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <regex>

#include "fortet/error.hpp"
#include "program/interrupt.hpp"
#include "program/output.hpp"
#include "program/process.hpp"
#include "program/validate_report.hpp"
#include "suite/suite.hpp"

namespace fortet::program {
namespace {

using Status = CaseResult::Status;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// A stream of its own for each name: a case draws the same numbers whatever else runs.
RandomKey key_of(const std::string& name, std::uint64_t seed) {
  std::uint64_t hash = 1469598103934665603ull;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return RandomKey{.seed = seed}.child(hash);
}

std::vector<validation::Case> chosen(const ValidateArguments& arguments) {
  std::regex filter;
  try {
    filter = std::regex(arguments.filter, std::regex::ECMAScript);
  } catch (const std::regex_error& error) {
    throw InvalidArgument("--filter " + arguments.filter + ": " + error.what());
  }
  std::vector<validation::Case> out;
  for (validation::Case& c : validation::all_cases())
    if ((arguments.suite == "full" || !c.full_only) &&
        (arguments.precision == "both" || arguments.precision == c.precision) &&
        std::regex_search(c.name, filter))
      out.push_back(std::move(c));
  if (out.empty()) throw InvalidArgument("no case of this suite matches --filter " + arguments.filter);
  return out;
}

/// The name that --backend has for an execution space.
std::string lower_case(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

void require_backend(const std::string& wanted) {
  const std::string here = lower_case(DefaultExec::name());
  if (wanted != "any" && lower_case(wanted) != here)
    throw InvalidArgument("--backend " + wanted + ": this build runs on " + here +
                          "; a backend is chosen when Fortet is configured (make build PRESET=...)");
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

CaseResult run_here(const validation::Case& c, const ValidateArguments& arguments) {
  CaseResult result{.name = c.name, .family = c.family(), .what = c.what};
  validation::Record record(c.name);
  const char* from_environment = std::getenv("FORTET_DATA");
  const std::filesystem::path data = arguments.data     ? *arguments.data
                                     : from_environment ? from_environment
                                                        : "";
  const double begin = now();
  try {
    c.run(
        {.exec = {}, .key = key_of(c.name, arguments.seed), .full = arguments.suite == "full", .data = data},
        record);
    result.status = Status::passed;
    for (const auto& score : record.scores())
      if (!score.passed) result.status = Status::failed;
    if (record.scores().empty()) throw std::logic_error("the case scored nothing");
  } catch (const validation::Skipped& skipped) {
    result.status = Status::skipped;
    result.reason = skipped.what();
  } catch (const std::exception& error) {
    result.status = Status::crashed;
    result.reason = error.what();
  }
  result.seconds = now() - begin;
  result.peak_memory_mib = peak_memory_mib();
  result.scores = record.scores();
  result.curves = record.curves();
  result.cells = record.cells();
  return result;
}

/// The same in a process of its own, whose end is not the end of this one.
CaseResult run_apart(const validation::Case& c, const ValidateArguments& arguments) {
  std::vector<std::string> command{
      "/proc/self/exe", "validate",      "--alone", c.name,
      "--suite",        arguments.suite, "--seed",  std::to_string(arguments.seed)};
  if (arguments.threads > 0) command.insert(command.end(), {"--threads", std::to_string(arguments.threads)});
  if (arguments.data) command.insert(command.end(), {"--data", arguments.data->string()});
  const double begin = now();
  const auto ended = run_process(command);
  if (!ended) throw BackendError("fortet validate: cannot start itself");
  const std::string last = last_line(ended->output);
  if (ended->exit_code == exit_code::converged) return case_from_json(last);
  return {.name = c.name,
          .family = c.family(),
          .what = c.what,
          .status = Status::crashed,
          .reason = ended->reason + (last.empty() ? "" : ": " + last),
          .seconds = now() - begin};
}

int run_alone(const ValidateArguments& arguments) {
  catch_interrupts();  // the terminal sends Ctrl-C to both; the case is ended
  for (const auto& c : validation::all_cases())
    if (c.name == arguments.alone) {
      std::cout << to_json(run_here(c, arguments)) << '\n';
      return exit_code::converged;
    }
  throw InvalidArgument("--alone " + arguments.alone + ": no such case");
}

void print(const CaseResult& c) {
  std::printf("  %-7s %8.2f s  %-52s", to_string(c.status).c_str(), c.seconds, c.name.c_str());
  if (!c.reason.empty())
    std::printf("  %s", c.reason.c_str());
  else if (const auto* s = tightest(c))
    std::printf("  %s %.1e, at most %.0e", s->metric.c_str(), s->value, s->threshold);
  std::printf("\n");
  std::fflush(stdout);
}

void print_progress(std::size_t done, std::size_t all, double seconds, const std::string& next) {
  std::fprintf(stderr, "\r%zu of %zu, %.0f s left: %.50s\033[K", done, all,
               done ? seconds / static_cast<double>(done) * static_cast<double>(all - done) : 0.0,
               next.c_str());
}

}  // namespace

int run_validate(const ValidateArguments& arguments) {
  if (!arguments.alone.empty()) return run_alone(arguments);
  require_backend(arguments.backend);
  const bool own_samples = !arguments.pairs.empty();
  const auto cases = own_samples ? std::vector{pairs_case(arguments)} : chosen(arguments);
  if (arguments.list) {
    for (const auto& c : cases) std::cout << c.name << '\n';
    return exit_code::converged;
  }
  if (arguments.report) prepare_output(*arguments.report);
  ValidationResult result{.suite = arguments.suite,
                          .filter = arguments.filter,
                          .precision = arguments.precision,
                          .backend = DefaultExec::name(),
                          .seed = arguments.seed,
                          .threads = HostExec().concurrency()};
  if (arguments.against) changes(result, *arguments.against);  // a file that is none is said now
  catch_interrupts();
  const bool progress = !arguments.quiet && isatty(STDERR_FILENO);
  const double begin = now();
  for (const auto& c : cases) {
    if (interrupted()) {
      result.cases.push_back({.name = c.name, .family = c.family(), .what = c.what, .reason = "interrupted"});
      continue;
    }
    if (progress) print_progress(result.cases.size(), cases.size(), now() - begin, c.name);
    result.cases.push_back(own_samples ? run_here(c, arguments) : run_apart(c, arguments));
    if (progress) std::fputs("\r\033[K", stderr);
    if (!arguments.quiet) print(result.cases.back());
  }
  result.seconds = now() - begin;
  const auto changed = arguments.against ? changes(result, *arguments.against) : std::vector<std::string>();
  if (!arguments.quiet) {
    for (const std::string& line : changed) std::cout << "  " << line << '\n';
    std::cout << result.count(Status::passed) << " passed";
    for (const Status status : {Status::failed, Status::crashed, Status::skipped, Status::not_run})
      if (result.count(status)) std::cout << ", " << result.count(status) << ' ' << to_string(status);
    std::cout << '\n';
  }
  if (arguments.report) {
    const auto page = write_report(*arguments.report, result, changed);
    if (!arguments.quiet) std::cout << page.string() << '\n';
  }
  return result.passed() ? exit_code::converged : exit_code::not_converged;
}

}  // namespace fortet::program
