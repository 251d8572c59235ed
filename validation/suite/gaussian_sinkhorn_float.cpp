#include "gaussian_sinkhorn.hpp"

namespace fortet::validation {

template void add_sinkhorn<float>(std::vector<Case>& cases, const std::string& suffix);

}  // namespace fortet::validation
