#pragma once
#include <stdexcept>
#include <string_view>

#include "fortet/compare/comparison.hpp"

namespace support {

/// The row of a metric, of the law whose name begins so.
inline const fortet::ComparisonRow& row(const fortet::Comparison& c, std::string_view metric,
                                        std::string_view law) {
  for (const fortet::ComparisonRow& candidate : c.rows)
    if (candidate.metric == metric && candidate.law.starts_with(law)) return candidate;
  throw std::runtime_error("no such row");
}

}  // namespace support
