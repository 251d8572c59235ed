#include "fortet/nn/affine_steps.hpp"

#include "instantiate.hpp"
#include "nn/least_squares.hpp"

namespace fortet {
namespace {

/// Index of the label nearest to tau.
template <class Labels, class Real>
KOKKOS_INLINE_FUNCTION std::size_t nearest(const Labels& labels, Real tau) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < labels.extent(0); ++k)
    if (Kokkos::abs(labels(k) - tau) < Kokkos::abs(labels(best) - tau)) best = k;
  return best;
}

/// out = slope x + offset, or slope^T x when transposed.
template <class Real, class Memory>
void apply(const typename Memory::execution_space& exec, ConstVector<Real, Memory> labels,
           ConstVector<Real, Memory> parameters, ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
           Points<Real, Memory> out, bool transposed) {
  const std::size_t d = x.extent(1);
  Kokkos::parallel_for(
      "fortet::nn::affine_steps", Kokkos::RangePolicy<typename Memory::execution_space>(exec, 0, x.extent(0)),
      KOKKOS_LAMBDA(const std::size_t r) {
        const std::size_t slope = nearest(labels, times(r)) * (d + 1) * d, offset = slope + d * d;
        for (std::size_t i = 0; i < d; ++i) {
          Real sum = transposed ? Real{0} : parameters(offset + i);
          for (std::size_t j = 0; j < d; ++j)
            sum += parameters(slope + (transposed ? j * d + i : i * d + j)) * x(r, j);
          out(r, i) = sum;
        }
      });
}

/// n x d values in double, coordinate-major.
template <class Real, class Memory>
std::vector<double> columns(const ConstPoints<Real, Memory>& points) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, points);
  std::vector<double> out(host.extent(0) * host.extent(1));
  for (std::size_t k = 0; k < host.extent(1); ++k)
    for (std::size_t i = 0; i < host.extent(0); ++i)
      out[k * host.extent(0) + i] = static_cast<double>(host(i, k));
  return out;
}

}  // namespace

template <class Real, class Memory>
AffineSteps<Real, Memory>::AffineSteps(int dimension, std::vector<double> labels)
    : dimension_(dimension), labels_(std::move(labels)) {
  constexpr const char* where = "fortet::AffineSteps";
  detail::require(dimension >= 1, where, "dimension", dimension, "expected at least 1");
  detail::require(!labels_.empty(), where, "labels", "empty", "expected at least one");
  for (std::size_t k = 1; k < labels_.size(); ++k)
    detail::require(labels_[k] > labels_[k - 1], where, "labels[" + std::to_string(k) + "]", labels_[k],
                    "expected labels that increase strictly");
  device_labels_ = vector_from_host<Real, Memory>(std::span<const double>(labels_));
}

template <class Real, class Memory>
std::size_t AffineSteps<Real, Memory>::parameter_count() const {
  const auto d = static_cast<std::size_t>(dimension_);
  return labels_.size() * (d + 1) * d;
}

template <class Real, class Memory>
std::string AffineSteps<Real, Memory>::describe() const {
  return "affine steps d=" + std::to_string(dimension_) + " labels=" + std::to_string(labels_.size());
}

template <class Real, class Memory>
void AffineSteps<Real, Memory>::initialise(RandomKey, Vector<Real, Memory> parameters) const {
  Kokkos::deep_copy(parameters, Real{0});
}

template <class Real, class Memory>
void AffineSteps<Real, Memory>::evaluate(const execution_space& exec, ConstVector<Real, Memory> parameters,
                                         ConstVector<Real, Memory> times, ConstPoints<Real, Memory> x,
                                         Points<Real, Memory> out) const {
  apply<Real, Memory>(exec, device_labels_, parameters, times, x, out, false);
}

template <class Real, class Memory>
void AffineSteps<Real, Memory>::vjp(const execution_space& exec, ConstVector<Real, Memory> parameters,
                                    ConstVector<Real, Memory> times, ConstPoints<Real, Memory> /*x*/,
                                    ConstPoints<Real, Memory> cotangent, Vector<Real, Memory> gradient,
                                    Points<Real, Memory> input_cotangent, Scratch& /*scratch*/) const {
  detail::require(gradient.extent(0) == 0, "fortet::AffineSteps::vjp", "gradient.extent(0)",
                  gradient.extent(0), "this model is fitted by least squares and has no parameter gradient");
  if (input_cotangent.extent(0) > 0)
    apply<Real, Memory>(exec, device_labels_, parameters, times, cotangent, input_cotangent, true);
}

template <class Real, class Memory>
void AffineSteps<Real, Memory>::fit(std::size_t label, ConstPoints<Real, Memory> x,
                                    ConstPoints<Real, Memory> target, Vector<Real, Memory> parameters) const {
  const auto d = static_cast<std::size_t>(dimension_);
  const auto given = columns<Real, Memory>(x), wanted = columns<Real, Memory>(target);
  const AffineMap map = nn::least_squares(given.data(), wanted.data(), x.extent(0), d);
  const std::size_t first = label * (d + 1) * d;
  const auto part = Kokkos::subview(parameters, std::make_pair(first, first + (d + 1) * d));
  const auto host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, part);
  for (std::size_t i = 0; i < d * d; ++i) host(i) = static_cast<Real>(map.slope.data()[i]);
  for (std::size_t i = 0; i < d; ++i) host(d * d + i) = static_cast<Real>(map.offset[i]);
  Kokkos::deep_copy(part, host);
}

template <class Real, class Memory>
AffineMap AffineSteps<Real, Memory>::map(std::size_t label, ConstVector<Real, Memory> parameters) const {
  const auto d = static_cast<std::size_t>(dimension_);
  detail::require(label < labels_.size(), "fortet::AffineSteps::map", "label", label,
                  "expected less than the number of labels");
  const auto all = to_host(Vector<const Real, Memory>(parameters));
  const double* part = all.data() + label * (d + 1) * d;
  AffineMap out{Matrix(d, d), std::vector<double>(part + d * d, part + (d + 1) * d)};
  std::copy(part, part + d * d, out.slope.data());
  return out;
}

#define FORTET_INSTANTIATE(Real, Memory) template class AffineSteps<Real, Memory>;
FORTET_FOR_EACH_REAL_AND_MEMORY(FORTET_INSTANTIATE)

}  // namespace fortet
