// A Schroedinger bridge learnt from samples.
#include <cmath>
#include <fortet/fortet.hpp>
#include <iostream>

int main(int argc, char** argv) {
  Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;

  // [train]
  fortet::NeuralOptions training{.iterations = 2, .seed = 1};
  training.training = {
      .steps = 500, .batch = 256, .adam = {.schedule = fortet::LearningRate::cosine}};  // a round
  training.checkpoint = "run.state";  // saved after every round; training.resume = true goes on from it
  const fortet::Problem problem{fortet::PlanarDataset(fortet::Shape::eight_gaussians),
                                fortet::PlanarDataset(fortet::Shape::moons), fortet::Brownian{.sigma = 2}};
  const auto [bridge, report] =
      fortet::Dsbm<float>({training, fortet::FirstCoupling::entropic}).solve(exec, problem);
  fortet::write_bridge("bridge.state", bridge);
  // [/train]

  std::cout << report;
  return std::isfinite(report.marginal_error) && report.marginal_error < 1 ? 0 : 1;
}
