#include "program/compare_sinkhorn.hpp"

namespace fortet::program {

template Solved solve_by_sinkhorn<double>(const Setting&, const std::string&, const std::string&);

}  // namespace fortet::program
