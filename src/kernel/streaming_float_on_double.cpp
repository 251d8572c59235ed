#include "kernel/streaming_kernel.hpp"

namespace fortet::kernel {
FORTET_STREAMING_EVERYWHERE(, float, double)
}  // namespace fortet::kernel
