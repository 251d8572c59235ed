#pragma once
#include <span>
#include <string_view>

#include "fortet/concepts.hpp"

namespace fortet {

/// The planar distributions generative models are shown on. U is uniform, Z standard normal in the plane.
enum class Shape {
  moons,            ///< two half circles, 3 (x, y) - 1 of scikit-learn's make_moons with noise .2 (torchcfm)
  s_curve,          ///< (sin t, sign(t) (cos t - 1)), t = 3 pi (U - 1/2), noise .05
  swiss_roll,       ///< (t cos t, t sin t) / 5, t = 3 pi (U + 1/2), noise .1
  eight_gaussians,  ///< centres evenly on the circle of radius 5, covariance sqrt(.1) I (as torchcfm draws
                    ///< it)
  checkerboard,     ///< uniform on the dark squares of side 2 of [-4, 4]^2
  pinwheel,         ///< five arms: radius 2 + .6 Z1, bent by angle exp(radius / 2 - 1)/4, width .2
  circles,          ///< radii 3 and 1.5, noise .24
  mixture           ///< two standard normals at (-7, 0) and (7, 0)
};

/// scale * (a Shape), as a measure to draw from. Parameters and draws are double. Models SamplableMeasure.
class PlanarDataset {
 public:
  using scalar_type = double;
  using memory_space = DefaultMemory;
  using execution_space = DefaultExec;

  /// Throws InvalidArgument unless scale is finite and > 0.
  explicit PlanarDataset(Shape shape, double scale = 1);

  static constexpr int dimension() { return 2; }
  Shape shape() const { return shape_; }
  double scale() const { return scale_; }
  /// Asynchronous; O(1) a row. Throws InvalidArgument unless `out` has two columns.
  void sample(const execution_space& exec, RandomKey key, Points<double> out) const;

 private:
  Shape shape_;
  double scale_;
};

/// "moons", "s-curve", "swiss-roll", "8gaussians", "checkerboard", "pinwheel", "circles", "mixture".
std::span<const std::string_view> shape_names();
/// The shape of that name. Throws InvalidArgument that lists the names.
Shape shape_from_name(std::string_view name);
std::string_view to_string(Shape shape);

}  // namespace fortet
