#pragma once
// The cases of `fortet validate`. A case is a function that scores an answer against a truth; it is added to
// the list of its family, in one file.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fortet/matrix.hpp"
#include "fortet/random/philox.hpp"
#include "fortet/types.hpp"
#include "record.hpp"

namespace fortet::validation {

struct Setting {
  DefaultExec exec;
  RandomKey key;                    ///< of this case
  bool full = false;                ///< more sizes, more seeds
  std::filesystem::path data = {};  ///< a folder of data sets; empty: none
};

struct Case {
  std::string name;  ///< family/what/with what
  std::string what;  ///< a sentence for the report
  std::function<void(const Setting&, Record&)> run;
  bool full_only = false;
  std::string precision = "double";

  std::string family() const { return name.substr(0, name.find('/')); }
};

std::vector<Case> gaussian_cases();
std::vector<Case> discretisation_cases();
std::vector<Case> grid_cases();
std::vector<Case> limit_cases();
std::vector<Case> statistics_cases();
std::vector<Case> mixture_cases();
std::vector<Case> neural_cases();
std::vector<Case> generative_cases();
void add_digits(std::vector<Case>& cases);
/// All of them, in this order.
std::vector<Case> all_cases();

// ---- what several families need

/// sqrt(sum_i w_i |a_i - b_i|^2 / sum_i w_i |b_i|^2) over rows of `columns` values; empty weights are equal.
double relative_error(const std::vector<double>& a, const std::vector<double>& b,
                      const std::vector<double>& weights = {}, std::size_t columns = 1);
/// The exponent p of y ~ x^p, by least squares on logarithms.
double exponent(const std::vector<double>& x, const std::vector<double>& y);

/// scale times a random rotation of eigenvalues that fall geometrically from 1 to 1 / condition.
Matrix random_covariance(std::size_t d, double condition, RandomKey key, double scale = 1);

}  // namespace fortet::validation
