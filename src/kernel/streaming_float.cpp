#include "kernel/streaming_kernel.hpp"

namespace fortet::kernel {
FORTET_STREAMING_EVERYWHERE(, float, float)
}  // namespace fortet::kernel
