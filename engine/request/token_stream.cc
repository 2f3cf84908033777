#include "engine/request/token_stream.h"

#include <iterator>
#include <utility>

namespace oriel {

void TokenStream::SetWakeup(std::function<void()> wakeup) {
  auto shared = std::make_shared<const std::function<void()>>(std::move(wakeup));
  bool has_events = false;
  {
    const std::lock_guard lock(mutex_);
    wakeup_ = shared;
    has_events = !events_.empty();
  }
  if (has_events) (*shared)();
}

void TokenStream::Push(TokenEvent event) {
  // The wake-up runs outside the lock: it may post to an executor that drains this stream at once.
  std::shared_ptr<const std::function<void()>> call;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return;
    finished_ = event.kind == TokenEvent::Kind::kFinished;
    if (events_.empty()) call = wakeup_;
    events_.push_back(std::move(event));
  }
  has_events_.notify_one();
  if (call != nullptr) (*call)();
}

bool TokenStream::Drain(std::vector<TokenEvent>& events) {
  const std::lock_guard lock(mutex_);
  return MoveEvents(events);
}

bool TokenStream::WaitAndDrain(absl::Time deadline, std::vector<TokenEvent>& events) {
  std::unique_lock lock(mutex_);
  has_events_.wait_until(lock, absl::ToChronoTime(deadline), [this] { return !events_.empty(); });
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
