#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fortet/io/json.hpp"
#include "fortet/io/measures.hpp"
#include "fortet/io/problem_file.hpp"
#include "support/files.hpp"

using namespace fortet;
using test::contains, test::message;

namespace {

const std::string gaussian = R"({"type": "gaussian", "mean": [0, 1], "covariance": [[2, 0.5], [0.5, 1]]})";
const std::string brownian = R"({"type": "brownian", "sigma": 0.5, "horizon": 2})";

std::string problem(const std::string& source, const std::string& target = gaussian,
                    const std::string& reference = brownian) {
  return R"({"source": )" + source + R"(, "target": )" + target + R"(, "reference": )" + reference + "}";
}
ProblemDescription parse(const std::string& text) { return parse_problem(text, "p.json", "folder"); }
std::string refusal(const std::string& text) {
  return message<InvalidArgument>([&] { parse(text); });
}
std::string with_covariance(const std::string& covariance) {
  return problem(R"({"type": "gaussian", "mean": [0, 1], "covariance": )" + covariance + "}");
}
Matrix covariance_of(const std::string& covariance) {
  return std::get<GaussianDescription>(parse(with_covariance(covariance)).source).covariance;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_report_as_json) {
  Report report;
  report.solver = "sinkhorn";
  report.status = Status::converged;
  report.iterations = 12;
  report.seconds = 0.25;
  report.epsilon = 0.1;
  report.n = 3;
  report.m = 4;
  report.dimension = 2;
  report.precision = "double";
  report.marginal_error = 1e-10;
  report.transport_cost = 1.0 / 3;
  report.duality_gap = std::nan("");
  report.history.push_back({1, 0.2, 0.5, 0.01, "plain"});
  BOOST_TEST(to_json(report) == R"({
  "solver": "sinkhorn",
  "status": "converged",
  "iterations": 12,
  "seconds": 0.25,
  "epsilon": 0.1,
  "n": 3,
  "m": 4,
  "dimension": 2,
  "precision": "double",
  "kernel": "",
  "marginal_error": 1e-10,
  "transport_cost": 0.3333333333333333,
  "entropic_cost": null,
  "dual_value": null,
  "duality_gap": null,
  "history": [
    {
      "iteration": 1,
      "epsilon": 0.2,
      "marginal_error": 0.5,
      "seconds": 0.01,
      "method": "plain"
    }
  ]
}
)");
}

BOOST_AUTO_TEST_CASE(measures_and_references) {
  const auto p = parse(problem(gaussian, R"({"type": "file", "points": "y.npy", "weights": "/b.csv"})"));
  const auto& source = std::get<GaussianDescription>(p.source);
  BOOST_TEST((source.mean == std::vector<double>{0, 1}));
  BOOST_TEST((source.covariance == Matrix{{2, 0.5}, {0.5, 1}}));
  const auto& target = std::get<FileDescription>(p.target);
  BOOST_TEST(target.points.string() == "folder/y.npy");
  BOOST_TEST(target.weights->string() == "/b.csv");
  BOOST_TEST(std::get<Brownian>(p.reference).epsilon() == 0.5);

  const auto q =
      parse(problem(gaussian,
                    R"({"type": "mixture", "components": [{"weight": 1, "mean": [0, 0], "covariance": 1},
                                            {"weight": 3, "mean": [1, 2], "covariance": [2, 3]}]})",
                    R"({"type": "ornstein_uhlenbeck", "rate": 2, "mean": [1, 0], "sigma": 0.5})"));
  const auto& mixture = std::get<MixtureDescription>(q.target);
  BOOST_TEST((mixture.weights == std::vector<double>{1, 3}));
  BOOST_TEST((mixture.components[1].covariance == Matrix{{2, 0}, {0, 3}}));
  const auto& process = std::get<OrnsteinUhlenbeck>(q.reference);
  BOOST_TEST(process.rate == 2);
  BOOST_TEST(process.horizon == 1);
  BOOST_TEST((process.mean == std::vector<double>{1, 0}));
  const auto l = parse(problem(
      gaussian, gaussian,
      R"({"type": "linear_sde", "drift": [[0, 1], [0, -1]], "offset": [0, 2], "noise": [[0], [1]], "horizon": 3})"));
  const auto& langevin = std::get<LinearSde>(l.reference);
  BOOST_TEST((langevin.drift == Matrix{{0, 1}, {0, -1}}));
  BOOST_TEST((langevin.noise == Matrix{{0}, {1}}));
  BOOST_TEST((langevin.offset == std::vector<double>{0, 2}));
  BOOST_TEST(langevin.horizon == 3);
  // sqrt then square: one rounding each
  const auto r = parse(problem(gaussian, gaussian, R"({"type": "brownian", "epsilon": 0.3, "horizon": 2})"));
  BOOST_TEST(std::abs(std::get<Brownian>(r.reference).epsilon() - 0.3) < 4e-16 * 0.3);
  BOOST_TEST(std::get<Brownian>(r.reference).horizon == 2);
}

BOOST_AUTO_TEST_CASE(covariances_in_short) {
  BOOST_TEST((covariance_of("2") == Matrix{{2, 0}, {0, 2}}));
  BOOST_TEST((covariance_of("[2, 0]") == Matrix{{2, 0}, {0, 0}}));
  BOOST_TEST((covariance_of("[[2, 1], [1, 3]]") == Matrix{{2, 1}, {1, 3}}));
}

BOOST_AUTO_TEST_CASE(errors_name_the_key) {
  const auto begins = [](const std::string& text, const std::string& with) {
    const std::string said = refusal(text);
    BOOST_TEST(said.starts_with("p.json: " + with), said);
  };
  begins("", "the file is empty");
  begins("{\"source\": \n nonsense}", "parse error at line 2");
  begins("[]", "expected an object");
  begins("{}", "source: this key is missing");
  begins(R"({"sauce": 1})", "sauce: unknown key; expected one of reference, source, target");
  begins(R"({"source": 1, "source": 2})", "the key \"source\" appears twice");
  begins(problem("3"), "source: expected an object");
  begins(problem("{}"), "source.type: this key is missing");
  begins(problem(R"({"type": "cauchy"})"), "source.type: unknown type 'cauchy'");
  begins(problem(R"({"type": 3})"), "source.type: expected a string");
  begins(problem(R"({"type": "gaussian", "mean": [0], "sigma": 2})"), "source.sigma: unknown key");
  begins(problem(R"({"type": "gaussian", "mean": [], "covariance": 1})"),
         "source.mean: expected at least one");
  begins(problem(R"({"type": "gaussian", "mean": [0, "a"], "covariance": 1})"),
         "source.mean[1]: expected a number");
  begins(problem(R"({"type": "gaussian", "mean": [0], "covariance": 1e999})"), "number overflow");
  begins(with_covariance("[[1, 0], [0]]"), "source.covariance[1]: expected 2 numbers, not 1");
  begins(with_covariance("[[1, 0], 3]"), "source.covariance[1]: expected an array");
  begins(with_covariance("[[1, 0], [0.1, 1]]"), "source.covariance[1]: not symmetric");
  begins(with_covariance("[[1, 0], [0, -1]]"), "source.covariance[1]: expected a variance >= 0");
  begins(with_covariance("[1, 2, 3]"), "source.covariance: expected 2 rows");
  begins(with_covariance("-1"), "source.covariance: expected a variance >= 0");
  begins(problem(gaussian, R"({"type": "gaussian", "mean": [0], "covariance": 1})"),
         "target: its dimension 1 is not the source's 2");
  begins(problem(gaussian, R"({"type": "file"})"), "target.points: this key is missing");
  begins(problem(gaussian, R"({"type": "mixture", "components": []})"),
         "target.components: expected at least");
  begins(problem(gaussian,
                 R"({"type": "mixture", "components": [{"weight": -1, "mean": [0, 0], "covariance": 1}]})"),
         "target.components[0].weight: expected a weight >= 0");
  begins(problem(gaussian,
                 R"({"type": "mixture", "components": [{"weight": 0, "mean": [0, 0], "covariance": 1}]})"),
         "target.components: all weights are zero");
  begins(
      problem(gaussian, R"({"type": "mixture", "components": [{"weight": 1, "mean": [0, 0], "covariance": 1},
                                                                  {"weight": 1, "mean": [0], "covariance": 1}]})"),
      "target.components[1].mean: expected as many coordinates");
  begins(problem(gaussian, gaussian, R"({"type": "levy"})"), "reference.type: unknown type 'levy'");
  begins(problem(gaussian, gaussian, R"({"type": "brownian"})"),
         "reference: expected either epsilon or sigma");
  begins(problem(gaussian, gaussian, R"({"type": "brownian", "sigma": 1, "epsilon": 1})"),
         "reference: expected either epsilon or sigma");
  begins(problem(gaussian, gaussian, R"({"type": "brownian", "epsilon": 0})"),
         "reference.epsilon: expected a number > 0, not 0");
  begins(problem(gaussian, gaussian, R"({"type": "brownian", "sigma": 1, "horizon": -1})"),
         "reference.horizon: expected a number > 0");
  begins(problem(gaussian, gaussian, R"({"type": "ornstein_uhlenbeck", "sigma": 1})"),
         "reference.rate: this key is missing");
  begins(problem(gaussian, gaussian, R"({"type": "ornstein_uhlenbeck", "sigma": 1, "rate": 1, "mean": [1]})"),
         "reference: its dimension 1 is not the source's 2");
  const auto linear = [](const std::string& rest) {
    return problem(gaussian, gaussian, R"({"type": "linear_sde", "drift": )" + rest + "}");
  };
  begins(linear(R"([[0, 1]], "noise": [[1]])"), "reference: linear_sde: ");
  begins(linear(R"([[0, 1], [1]], "noise": [[1]])"), "reference.drift[1]: expected 2 numbers, not 1");
  begins(linear(R"([], "noise": [[1]])"), "reference.drift: expected at least one row");
  begins(linear(R"([[-1]], "noise": [[1]])"), "reference: its dimension 1 is not the source's 2");
}

BOOST_AUTO_TEST_CASE(files_are_found_beside_the_problem) {
  const test::TemporaryFolder folder;
  const auto path = folder.file("p.json", problem(gaussian, R"({"type": "file", "points": "y.npy"})"));
  BOOST_TEST(std::get<FileDescription>(read_problem(path).target).points == folder / "y.npy");
  BOOST_TEST(contains(message<BackendError>([&] { read_problem(folder / "missing.json"); }), "No such file"));
  BOOST_TEST(contains(message<BackendError>([] { write_json("/dev/full", Report()); }), "No space left"));
}

BOOST_AUTO_TEST_CASE(measures_from_descriptions) {
  const test::TemporaryFolder folder;
  const auto points = folder.file("y.csv", "0,0\n1,2\n3,1\n"), weights = folder.file("w.csv", "1\n1\n2\n");
  const GaussianDescription normal{{0, 1}, Matrix{{2, 0.5}, {0.5, 1}}};
  BOOST_TEST((std::get<Gaussian>(make_measure(normal, "source")).covariance() == normal.covariance));
  const AnyMeasure mixture = make_measure(MixtureDescription{{1, 3}, {normal, normal}}, "source");
  BOOST_TEST(std::get<GaussianMixture>(mixture).weights()[1] == 0.75);
  const AnyMeasure cloud = make_measure(FileDescription{points, weights}, "target");
  BOOST_TEST(std::get<PointCloud<double>>(cloud).mass() == 4);
  const GaussianDescription indefinite{{0, 0}, Matrix{{1, 2}, {2, 1}}};
  BOOST_TEST(message<InvalidArgument>([&] { make_measure(indefinite, "target"); }).starts_with("target: "));
}
