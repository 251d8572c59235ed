#include "fortet/compare/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>
#include <sstream>

namespace fortet {
namespace {

using Json = nlohmann::ordered_json;

/// Four significant digits, or a dash for what was not measured.
std::string figure(double value) {
  if (std::isnan(value)) return "-";
  std::ostringstream text;
  text << std::setprecision(4) << value;
  return text.str();
}

std::string count(const Estimate& estimate) {
  const std::string n = std::to_string(estimate.n), m = std::to_string(estimate.m);
  return n == m ? n : n + " x " + m;
}

std::string floor_figure(const Estimate& estimate) { return estimate.floor ? figure(*estimate.floor) : "-"; }

using Line = std::vector<std::string>;

/// Columns as wide as their widest cell; the first `left` of them and the last flush left.
void print_table(std::ostream& out, const std::vector<Line>& lines, std::size_t left) {
  std::vector<std::size_t> widths(lines.front().size(), 0);
  for (const Line& line : lines)
    for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], line[k].size());
  for (const Line& line : lines) {
    out << ' ';
    for (std::size_t k = 0; k < line.size(); ++k) {
      const bool last = k + 1 == line.size();
      const std::string pad(last ? 0 : widths[k] - line[k].size(), ' ');
      out << ' ' << (k < left || last ? line[k] + pad : pad + line[k]) << (last ? "" : " ");
    }
    out << '\n';
  }
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json json(const Estimate& estimate) {
  Json out{{"value", number(estimate.value)},
           {"standard_error", number(estimate.standard_error)},
           {"standard_error_by", estimate.how},
           {"n", estimate.n},
           {"m", estimate.m}};
  if (estimate.floor) {
    out["floor"] = number(*estimate.floor);
    out["floor_standard_error"] = number(estimate.floor_standard_error);
    out["floor_draws"] = estimate.floor_draws;
  }
  return out;
}

}  // namespace

void set_floor(Estimate& estimate, const std::vector<double>& scores) {
  if (scores.empty()) return;
  const double draws = static_cast<double>(scores.size());
  const double mean = std::accumulate(scores.begin(), scores.end(), 0.0) / draws;
  double squares = 0;
  for (double score : scores) squares += (score - mean) * (score - mean);
  estimate.floor = mean;
  estimate.floor_draws = static_cast<int>(scores.size());
  if (scores.size() > 1) estimate.floor_standard_error = std::sqrt(squares / (draws - 1) / draws);
}

const ComparisonRow* Comparison::find(std::string_view metric, std::string_view law) const {
  for (const ComparisonRow& row : rows)
    if (row.metric == metric && row.law == law) return &row;
  return nullptr;
}

std::ostream& operator<<(std::ostream& out, const Comparison& comparison) {
  out << comparison.first << " against " << comparison.second << " (the truth), " << comparison.pairs
      << " pairs, seed " << comparison.seed << '\n';
  std::vector<Line> lines{{"metric", "of", "value", "s.e.", "floor", "unit", "samples", "s.e. by"}};
  for (const ComparisonRow& row : comparison.rows)
    lines.push_back({row.metric, row.law, figure(row.estimate.value), figure(row.estimate.standard_error),
                     floor_figure(row.estimate), row.unit, count(row.estimate), row.estimate.how});
  print_table(out, lines, 2);
  if (!comparison.marginals.empty()) {
    out << "  marginals over time\n";
    lines = {{"t", "sliced W2", "s.e.", "floor", "BW2-UVP, %", "s.e.", "floor"}};
    for (const MarginalError& m : comparison.marginals)
      lines.push_back({figure(m.time), figure(m.sliced_w2.value), figure(m.sliced_w2.standard_error),
                       floor_figure(m.sliced_w2), figure(m.bw2_uvp.value), figure(m.bw2_uvp.standard_error),
                       floor_figure(m.bw2_uvp)});
    print_table(out, lines, 0);
  }
  for (const std::string& line : comparison.not_available) out << "  not available: " << line << '\n';
  return out;
}

std::string to_json(const Comparison& comparison) {
  Json out{{"first", comparison.first},
           {"second", comparison.second},
           {"pairs", comparison.pairs},
           {"seed", comparison.seed},
           {"seconds", number(comparison.seconds)},
           {"rows", Json::array()},
           {"marginals", Json::array()},
           {"not_available", comparison.not_available}};
  for (const ComparisonRow& row : comparison.rows) {
    Json line{{"metric", row.metric}, {"law", row.law}, {"unit", row.unit}};
    line.update(json(row.estimate));
    out["rows"].push_back(line);
  }
  for (const MarginalError& m : comparison.marginals)
    out["marginals"].push_back(
        {{"time", m.time}, {"sliced_w2", json(m.sliced_w2)}, {"bw2_uvp", json(m.bw2_uvp)}});
  return out.dump(2);
}

}  // namespace fortet
