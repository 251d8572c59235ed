#include "timed_solvers.hpp"

#include <chrono>

#include "fortet/coupling/grid_bridge.hpp"
#include "fortet/coupling/lift.hpp"
#include "fortet/measure/draw.hpp"
#include "fortet/solver/grid_ipf.hpp"
#include "fortet/solver/sinkhorn.hpp"

namespace fortet::validation {

Timed timed_sinkhorn(const Setting& setting, const GaussianBridge<Brownian>& exact, std::size_t n) {
  const auto x = draw(setting.exec, exact.source(), n, setting.key.child(n)),
             y = draw(setting.exec, exact.target(), n, setting.key.child(n + 1));
  const auto [coupling, report] =
      Sinkhorn<double>({.tolerance = 1e-4}).solve(setting.exec, Problem{x, y, exact.reference()});
  const auto bridge = lift(coupling);
  return {report.seconds, half_way_error(setting, exact, side_of(setting, bridge))};
}

Timed timed_grid(const Setting& setting, const GaussianBridge<Brownian>& exact, int side) {
  const RegularGrid square{{-7, 7, side}, {-7, 7, side}};
  const auto [coupling, report] =
      GridIpf<double>({.tolerance = 1e-11})
          .solve(setting.exec,
                 Problem{discretise(setting.exec, exact.source(), square, 1),
                         discretise(setting.exec, exact.target(), square, 1), exact.reference()});
  const auto solved = bridge(setting.exec, coupling);
  return {report.seconds, half_way_error(setting, exact, side_of(setting, solved))};
}

}  // namespace fortet::validation
