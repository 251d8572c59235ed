#include "record.hpp"

namespace fortet::validation {

void Record::score(const std::string& metric, double value, Score floors) {
  const Threshold* threshold = find_threshold(name_, metric);
  if (!threshold) throw std::logic_error("no threshold for \"" + name_ + ": " + metric + "\"");
  floors.metric = metric;
  floors.value = value;
  floors.threshold = threshold->value;
  floors.reason = threshold->reason;
  judge(std::move(floors));
}

void Record::judge(Score score) {
  score.passed = score.value <= score.threshold;  // false for a NaN
  scores_.push_back(std::move(score));
}

}  // namespace fortet::validation
