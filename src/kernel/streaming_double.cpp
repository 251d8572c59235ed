#include "kernel/streaming_kernel.hpp"

namespace fortet::kernel {
FORTET_STREAMING_EVERYWHERE(, double, double)
}  // namespace fortet::kernel
