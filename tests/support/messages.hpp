#pragma once
// What the exceptions that a test provokes say.
#include <string>

#include "fortet/error.hpp"

namespace fortet::test {

/// Message of the exception of this type that `call` throws.
template <class Error = InvalidArgument, class F>
std::string message(F call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace fortet::test
