#include <algorithm>
#include <iomanip>
#include <sstream>

#include "io/key_reader.hpp"
#include "program/gaussian.hpp"

namespace fortet::program {
namespace {

using Json = nlohmann::ordered_json;

Json to_object(const Matrix& matrix) { return detail::matrix_to_json(matrix); }

Json to_object(const AffineMap& map) { return {{"slope", to_object(map.slope)}, {"offset", map.offset}}; }

Json to_object(const std::optional<AffineMap>& map) { return map ? to_object(*map) : Json(nullptr); }

Json to_object(const Quadratic& quadratic) {
  return {{"centre", quadratic.centre},
          {"hessian", to_object(quadratic.hessian)},
          {"gradient", quadratic.gradient},
          {"value", quadratic.value}};
}

Json to_object(const GaussianSlice& slice) {
  return {{"time", slice.time},
          {"mean", slice.mean},
          {"covariance", to_object(slice.covariance)},
          {"forward_drift", to_object(slice.forward_drift)},
          {"backward_drift", to_object(slice.backward_drift)},
          {"probability_flow", to_object(slice.probability_flow)}};
}

Json to_object(const GaussianPlan& plan) {
  return {{"dimension", plan.dimension},
          {"epsilon", plan.epsilon},
          {"horizon", plan.horizon},
          {"transport_cost", plan.transport_cost},
          {"relative_entropy", plan.relative_entropy},
          {"entropic_cost", plan.entropic_cost},
          {"sinkhorn_divergence", plan.sinkhorn_divergence},
          {"path_entropy", plan.path_entropy},
          {"canonical_correlations", plan.canonical_correlations},
          {"forward_map", to_object(plan.forward_map)},
          {"forward_covariance", to_object(plan.forward_covariance)},
          {"backward_map", to_object(plan.backward_map)},
          {"backward_covariance", to_object(plan.backward_covariance)},
          {"cross_covariance", to_object(plan.cross_covariance)},
          {"discriminant", to_object(plan.discriminant)},
          {"coupling", to_object(plan.coupling)},
          {"source_potential", to_object(plan.source_potential)},
          {"target_potential", to_object(plan.target_potential)}};
}

// ---- the table

constexpr int largest_printed = 8;

class Table {
 public:
  explicit Table(int dimension) : printed_(dimension <= largest_printed) { out_ << std::setprecision(10); }

  void heading(const std::string& text) { out_ << '\n' << text << '\n'; }
  void scalar(const std::string& name, double value, const std::string& formula = "") {
    out_ << "  " << std::left << std::setw(24) << name << std::right << std::setw(18) << value;
    if (!formula.empty()) out_ << "  " << formula;
    out_ << '\n';
  }
  void row(const std::string& name, const double* values, std::size_t count) {
    out_ << "  " << std::left << std::setw(18) << name << std::right;
    if (!printed_) {
      out_ << "(" << count << " numbers; --output writes them)\n";
      return;
    }
    for (std::size_t k = 0; k < count; ++k) {
      if (k > 0 && k % 4 == 0) out_ << '\n' << std::string(20, ' ');
      out_ << std::setw(14) << short_form(values[k]);
    }
    out_ << '\n';
  }
  void vector(const std::string& name, const std::vector<double>& values) {
    row(name, values.data(), values.size());
  }
  void matrix(const std::string& name, const Matrix& matrix) {
    if (!printed_) return row(name, matrix.data(), matrix.rows() * matrix.cols());
    for (std::size_t i = 0; i < matrix.rows(); ++i)
      row(i == 0 ? name : "", matrix.data() + i * matrix.cols(), matrix.cols());
  }
  void map(const std::string& name, const std::optional<AffineMap>& map) {
    if (!map) {
      out_ << "  " << name << " infinite here\n";
      return;
    }
    matrix(name + " slope", map->slope);
    vector(name + " offset", map->offset);
  }
  void quadratic(const std::string& name, const Quadratic& q) {
    vector(name + " centre", q.centre);
    matrix(name + " hessian", q.hessian);
    vector(name + " gradient", q.gradient);
    row(name + " value", &q.value, 1);
  }
  std::string text() const { return out_.str(); }

 private:
  static std::string short_form(double value) {
    std::ostringstream text;
    text << std::setprecision(6) << value;
    return text.str();
  }

  bool printed_;
  std::ostringstream out_;
};

}  // namespace

std::string gaussian_json(const GaussianPlan& plan, const std::vector<GaussianSlice>& slices) {
  Json times = Json::array();
  for (const GaussianSlice& slice : slices) times.push_back(to_object(slice));
  Json out = to_object(plan);
  out["times"] = times;
  return out.dump(1) + '\n';
}

std::string gaussian_table(const GaussianPlan& plan, const std::vector<GaussianSlice>& slices) {
  Table table(plan.dimension);
  table.heading("Gaussian bridge");
  table.scalar("dimension", plan.dimension);
  table.scalar("epsilon", plan.epsilon);
  table.scalar("horizon", plan.horizon);
  table.scalar("transport cost", plan.transport_cost, "<c, pi>");
  table.scalar("relative entropy", plan.relative_entropy, "KL(pi | mu x nu)");
  table.scalar("entropic cost", plan.entropic_cost, "OT_eps = <c, pi> + eps KL");
  table.scalar("Sinkhorn divergence", plan.sinkhorn_divergence);
  table.scalar("path entropy", plan.path_entropy, "KL(P | R started from mu)");
  table.vector("correlations", plan.canonical_correlations);

  table.heading("Coupling: X1 | X0 = x and X0 | X1 = y are Gaussian, means slope x + offset");
  table.map("forward", plan.forward_map);
  table.matrix("forward cov", plan.forward_covariance);
  table.map("backward", plan.backward_map);
  table.matrix("backward cov", plan.backward_covariance);
  table.matrix("Cov(X0, X1)", plan.cross_covariance);

  table.heading("Potentials: value + gradient (x - centre) + (x - centre)^T hessian (x - centre) / 2");
  table.quadratic("source", plan.source_potential);
  table.quadratic("target", plan.target_potential);

  for (const GaussianSlice& slice : slices) {
    std::ostringstream heading;
    heading << "Time " << slice.time;
    table.heading(heading.str());
    table.vector("mean", slice.mean);
    table.matrix("covariance", slice.covariance);
    table.map("forward", slice.forward_drift);
    table.map("backward", slice.backward_drift);
    table.map("flow", slice.probability_flow);
  }
  return table.text().substr(1);
}

}  // namespace fortet::program
