// Samples that any program made, against the closed form of their problem or an oracle.
#include "fortet/compare/validate.hpp"
#include "fortet/io/points.hpp"
#include "program/compare_solvers.hpp"
#include "program/input.hpp"
#include "program/validate.hpp"
#include "suite/suite.hpp"

namespace fortet::program {
namespace {

constexpr std::size_t oracle_atoms = 4000;

/// The solved problem, and the same again from other samples where the oracle is made of samples.
struct Truth {
  Solved oracle;
  std::optional<Solved> again = {};
};

Gaussian gaussian(const MeasureDescription& description) {
  const auto& d = std::get<GaussianDescription>(description);
  return {d.mean, d.covariance};
}

Truth truth(const ProblemDescription& description, RandomKey key) {
  if (std::holds_alternative<GaussianDescription>(description.source) &&
      std::holds_alternative<GaussianDescription>(description.target))
    return {std::visit(
        [&](const auto& reference) {
          return solved(DefaultExec(), "gaussian", "the closed form",
                        gaussian_bridge(
                            Problem{gaussian(description.source), gaussian(description.target), reference}));
        },
        description.reference)};
  Setting setting = compare_setting(description);
  setting.quiet = true;
  setting.atoms = oracle_atoms;
  setting.key = key;
  if (has_grid(setting)) return {solve_on_grid(setting)};
  Truth out{solve_by_sinkhorn<double>(setting, "sinkhorn", "Sinkhorn between samples")};
  const auto is_cloud = [](const ComparedMeasure& m) {
    return std::holds_alternative<PointCloud<double>>(m);
  };
  if (is_cloud(setting.source) && is_cloud(setting.target)) return out;  // the samples are the problem
  setting.key = key.child(1);
  out.again = solve_by_sinkhorn<double>(setting, "sinkhorn", "Sinkhorn between samples");
  return out;
}

void judge(const ProblemDescription& description, const Points<double>& x0, const Points<double>& x1,
           double tolerance, const validation::Setting& setting, validation::Record& record) {
  const Truth known = truth(description, setting.key);
  const auto& again = known.again ? *known.again : known.oracle;
  const Validation result = impl::validate_pairs<DefaultMemory>(
      x0, x1, known.oracle.side, again.side, {.seed = setting.key.seed, .tolerance = tolerance});
  const std::string reason = "floor of " + std::to_string(result.pairs) +
                             " exact pairs plus six of its standard deviations plus the tolerance, against " +
                             known.oracle.what;
  for (const ValidationScore& s : result.scores)
    record.judge({.metric = s.metric + ", %",
                  .value = s.estimate.value,
                  .standard_error = s.estimate.standard_error,
                  .sampling_floor = s.estimate.floor,
                  .threshold = s.limit,
                  .reason = reason});
}

}  // namespace

validation::Case pairs_case(const ValidateArguments& arguments) {
  const ProblemDescription description = reading([&] { return read_problem(*arguments.problem); });
  const auto x0 = reading([&] { return read_points<double>(arguments.pairs[0]); });
  const auto x1 = reading([&] { return read_points<double>(arguments.pairs[1]); });
  constexpr const char* where = "fortet validate --pairs";
  detail::require(x0.extent(0) == x1.extent(0), where, "rows of X1", x1.extent(0),
                  "expected as many as X0, " + std::to_string(x0.extent(0)));
  ValidateOptions{.pairs = x0.extent(0), .tolerance = arguments.tolerance}.validate();
  const auto fits = [&](const MeasureDescription& measure, const Points<double>& x, const char* which) {
    std::visit(
        [&](const auto& m) {
          if constexpr (requires { m.dimension(); })
            detail::require(static_cast<int>(x.extent(1)) == m.dimension(), where, which, x.extent(1),
                            "expected the problem's dimension, " + std::to_string(m.dimension()));
        },
        measure);
  };
  fits(description.source, x0, "columns of X0");
  fits(description.target, x1, "columns of X1");
  return {"pairs/" + arguments.problem->stem().string(),
          "Samples made by another program, " + std::to_string(x0.extent(0)) + " pairs",
          [=, tolerance = arguments.tolerance](const validation::Setting& s, validation::Record& r) {
            judge(description, x0, x1, tolerance, s, r);
          }};
}

}  // namespace fortet::program
