#pragma once
// Affine maps and Gaussian noise on rows of points: what every Gaussian closed form is on the device.
#include <vector>

#include "fortet/matrix.hpp"
#include "fortet/random/philox.hpp"
#include "fortet/types.hpp"
#include "gaussian/centred_map.hpp"

namespace fortet::gaussian {

/// out_i = map(x_i). Asynchronous after an O(d^2) copy; O(d^2) a row. `out` and `x` must not overlap.
void apply(const DefaultExec& exec, const CentredMap& map, ConstPoints<double> x, Points<double> out);

/// out_i += matrix x_i.
void add_product(const DefaultExec& exec, const Matrix& matrix, ConstPoints<double> x, Points<double> out);

/// out_i += root z_i with z_i independent standard normals.
void add_noise(const DefaultExec& exec, RandomKey key, const Matrix& root, Points<double> out);

/// Every row of `out` becomes `value`.
void fill_rows(const DefaultExec& exec, const std::vector<double>& value, Points<double> out);

/// out_i = form(x_i).
void evaluate(const DefaultExec& exec, const Quadratic& form, ConstPoints<double> x, Vector<double> out);

/// out_i = constant + factor |x_i|^2.
void squared_norms(const DefaultExec& exec, double constant, double factor, ConstPoints<double> x,
                   Vector<double> out);

/// A copy in the points' memory; `values` may go once this returns.
Vector<const double> upload(const DefaultExec& exec, const std::vector<double>& values);

/// An uninitialised n x d array, allocated on `exec`.
Points<double> workspace(const DefaultExec& exec, std::size_t n, std::size_t d);

/// Throws InvalidArgument in `function`'s name unless `points` has d columns.
void require_columns(const char* function, const char* argument, std::size_t columns, int d);
/// ... unless the two have as many rows.
void require_rows(const char* function, const char* argument, std::size_t rows, std::size_t expected);

}  // namespace fortet::gaussian
