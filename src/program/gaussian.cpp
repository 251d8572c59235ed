#include "program/gaussian.hpp"

#include "fortet/coupling/gaussian_bridge.hpp"
#include "fortet/io/atomic_file.hpp"
#include "fortet/io/measures.hpp"
#include "program/input.hpp"
#include "program/output.hpp"

namespace fortet::program {
namespace {

Gaussian gaussian_of(const MeasureDescription& description, const std::string& key) {
  if (!std::holds_alternative<GaussianDescription>(description))
    throw InvalidArgument(key + ".type: closed forms need a gaussian");
  return std::get<Gaussian>(make_measure(description, key));
}

template <class Ref>
int show(const GaussianBridge<Ref>& bridge, const GaussianArguments& a) {
  std::vector<GaussianSlice> slices;
  for (double fraction : a.times) slices.push_back(bridge.at(fraction * bridge.reference().horizon));
  if (a.output)
    write_text(*a.output, gaussian_json(bridge.plan(), slices));
  else if (!a.quiet)
    std::cout << gaussian_table(bridge.plan(), slices);
  return exit_code::converged;
}

}  // namespace

int run_gaussian(const GaussianArguments& arguments) {
  const ProblemDescription problem = reading([&] { return read_problem(arguments.problem); });
  const Gaussian source = gaussian_of(problem.source, "source"),
                 target = gaussian_of(problem.target, "target");
  return std::visit(
      [&]<class Ref>(const Ref& reference) {
        return show(GaussianBridge<Ref>(source, target, reference), arguments);
      },
      problem.reference);
}

}  // namespace fortet::program
