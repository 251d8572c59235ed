#include "fortet/coupling/gaussian_bridge.hpp"
#include "program/compare_solvers.hpp"

namespace fortet::program {

Solved solve_in_closed_form(const Setting& setting) {
  const auto* source = std::get_if<Gaussian>(&setting.source);
  const auto* target = std::get_if<Gaussian>(&setting.target);
  detail::require(source && target, "fortet compare", "--solver", "gaussian",
                  "it needs a Gaussian source and a Gaussian target");
  const auto begin = std::chrono::steady_clock::now();
  return std::visit(
      [&](const auto& reference) {
        Solved result = solved(setting.exec, "gaussian", "closed form",
                               gaussian_bridge(Problem{*source, *target, reference}));
        result.seconds = seconds_since(begin);
        return result;
      },
      setting.reference);
}

}  // namespace fortet::program
