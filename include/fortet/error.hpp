#pragma once
// The one error policy: a caller's mistake is an InvalidArgument, a failing backend or file system is a
// BackendError, not converging is a Report::status, and our own bugs are asserts.
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fortet {

/// A caller's mistake. The message names the function, the argument, its value and what is allowed.
class InvalidArgument : public std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// Something outside the library failed: a file, a device, a library underneath.
class BackendError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace detail {

/// Throws InvalidArgument: "<function>: <argument> = <value> is not allowed; <allowed>".
template <class Value>
[[noreturn]] void reject(std::string_view function, std::string_view argument, const Value& value,
                         std::string_view allowed) {
  std::ostringstream text;
  text.precision(17);
  text << function << ": " << argument << " = " << value << " is not allowed; " << allowed;
  throw InvalidArgument(text.str());
}

/// reject() unless `ok`.
template <class Value>
void require(bool ok, std::string_view function, std::string_view argument, const Value& value,
             std::string_view allowed) {
  if (!ok) reject(function, argument, value, allowed);
}

}  // namespace detail
}  // namespace fortet
