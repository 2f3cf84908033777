#include "engine/scheduler/request_queue.h"

#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

int64_t PromptTokens(const GenerationRequest& request) {
  return static_cast<int64_t>(request.prompt.size());
}

}  // namespace

RequestQueue::RequestQueue(int32_t requests_max, int64_t tokens_max)
    : requests_max_(requests_max), tokens_max_(tokens_max) {}

absl::Status RequestQueue::Push(QueuedRequest queued) {
  const GenerationRequest& request = queued.request;
  const std::lock_guard lock(mutex_);
  ORIEL_RETURN_IF_ERROR(closed_);
  if (static_cast<int32_t>(waiting_.size()) >= requests_max_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "queue is full: ", waiting_.size(), " requests wait, the limit is ", requests_max_));
  }
  if (tokens_waiting_ + PromptTokens(request) > tokens_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("queue is full: ", tokens_waiting_, " prompt tokens wait and ",
                     PromptTokens(request), " more would pass the limit of ", tokens_max_));
  }
  const Place place = {.priority = request.priority, .arrival = arrivals_};
  if (!live_.try_emplace(request.id, Live{.place = place}).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("request id ", request.id, " is that of a request that has not ended"));
  }
  ++arrivals_;
  tokens_waiting_ += PromptTokens(request);
  deadlines_.emplace(request.deadline, place);
  waiting_.emplace(place, std::move(queued));
  changed_.notify_all();
  return absl::OkStatus();
}

void RequestQueue::Cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  if (found != live_.end()) WantCancel(id, found->second);
}

void RequestQueue::CancelAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, live] : live_) WantCancel(id, live);
}

void RequestQueue::WantCancel(RequestId id, Live& live) {
  if (live.cancel_wanted) return;
  live.cancel_wanted = true;
  canceled_.push_back(id);
  changed_.notify_all();
}

void RequestQueue::Close(absl::Status reason) {
  ORIEL_CHECK(!reason.ok());
  const std::lock_guard lock(mutex_);
  if (closed_.ok()) closed_ = std::move(reason);
}

void RequestQueue::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool RequestQueue::WaitUntilIdle(absl::Time deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, absl::ToChronoTime(deadline),
                             [this] { return live_.empty() && !stepping_; });
}

bool RequestQueue::is_idle() const {
  const std::lock_guard lock(mutex_);
  return live_.empty();
}

int32_t RequestQueue::num_waiting() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int32_t>(waiting_.size());
}

int64_t RequestQueue::tokens_waiting() const {
  const std::lock_guard lock(mutex_);
  return tokens_waiting_;
}

bool RequestQueue::WaitForWork(bool busy) {
  std::unique_lock lock(mutex_);
  stepping_ = false;
  changed_.notify_all();
  changed_.wait(
      lock, [this, busy] { return busy || stopped_ || !waiting_.empty() || !canceled_.empty(); });
  stepping_ = !stopped_;
  return stepping_;
}

void RequestQueue::EndWork() {
  const std::lock_guard lock(mutex_);
  stepping_ = false;
  changed_.notify_all();
}

std::vector<RequestId> RequestQueue::TakeCanceled() {
  const std::lock_guard lock(mutex_);
  return std::exchange(canceled_, {});
}

std::optional<QueuedRequest> RequestQueue::TakeWaiting(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  if (found == live_.end() || !found->second.place.has_value()) return std::nullopt;
  return TakeAt(*found->second.place);
}

std::optional<QueuedRequest> RequestQueue::TakeExpired(absl::Time now) {
  const std::lock_guard lock(mutex_);
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  return TakeAt(deadlines_.begin()->second);
}

std::optional<QueuedRequest> RequestQueue::TakeHeadIf(
    absl::FunctionRef<bool(const GenerationRequest&)> admit) {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty() || !admit(waiting_.begin()->second.request)) return std::nullopt;
  return TakeAt(waiting_.begin()->first);
}

std::optional<QueuedRequest> RequestQueue::TakeHead() {
  return TakeHeadIf([](const GenerationRequest&) { return true; });
}

QueuedRequest RequestQueue::TakeAt(Place place) {
  const auto found = waiting_.find(place);
  ORIEL_CHECK(found != waiting_.end());
  QueuedRequest queued = std::move(found->second);
  waiting_.erase(found);
  deadlines_.erase({queued.request.deadline, place});
  tokens_waiting_ -= PromptTokens(queued.request);
  live_.at(queued.request.id).place.reset();
  return queued;
}

void RequestQueue::Forget(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  ORIEL_CHECK(found != live_.end());
  // A wish that came during the request's last step must not meet the next request of its id.
  if (found->second.cancel_wanted) std::erase(canceled_, id);
  live_.erase(found);
  if (live_.empty()) changed_.notify_all();
}

}  // namespace oriel
