#include "server/request_memory.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "server/error_mapping.h"

namespace oriel {

bool RequestMemory::TryTake(int64_t bytes) {
  ORIEL_CHECK(bytes >= 0);
  int64_t held = bytes_held_;
  do {
    if (bytes > bytes_max_ - held) return false;
  } while (!bytes_held_.compare_exchange_weak(held, held + bytes));
  return true;
}

absl::Status RequestHold::GrowTo(int64_t bytes) {
  const int64_t wanted = std::max<int64_t>(0, bytes - kUncountedBytes);
  if (!memory_->TryTake(wanted - bytes_held_)) return RequestMemoryFullError(memory_->bytes_max());
  bytes_held_ = wanted;
  return absl::OkStatus();
}

absl::Status RequestMemoryFullError(int64_t bytes_max) {
  return WithErrorCode(absl::ResourceExhaustedError(absl::StrCat(
                           "all requests that arrive or wait to be read would hold more than ",
                           bytes_max, " bytes, the most that they may together")),
                       "request_memory_full");
}

}  // namespace oriel
