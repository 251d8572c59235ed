#include "record.hpp"

namespace fortet::validation {

void Record::score(const std::string& metric, double value, Score floors) {
  const Threshold* threshold = find_threshold(name_, metric);
  if (!threshold) throw std::logic_error("no threshold for \"" + name_ + ": " + metric + "\"");
  floors.metric = metric;
  floors.value = value;
  floors.threshold = threshold->value;
  floors.reason = threshold->reason;
  floors.passed = value <= threshold->value;  // false for a NaN
  scores_.push_back(std::move(floors));
}

}  // namespace fortet::validation
