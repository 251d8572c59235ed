#include "fortet/nn/drift_model.hpp"

#include "instantiate.hpp"

namespace fortet {
namespace {

template <class Real, class Memory>
Points<Real, Memory> allocate(const typename Memory::execution_space& exec, const std::string& label,
                              std::size_t n, std::size_t d) {
  return Points<Real, Memory>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), n, d);
}

/// values <- 2 w (values - target) / n, and the loss: partial sums over fixed chunks of rows, added in order.
template <class Real, class Memory>
double squared_error(const typename Memory::execution_space& exec, const Batch<Real, Memory>& batch,
                     Points<Real, Memory> values) {
  using Exec = typename Memory::execution_space;
  constexpr std::size_t chunk = 64;
  const std::size_t n = values.extent(0), d = values.extent(1), chunks = (n + chunk - 1) / chunk;
  Vector<double, Memory> partial(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::nn::partial"),
                                 chunks);
  Kokkos::parallel_for(
      "fortet::nn::squared_error", Kokkos::RangePolicy<Exec>(exec, 0, chunks),
      KOKKOS_LAMBDA(const std::size_t c) {
        double sum = 0;
        for (std::size_t r = c * chunk; r < n && r < (c + 1) * chunk; ++r)
          for (std::size_t k = 0; k < d; ++k) {
            const Real weight = batch.weights(r) / static_cast<Real>(n);
            const Real error = values(r, k) - batch.target(r, k);
            sum += static_cast<double>(weight * error * error);
            values(r, k) = 2 * weight * error;
          }
        partial(c) = sum;
      });
  double loss = 0;
  for (double part : to_host(partial)) loss += part;
  return loss;
}

template <class Real, class Memory>
void chain_step(const typename Memory::execution_space& exec, const ChainStep& step, RandomKey key,
                ConstPoints<Real, Memory> drift, Points<Real, Memory> x) {
  const Real length = static_cast<Real>(step.length), noise = static_cast<Real>(step.noise);
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::nn::chain_step", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; k += 2) {
          const NormalPair z =
              noise > 0 ? random_normal_pair(key, r, static_cast<std::uint32_t>(k / 2)) : NormalPair{0, 0};
          x(r, k) += length * drift(r, k) + noise * static_cast<Real>(z.first);
          if (k + 1 < d) x(r, k + 1) += length * drift(r, k + 1) + noise * static_cast<Real>(z.second);
        }
      });
}

/// out <- a x + b y + c out
template <class Real, class Memory>
void combine(const typename Memory::execution_space& exec, Real a, ConstPoints<Real, Memory> x, Real b,
             ConstPoints<Real, Memory> y, Real c, Points<Real, Memory> out) {
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::nn::combine", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; ++k) {
          const Real sum = a * x(r, k) + b * y(r, k);
          out(r, k) = c == 0 ? sum : sum + c * out(r, k);
        }
      });
}

/// out += factor * sum_k probe_k product_k
template <class Real, class Memory>
void add_products(const typename Memory::execution_space& exec, ConstPoints<Real, Memory> probe,
                  ConstPoints<Real, Memory> product, Real factor, Vector<Real, Memory> out) {
  const std::size_t d = probe.extent(1);
  Kokkos::parallel_for(
      "fortet::nn::add_products",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        Real sum = 0;
        for (std::size_t k = 0; k < d; ++k) sum += probe(r, k) * product(r, k);
        out(r) += factor * sum;
      });
}

template <class Real, class Memory>
void random_signs(const typename Memory::execution_space& exec, RandomKey key, Points<Real, Memory> out) {
  const std::size_t d = out.extent(1);
  Kokkos::parallel_for(
      "fortet::nn::random_signs",
      Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        for (std::size_t k = 0; k < d; ++k)
          out(r, k) = random_uniform(key, r, static_cast<std::uint32_t>(k)) < 0.5 ? Real{-1} : Real{1};
      });
}

}  // namespace

template <class Real, class Memory>
double DriftModel<Real, Memory>::loss_gradient(const execution_space& exec,
                                               ConstVector<Real, Memory> parameters,
                                               const Batch<Real, Memory>& batch,
                                               Vector<Real, Memory> gradient, Scratch& scratch) const {
  const std::size_t n = batch.x.extent(0), d = batch.x.extent(1);
  if (scratch.values.extent(0) != n || scratch.values.extent(1) != d)
    scratch.values = allocate<Real, Memory>(exec, "fortet::nn::values", n, d);
  evaluate(exec, parameters, batch.times, batch.x, scratch.values);
  const double loss = squared_error(exec, batch, scratch.values);
  vjp(exec, parameters, batch.times, batch.x, scratch.values, gradient, {}, scratch);
  return loss;
}

template <class Real, class Memory>
void DriftModel<Real, Memory>::walk(const execution_space& exec, ConstVector<Real, Memory> parameters,
                                    const std::vector<ChainStep>& steps, RandomKey key,
                                    Points<Real, Memory> x, Paths<Real, Memory> path,
                                    Paths<Real, Memory> reversals) const {
  const auto drift = allocate<Real, Memory>(exec, "fortet::nn::drift", x.extent(0), x.extent(1));
  Vector<Real, Memory> times(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, "fortet::nn::times"),
                             x.extent(0));
  const auto save = [&](std::size_t s) {
    if (path.extent(0) > 0) Kokkos::deep_copy(exec, Kokkos::subview(path, Kokkos::ALL, Kokkos::ALL, s), x);
  };
  for (std::size_t s = 0; s < steps.size(); ++s) {
    save(s);
    Kokkos::deep_copy(exec, times, static_cast<Real>(steps[s].time));
    evaluate(exec, parameters, times, x, drift);
    if (reversals.extent(0) == 0) {
      chain_step<Real, Memory>(exec, steps[s], key.child(s), drift, x);
      continue;
    }
    const Points<Real, Memory> reversal = Kokkos::subview(reversals, Kokkos::ALL, Kokkos::ALL, s);
    combine<Real, Memory>(exec, 1, x, static_cast<Real>(steps[s].length), drift, Real{0}, reversal);
    chain_step<Real, Memory>(exec, steps[s], key.child(s), drift, x);
    evaluate(exec, parameters, times, x, drift);
    const Real scale = 1 / static_cast<Real>(steps[s].length);
    combine<Real, Memory>(exec, -scale, x, Real{-1}, drift, scale, reversal);
  }
  save(steps.size());
}

template <class Real, class Memory>
void divergence(const typename Memory::execution_space& exec, const DriftModel<Real, Memory>& model,
                ConstVector<Real, Memory> parameters, ConstVector<Real, Memory> times,
                ConstPoints<Real, Memory> x, Vector<Real, Memory> out) {
  const std::size_t n = x.extent(0), d = x.extent(1);
  const auto basis = allocate<Real, Memory>(exec, "fortet::nn::basis", n, d);
  const auto product = allocate<Real, Memory>(exec, "fortet::nn::product", n, d);
  ModelScratch<Real, Memory> scratch;
  Kokkos::deep_copy(exec, out, Real{0});
  for (std::size_t k = 0; k < d; ++k) {
    Kokkos::deep_copy(exec, basis, Real{0});
    Kokkos::deep_copy(exec, Kokkos::subview(basis, Kokkos::ALL, k), Real{1});
    model.vjp(exec, parameters, times, x, basis, {}, product, scratch);
    add_products<Real, Memory>(exec, basis, product, Real{1}, out);
  }
}

template <class Real, class Memory>
void hutchinson_divergence(const typename Memory::execution_space& exec,
                           const DriftModel<Real, Memory>& model, ConstVector<Real, Memory> parameters,
                           ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x, RandomKey key,
                           int probes, Vector<Real, Memory> out) {
  detail::require(probes >= 1, "fortet::hutchinson_divergence", "probes", probes, "expected at least 1");
  const auto signs = allocate<Real, Memory>(exec, "fortet::nn::signs", x.extent(0), x.extent(1));
  const auto product = allocate<Real, Memory>(exec, "fortet::nn::product", x.extent(0), x.extent(1));
  ModelScratch<Real, Memory> scratch;
  Kokkos::deep_copy(exec, out, Real{0});
  for (int probe = 0; probe < probes; ++probe) {
    random_signs(exec, key.child(static_cast<std::uint64_t>(probe)), signs);
    model.vjp(exec, parameters, times, x, signs, {}, product, scratch);
    add_products<Real, Memory>(exec, signs, product, Real{1} / static_cast<Real>(probes), out);
  }
}

#define FORTET_INSTANTIATE(Real, Memory)                                                                    \
  template class DriftModel<Real, Memory>;                                                                  \
  template void divergence(const Memory::execution_space&, const DriftModel<Real, Memory>&,                 \
                           ConstVector<Real, Memory>, ConstVector<Real, Memory>, ConstPoints<Real, Memory>, \
                           Vector<Real, Memory>);                                                           \
  template void hutchinson_divergence(const Memory::execution_space&, const DriftModel<Real, Memory>&,      \
                                      ConstVector<Real, Memory>, ConstVector<Real, Memory>,                 \
                                      ConstPoints<Real, Memory>, RandomKey, int, Vector<Real, Memory>);
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
