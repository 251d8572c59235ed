#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace fortet::kernel {

/// A buffer whose start is aligned for the tiles; it keeps its memory when it shrinks. A copy would begin
/// elsewhere in its memory.
template <class Real>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&&) noexcept = default;
  AlignedBuffer& operator=(AlignedBuffer&&) noexcept = default;
  AlignedBuffer(std::size_t size, Real fill) : values_(size + 64 / sizeof(Real), fill) {}
  void grow(std::size_t size) {
    if (values_.size() < size + 64 / sizeof(Real)) values_.resize(size + 64 / sizeof(Real));
  }
  Real* data() { return const_cast<Real*>(std::as_const(*this).data()); }
  const Real* data() const {
    const auto address = reinterpret_cast<std::uintptr_t>(values_.data());
    return reinterpret_cast<const Real*>((address + 63) / 64 * 64);
  }

 private:
  std::vector<Real> values_;
};

}  // namespace fortet::kernel
