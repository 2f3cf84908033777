#include "engine/request/token_stream.h"

#include <iterator>
#include <utility>

namespace oriel {

void TokenStream::SetWakeup(std::function<void()> wakeup) {
  std::function<void()> call;
  {
    absl::MutexLock lock(&mutex_);
    wakeup_ = std::move(wakeup);
    if (!events_.empty()) call = wakeup_;
  }
  if (call) call();
}

void TokenStream::Push(TokenEvent event) {
  // The wake-up runs outside the lock: it may post to an executor that drains this stream at once.
  std::function<void()> call;
  {
    absl::MutexLock lock(&mutex_);
    if (finished_) return;
    finished_ = event.kind == TokenEvent::Kind::kFinished;
    if (events_.empty()) call = wakeup_;
    events_.push_back(std::move(event));
  }
  if (call) call();
}

bool TokenStream::Drain(std::vector<TokenEvent>& events) {
  absl::MutexLock lock(&mutex_);
  return MoveEvents(events);
}

bool TokenStream::WaitAndDrain(absl::Time deadline, std::vector<TokenEvent>& events) {
  absl::MutexLock lock(&mutex_);
  const auto has_events = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !events_.empty(); };
  mutex_.AwaitWithDeadline(absl::Condition(&has_events), deadline);
  return MoveEvents(events);
}

bool TokenStream::MoveEvents(std::vector<TokenEvent>& events) {
  if (events_.empty()) return false;
  events.insert(events.end(), std::make_move_iterator(events_.begin()),
                std::make_move_iterator(events_.end()));
  events_.clear();
  return true;
}

}  // namespace oriel
