#include "engine/base/histogram.h"

#include <algorithm>
#include <cstddef>

namespace oriel {

void Histogram::Observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++bucket_counts_[static_cast<size_t>(bucket - bounds_.begin())];
  ++count_;
  sum_ += value;
}

}  // namespace oriel
