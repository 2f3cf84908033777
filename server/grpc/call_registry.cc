#include "server/grpc/call_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace oriel {

absl::Status CallRegistry::Add(std::shared_ptr<GenerationCall> call) {
  const std::lock_guard lock(mutex_);
  if (calls_.size() >= calls_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat(calls_.size(), " calls already run, the most that may; try again later"));
  }
  calls_.insert(std::move(call));
  return absl::OkStatus();
}

void CallRegistry::Remove(const std::shared_ptr<GenerationCall>& call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(call);
  if (calls_.empty()) emptied_.notify_all();
}

std::vector<std::shared_ptr<GenerationCall>> CallRegistry::calls() const {
  const std::lock_guard lock(mutex_);
  return {calls_.begin(), calls_.end()};
}

bool CallRegistry::WaitUntilEmpty(absl::Time deadline) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_until(lock, absl::ToChronoTime(deadline), [this] { return calls_.empty(); });
}

}  // namespace oriel
