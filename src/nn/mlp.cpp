#include "fortet/nn/mlp.hpp"

#include <cmath>
#include <type_traits>

#include "instantiate.hpp"
#include "nn/host_path.hpp"
#include "nn/plan.hpp"
#include "nn/portable_path.hpp"

namespace fortet {
namespace {

template <class Memory>
inline constexpr bool on_host = std::is_same_v<Memory, Kokkos::HostSpace>;

template <class Real, class Memory>
using Path = std::conditional_t<on_host<Memory>, nn::HostPath<Real>, nn::PortablePath<Real, Memory>>;

void require_shape(const char* function, const char* name, std::size_t value, std::size_t expected) {
  detail::require(value == expected, function, name, value, "expected " + std::to_string(expected));
}

/// What every batch function asks of its arguments.
template <class Real, class Memory>
void require_batch(const char* function, const nn::Plan& plan, const ConstVector<Real, Memory>& parameters,
                   const ConstVector<Real, Memory>& times, const ConstPoints<Real, Memory>& x) {
  require_shape(function, "parameters.extent(0)", parameters.extent(0), plan.parameters);
  require_shape(function, "x.extent(1)", x.extent(1), static_cast<std::size_t>(plan.dimension));
  require_shape(function, "times.extent(0)", times.extent(0), x.extent(0));
}

template <class Real, class Memory>
void require_like(const char* function, const char* name, const ConstPoints<Real, Memory>& view,
                  const ConstPoints<Real, Memory>& x) {
  require_shape(function, name, view.extent(0), x.extent(0));
  require_shape(function, name, view.extent(1), x.extent(1));
}

}  // namespace

template <class Real, class Memory>
Mlp<Real, Memory>::Mlp(int dimension, const Architecture& architecture) {
  detail::require(dimension >= 1, "fortet::Mlp", "dimension", dimension, "expected at least 1");
  architecture.validate("fortet::Mlp");
  plan_ = std::make_shared<const nn::Plan>(nn::make_plan(dimension, architecture));
}

template <class Real, class Memory>
const Architecture& Mlp<Real, Memory>::architecture() const {
  return plan_->architecture;
}

template <class Real, class Memory>
int Mlp<Real, Memory>::dimension() const {
  return plan_->dimension;
}

template <class Real, class Memory>
std::size_t Mlp<Real, Memory>::parameter_count() const {
  return plan_->parameters;
}

template <class Real, class Memory>
std::string Mlp<Real, Memory>::describe() const {
  return "mlp d=" + std::to_string(plan_->dimension) + " " + plan_->architecture.describe();
}

template <class Real, class Memory>
void Mlp<Real, Memory>::initialise(RandomKey key, Vector<Real, Memory> parameters) const {
  require_shape("fortet::Mlp::initialise", "parameters.extent(0)", parameters.extent(0), plan_->parameters);
  auto host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, parameters);
  for (const nn::Layer& layer : plan_->layers) {
    const bool output = layer.to == plan_->output_row;
    const double bound = output ? 0 : 1 / std::sqrt(static_cast<double>(layer.in));
    const std::size_t end = layer.bias + static_cast<std::size_t>(layer.out);
    for (std::size_t i = layer.weight; i < end; ++i)
      host(i) = static_cast<Real>(bound * (2 * random_uniform(key, i, 0) - 1));
  }
  Kokkos::deep_copy(parameters, host);
}

template <class Real, class Memory>
void Mlp<Real, Memory>::evaluate(const execution_space& exec, ConstVector<Real, Memory> parameters,
                                 ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                                 Points<Real, Memory> out) const {
  const char* where = "fortet::Mlp::evaluate";
  require_batch<Real, Memory>(where, *plan_, parameters, times, x);
  require_like<Real, Memory>(where, "out.extent", out, x);
  Path<Real, Memory>::evaluate(exec, *plan_, parameters, times, x, out);
}

template <class Real, class Memory>
void Mlp<Real, Memory>::vjp(const execution_space& exec, ConstVector<Real, Memory> parameters,
                            ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                            ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
                            Points<Real, Memory> input_cotangent, Scratch& scratch) const {
  const char* where = "fortet::Mlp::vjp";
  require_batch<Real, Memory>(where, *plan_, parameters, times, x);
  require_like<Real, Memory>(where, "cotangent.extent", cotangent, x);
  if (gradient.extent(0) > 0)
    require_shape(where, "gradient.extent(0)", gradient.extent(0), plan_->parameters);
  if (input_cotangent.extent(0) > 0)
    require_like<Real, Memory>(where, "input_cotangent.extent", input_cotangent, x);
  Path<Real, Memory>::vjp(exec, *plan_, parameters, times, x, cotangent, gradient, input_cotangent, scratch);
}

template <class Real, class Memory>
double Mlp<Real, Memory>::loss_gradient(const execution_space& exec, ConstVector<Real, Memory> parameters,
                                        const Batch<Real, Memory>& batch, Vector<Real, Memory> gradient,
                                        Scratch& scratch) const {
  const char* where = "fortet::Mlp::loss_gradient";
  require_batch<Real, Memory>(where, *plan_, parameters, batch.times, batch.x);
  require_like<Real, Memory>(where, "batch.target.extent", batch.target, batch.x);
  require_shape(where, "batch.weights.extent(0)", batch.weights.extent(0), batch.x.extent(0));
  require_shape(where, "gradient.extent(0)", gradient.extent(0), plan_->parameters);
  if constexpr (on_host<Memory>)
    return nn::HostPath<Real>::loss_gradient(exec, *plan_, parameters, batch, gradient, scratch);
  else
    return Base::loss_gradient(exec, parameters, batch, gradient, scratch);
}

template <class Real, class Memory>
void Mlp<Real, Memory>::walk(const execution_space& exec, ConstVector<Real, Memory> parameters,
                             const std::vector<ChainStep>& steps, RandomKey key, Points<Real, Memory> x,
                             Paths<Real, Memory> path, Paths<Real, Memory> reversals) const {
  if constexpr (on_host<Memory>)
    nn::HostPath<Real>::walk(exec, *plan_, parameters, steps, key, x, path, reversals);
  else
    Base::walk(exec, parameters, steps, key, x, path, reversals);
}

#define FORTET_INSTANTIATE(Real, Memory) template class Mlp<Real, Memory>;
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
