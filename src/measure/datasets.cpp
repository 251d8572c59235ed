#include "fortet/measure/datasets.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace fortet {
namespace {

constexpr std::array<std::string_view, 8> names = {"moons",        "s-curve",  "swiss-roll", "8gaussians",
                                                   "checkerboard", "pinwheel", "circles",    "mixture"};

struct Planar {
  double x, y;
};

constexpr double pi = 3.14159265358979323846;

/// Draw number i. Slot 0 holds the normal pair, 1 and 2 the uniforms.
KOKKOS_INLINE_FUNCTION Planar planar_draw(Shape shape, RandomKey key, std::uint64_t i) {
  const NormalPair z = random_normal_pair(key, i, 0);
  const double u = random_uniform(key, i, 1), v = random_uniform(key, i, 2);
  const auto noisy = [&z](double x, double y, double noise) {
    return Planar{x + noise * z.first, y + noise * z.second};
  };
  switch (shape) {
    case Shape::moons: {
      const double angle = pi * u, c = Kokkos::cos(angle), s = Kokkos::sin(angle);
      const bool outer = v < 0.5;
      return noisy(3 * (outer ? c : 1 - c) - 1, 3 * (outer ? s : 0.5 - s) - 1, 0.6);
    }
    case Shape::s_curve: {
      const double t = 3 * pi * (u - 0.5);
      return noisy(Kokkos::sin(t), (t < 0 ? -1 : 1) * (Kokkos::cos(t) - 1), 0.05);
    }
    case Shape::swiss_roll: {
      const double t = 3 * pi * (u + 0.5);
      return noisy(t * Kokkos::cos(t) / 5, t * Kokkos::sin(t) / 5, 0.1);
    }
    case Shape::eight_gaussians: {
      const double angle = pi / 4 * Kokkos::floor(8 * u);
      return noisy(5 * Kokkos::cos(angle), 5 * Kokkos::sin(angle), 0.5623413251903491);  // .1^(1/4)
    }
    case Shape::checkerboard: {
      const double column = Kokkos::floor(4 * u) - 2;  // -2 ... 1, squares of side 2 once scaled
      const double parity = column - 2 * Kokkos::floor(column / 2);
      const double row = 2 * Kokkos::floor(2 * v) - 2 + parity;
      return {2 * (4 * u - 2), 2 * (row + (2 * v - Kokkos::floor(2 * v)))};
    }
    case Shape::pinwheel: {
      const double radius = 1 + 0.3 * z.first, across = 0.1 * z.second;
      const double angle = 2 * pi / 5 * Kokkos::floor(5 * u) + 0.25 * Kokkos::exp(radius - 1);
      const double c = Kokkos::cos(angle), s = Kokkos::sin(angle);
      return {2 * (radius * c - across * s), 2 * (radius * s + across * c)};
    }
    case Shape::circles: {
      const double angle = 2 * pi * u, radius = v < 0.5 ? 3.0 : 1.5;
      return noisy(radius * Kokkos::cos(angle), radius * Kokkos::sin(angle), 0.24);
    }
    case Shape::mixture:
      return noisy(u < 0.5 ? -7 : 7, 0, 1);
  }
  return {0, 0};
}

}  // namespace

PlanarDataset::PlanarDataset(Shape shape, double scale) : shape_(shape), scale_(scale) {
  detail::require(std::isfinite(scale) && scale > 0, "fortet::PlanarDataset", "scale", scale,
                  "expected a finite number > 0");
}

void PlanarDataset::sample(const execution_space& exec, RandomKey key, Points<double> out) const {
  detail::require(out.extent(1) == 2, "fortet::PlanarDataset::sample", "out.extent(1)", out.extent(1),
                  "expected 2");
  const Shape shape = shape_;
  const double scale = scale_;
  Kokkos::parallel_for(
      "fortet::measure::planar_dataset", Kokkos::RangePolicy<execution_space>(exec, 0, out.extent(0)),
      KOKKOS_LAMBDA(const std::size_t i) {
        const Planar point = planar_draw(shape, key, i);
        out(i, 0) = scale * point.x;
        out(i, 1) = scale * point.y;
      });
}

std::span<const std::string_view> shape_names() { return names; }

Shape shape_from_name(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    std::string all = "expected one of";
    for (auto each : names) all.append(1, ' ').append(each);
    detail::reject("fortet::shape_from_name", "name", name, all);
  }
  return static_cast<Shape>(found - names.begin());
}

std::string_view to_string(Shape shape) { return names[static_cast<std::size_t>(shape)]; }

}  // namespace fortet
