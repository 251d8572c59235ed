#pragma once
#include <string>

#include "fortet/types.hpp"

namespace fortet::detail {

/// A labelled vector on the device, its contents not set.
template <class Value = double>
Vector<Value> allocate(const DefaultExec& exec, const std::string& label, std::size_t n) {
  return Vector<Value>(Kokkos::view_alloc(exec, Kokkos::WithoutInitializing, label), n);
}

}  // namespace fortet::detail
