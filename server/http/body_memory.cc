#include "server/http/body_memory.h"

#include "kernels/core/check.h"

namespace oriel {

bool BodyMemory::TryTake(int64_t bytes) {
  ORIEL_CHECK(bytes >= 0);
  if (bytes_held_.fetch_add(bytes) + bytes <= bytes_max_) return true;
  bytes_held_ -= bytes;
  return false;
}

bool BodyHold::GrowTo(int64_t bytes) {
  if (!memory_->TryTake(bytes - bytes_)) return false;
  bytes_ = bytes;
  return true;
}

}  // namespace oriel
