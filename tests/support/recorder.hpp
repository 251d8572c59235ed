#pragma once
#include <string>
#include <vector>

#include "fortet/nn/drift_model.hpp"

namespace oracle {

using namespace fortet;

/// A model that learns nothing and keeps every batch it was shown; its drift is zero.
class Recorder final : public DriftModel<double> {
 public:
  int dimension() const override { return 1; }
  std::size_t parameter_count() const override { return 1; }
  std::string describe() const override { return "recorder"; }
  void initialise(RandomKey, Vector<double> parameters) const override { Kokkos::deep_copy(parameters, 0.0); }
  void evaluate(const DefaultExec&, ConstVector<double>, ConstVector<double>, ConstPoints<double>,
                Points<double> out) const override {
    Kokkos::deep_copy(out, 0.0);
  }
  void vjp(const DefaultExec&, ConstVector<double>, ConstVector<double>, ConstPoints<double>,
           ConstPoints<double>, Vector<double> gradient, Points<double>, Scratch&) const override {
    Kokkos::deep_copy(gradient, 0.0);
  }
  double loss_gradient(const DefaultExec&, ConstVector<double>, const Batch<double>& batch,
                       Vector<double> gradient, Scratch&) const override {
    Kokkos::deep_copy(gradient, 0.0);
    seen.push_back({to_host(batch.times), to_host(batch.x), to_host(batch.target)});
    return 0;
  }

  struct Seen {
    std::vector<double> times, x, target;
  };
  mutable std::vector<Seen> seen;
};

}  // namespace oracle
