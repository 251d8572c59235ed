#include "gaussian_sinkhorn.hpp"

namespace fortet::validation {

template void add_sinkhorn<double>(std::vector<Case>& cases, const std::string& suffix);

}  // namespace fortet::validation
