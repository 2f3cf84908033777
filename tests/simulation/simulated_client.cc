#include "tests/simulation/simulated_client.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "tests/support/tag_hash.h"

namespace oriel {

SimulatedClient::SimulatedClient(const ClientHabits& habits, absl::Time now,
                                 std::shared_ptr<ExpectedRequest> expected,
                                 std::shared_ptr<TokenStream> stream)
    : habits_(habits),
      cancel_time_(now + habits_.cancels_after),
      expected_(std::move(expected)),
      stream_(std::move(stream)),
      is_woken_(std::make_shared<bool>(false)) {
  if (habits_.reads_when_woken) {
    stream_->SetWakeup([is_woken = is_woken_] { *is_woken = true; });
  }
}

size_t SimulatedClient::NumDue() const {
  return expected_->events().size() + (expected_->is_finished() ? 1 : 0);
}

int32_t SimulatedClient::TakeCancels(absl::Time now, uint64_t step, Moment moment) {
  const bool at_last_token = habits_.cancels_at_last_token && moment == Moment::kDuringStep &&
                             !cancel_step_.has_value() &&
                             expected_->num_generated() + 1 == expected_->request().max_tokens;
  if (now < cancel_time_ && !at_last_token) return 0;
  cancel_time_ = absl::InfiniteFuture();
  if (!expected_->is_finished()) cancel_step_ = step;
  if (habits_.leaves_when_canceling) stream_.reset();
  return habits_.cancels_twice ? 2 : 1;
}

absl::Status SimulatedClient::CheckCanceled(uint64_t step) const {
  if (!cancel_step_.has_value() || expected_->is_finished() || step <= *cancel_step_ + 2) {
    return absl::OkStatus();
  }
  return absl::InternalError(
      absl::StrCat("request ", id(), " runs on after its cancel in step ", *cancel_step_));
}

absl::Status SimulatedClient::ReadAt(uint64_t tick, uint64_t& history) {
  if (habits_.reads_only_at_end && !expected_->is_finished()) return absl::OkStatus();
  if (tick % static_cast<uint64_t>(habits_.reads_every) != 0) return absl::OkStatus();
  if (habits_.reads_when_woken && stream_ != nullptr && !*is_woken_) {
    if (num_read_ == NumDue()) return absl::OkStatus();
    return absl::InternalError(
        absl::StrCat("request ", id(), " has events and its reader was not woken"));
  }
  return Read(history);
}

absl::Status SimulatedClient::Read(uint64_t& history) {
  if (stream_ == nullptr || has_last_) return absl::OkStatus();
  events_.clear();
  *is_woken_ = false;
  stream_->Drain(events_);
  for (const TokenEvent& event : events_) {
    const std::string difference = expected_->Compare(event, num_read_++);
    if (!difference.empty()) {
      return absl::InternalError(absl::StrCat("request ", id(), ": ", difference));
    }
    history = MixTags(history, MixTags(id(), static_cast<uint64_t>(event.token)));
    has_last_ = event.kind == TokenEvent::Kind::kFinished;
  }
  if (num_read_ == NumDue()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("request ", id(), " has got ", num_read_, " events of ", NumDue()));
}

}  // namespace oriel
