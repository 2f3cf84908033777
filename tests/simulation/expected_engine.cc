#include "tests/simulation/expected_engine.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/kv_cache/window_pages.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

absl::Status Differs(const char* what, int64_t found, int64_t expected) {
  if (found == expected) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(what, " is ", found, " instead of ", expected));
}

int32_t TokensHeldAtMost(const GenerationRequest& request) {
  return static_cast<int32_t>(request.prompt.size()) + std::max(request.max_tokens - 1, 0);
}

}  // namespace

absl::StatusCode ExpectedEngine::Submit(std::shared_ptr<ExpectedRequest> request, bool is_valid) {
  if (!is_valid) return absl::StatusCode::kInvalidArgument;
  if (closed_) return absl::StatusCode::kUnavailable;
  const int32_t num_tokens = request->num_prompt_tokens();
  if (num_waiting() >= config_.queue_requests_max) return absl::StatusCode::kResourceExhausted;
  if (tokens_waiting_ + num_tokens > config_.queue_tokens_max) {
    return absl::StatusCode::kResourceExhausted;
  }
  const RequestId id = request->request().id;
  const auto same_id = [id](const Live& live) { return live.request->request().id == id; };
  const bool waits = std::any_of(waiting_.begin(), waiting_.end(),
                                 [&](const auto& entry) { return same_id(entry.second); });
  if (waits || std::any_of(running_.begin(), running_.end(), same_id)) {
    return absl::StatusCode::kInvalidArgument;
  }
  tokens_waiting_ += num_tokens;
  Live live = {.request = std::move(request), .submitted_step = counters_.steps};
  live.work_ahead = -admitted_work_;
  for (const Live& other : running_) live.work_ahead += WorkOf(*other.request);
  waiting_.emplace(Place{live.request->request().priority, arrivals_++}, std::move(live));
  return absl::StatusCode::kOk;
}

void ExpectedEngine::Cancel(RequestId id) {
  for (auto& [place, live] : waiting_) {
    if (live.request->request().id == id) live.cancel_wanted = true;
  }
  for (Live& live : running_) {
    if (live.request->request().id == id) live.cancel_wanted = true;
  }
}

void ExpectedEngine::BeginStep(absl::Time now) {
  EndUnwanted(now);
  Admit();
  Plan();
}

void ExpectedEngine::EndUnwanted(absl::Time now) {
  const size_t before = waiting_.size() + running_.size();
  const auto end = [now](const Live& live) {
    ExpectedRequest& request = *live.request;
    if (live.cancel_wanted) request.Finish(FinishReason::kCanceled);
    if (request.request().deadline <= now) request.Finish(FinishReason::kDeadline);
    return request.is_finished();
  };
  std::erase_if(waiting_, [&](const auto& entry) {
    if (!end(entry.second)) return false;
    tokens_waiting_ -= entry.second.request->num_prompt_tokens();
    CountEnd(*entry.second.request);
    return true;
  });
  for (Live& live : running_) end(live);
  RemoveFinished();
  ended_some_ = waiting_.size() + running_.size() != before;
}

// The head, while its worst case fits beside the worst cases of those that run; nobody overtakes.
void ExpectedEngine::Admit() {
  while (!waiting_.empty() && Fits(*waiting_.begin()->second.request)) {
    Live live = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    tokens_waiting_ -= live.request->num_prompt_tokens();
    admitted_work_ += WorkOf(*live.request);
    running_.push_back(std::move(live));
  }
}

bool ExpectedEngine::Fits(const ExpectedRequest& request) const {
  int64_t pages = PackedPages(TokensHeldAtMost(request.request()));
  for (const Live& live : running_) {
    pages += PackedPages(TokensHeldAtMost(live.request->request()));
  }
  const int64_t window_pages =
      int64_t{num_running() + 1} * WindowPagesPerSequence(config_.window_tokens) +
      SharedWindowPages(config_.prefill_chunk_tokens, config_.window_tokens,
                        shape_.num_sequence_slots);
  return num_running() < shape_.num_sequence_slots && pages <= shape_.num_pages &&
         window_pages <= shape_.num_window_pages;
}

// Prompts share the chunk out in order of admission; every answer goes on by a token.
void ExpectedEngine::Plan() {
  plan_.clear();
  int32_t budget = config_.prefill_chunk_tokens;
  for (const Live& live : running_) {
    const int32_t count = std::min(budget, live.request->num_prompt_tokens_left());
    if (count > 0) plan_.push_back({live.request.get(), true, count});
    budget -= std::max(count, 0);
  }
  for (const Live& live : running_) {
    if (live.request->num_generated() > 0) plan_.push_back({live.request.get(), false, 1});
  }
}

absl::Status ExpectedEngine::CheckPlan(const BatchInputs& inputs) const {
  const int64_t num_views = inputs.all.views.dim(0);
  ORIEL_RETURN_IF_ERROR(Differs("number of views", num_views, static_cast<int64_t>(plan_.size())));
  for (int64_t v = 0; v < num_views; ++v) {
    const KvView& view = inputs.all.views(v);
    const Row& row = plan_[static_cast<size_t>(v)];
    ORIEL_RETURN_IF_ERROR(Differs("view's tokens", view.num_queries, row.num_tokens));
    ORIEL_RETURN_IF_ERROR(
        Differs("first position", view.first_position, row.request->num_cached()));
    ORIEL_RETURN_IF_ERROR(Differs("decode view", view.is_decode(), !row.is_prompt));
  }
  return absl::OkStatus();
}

absl::Status ExpectedEngine::FinishStep() {
  if (!plan_.empty()) ++counters_.steps;
  for (const Row& row : plan_) {
    const int32_t packed_before = PackedPages(row.request->num_cached());
    if (row.is_prompt) counters_.prompt_tokens += static_cast<uint64_t>(row.num_tokens);
    if (row.request->Advance(row.num_tokens)) ++counters_.generated_tokens;
    counters_.pages_sealed +=
        static_cast<uint64_t>(PackedPages(row.request->num_cached()) - packed_before);
  }
  plan_.clear();
  RemoveFinished();
  return CheckPatience();
}

void ExpectedEngine::EndAll(FinishReason reason) {
  for (auto& [place, live] : waiting_) {
    live.request->Finish(reason);
    CountEnd(*live.request);
  }
  for (Live& live : running_) live.request->Finish(reason);
  waiting_.clear();
  tokens_waiting_ = 0;
  plan_.clear();
  RemoveFinished();
  closed_ = true;
}

void ExpectedEngine::RemoveFinished() {
  std::erase_if(running_, [this](const Live& live) {
    if (!live.request->is_finished()) return false;
    CountEnd(*live.request);
    return true;
  });
}

void ExpectedEngine::CountEnd(const ExpectedRequest& request) {
  switch (request.finish_reason()) {
    case FinishReason::kNone:
      return;
    case FinishReason::kStop:
    case FinishReason::kLength:
      ++counters_.finished;
      return;
    case FinishReason::kCanceled:
      ++counters_.canceled;
      return;
    case FinishReason::kDeadline:
      ++counters_.expired;
      return;
    case FinishReason::kError:
      ++counters_.failed;
      return;
  }
}

// Steps that a request takes at most when its prompt has the whole chunk for itself.
int64_t ExpectedEngine::WorkOf(const ExpectedRequest& request) const {
  return request.num_prompt_tokens() / config_.prefill_chunk_tokens + 1 +
         request.request().max_tokens;
}

// Nobody waits longer than if all that ran when it came, and all that was let in before it, had
// run one after the other.
absl::Status ExpectedEngine::CheckPatience() const {
  if (waiting_.empty()) return absl::OkStatus();
  const Live& head = waiting_.begin()->second;
  const int64_t waited = static_cast<int64_t>(counters_.steps - head.submitted_step);
  if (waited <= head.work_ahead + admitted_work_) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("request ", head.request->request().id, " has waited ",
                                          waited, " steps, work ahead of it took ",
                                          head.work_ahead + admitted_work_, " at most"));
}

int32_t ExpectedEngine::PackedPages(int32_t num_tokens) const {
  return num_tokens == 0 ? 0 : NumPackedPages(num_tokens - 1, config_.window_tokens);
}

ExpectedEngine::Held ExpectedEngine::HeldNow() const {
  Held held;
  for (const Live& live : running_) {
    const int32_t num_tokens = live.request->num_cached();
    const int32_t packed = PackedPages(num_tokens);
    held.pages += packed;
    held.window_pages += (num_tokens + kPageTokens - 1) / kPageTokens - packed;
    held.tokens_packed += int64_t{packed} * kPageTokens;
    held.tokens_window += num_tokens - int64_t{packed} * kPageTokens;
    held.tokens_sink += std::min(num_tokens, config_.sink_tokens);
  }
  return held;
}

absl::Status ExpectedEngine::CheckQueue(const EngineStats& stats) const {
  ORIEL_RETURN_IF_ERROR(Differs("requests_waiting", stats.requests_waiting, num_waiting()));
  return Differs("tokens_waiting", stats.tokens_waiting, tokens_waiting_);
}

absl::Status ExpectedEngine::CheckStep(const EngineStats& stats) const {
  const Held held = HeldNow();
  ORIEL_RETURN_IF_ERROR(CheckEnds(stats));
  ORIEL_RETURN_IF_ERROR(Differs("pages_owned", stats.pages_owned, held.pages));
  ORIEL_RETURN_IF_ERROR(Differs("pages_fenced", stats.pages_fenced, 0));
  ORIEL_RETURN_IF_ERROR(Differs("pages_free", stats.pages_free, shape_.num_pages - held.pages));
  ORIEL_RETURN_IF_ERROR(Differs("window_pages_owned", stats.window_pages_owned, held.window_pages));
  ORIEL_RETURN_IF_ERROR(Differs("window_pages_fenced", stats.window_pages_fenced, 0));
  ORIEL_RETURN_IF_ERROR(Differs("window_pages_free", stats.window_pages_free,
                                shape_.num_window_pages - held.window_pages));
  ORIEL_RETURN_IF_ERROR(Differs("tokens_packed", stats.tokens_packed, held.tokens_packed));
  ORIEL_RETURN_IF_ERROR(Differs("tokens_window", stats.tokens_window, held.tokens_window));
  return Differs("tokens_sink", stats.tokens_sink, held.tokens_sink);
}

absl::Status ExpectedEngine::CheckFailure(const EngineStats& stats) const {
  ORIEL_RETURN_IF_ERROR(CheckEnds(stats));
  ORIEL_RETURN_IF_ERROR(Differs("pages", stats.pages_free + stats.pages_owned + stats.pages_fenced,
                                stats.pages_total));
  ORIEL_RETURN_IF_ERROR(Differs("pages_owned", stats.pages_owned, 0));
  return Differs("window_pages_owned", stats.window_pages_owned, 0);
}

absl::Status ExpectedEngine::CheckEnds(const EngineStats& stats) const {
  const auto same = [](const char* what, uint64_t found, uint64_t expected) {
    return Differs(what, static_cast<int64_t>(found), static_cast<int64_t>(expected));
  };
  ORIEL_RETURN_IF_ERROR(Differs("sequences_running", stats.sequences_running, num_running()));
  ORIEL_RETURN_IF_ERROR(same("steps", stats.steps, counters_.steps));
  ORIEL_RETURN_IF_ERROR(same("prompt_tokens", stats.prompt_tokens, counters_.prompt_tokens));
  ORIEL_RETURN_IF_ERROR(
      same("generated_tokens", stats.generated_tokens, counters_.generated_tokens));
  ORIEL_RETURN_IF_ERROR(same("pages_sealed", stats.pages_sealed, counters_.pages_sealed));
  ORIEL_RETURN_IF_ERROR(same("requests_finished", stats.requests_finished, counters_.finished));
  ORIEL_RETURN_IF_ERROR(same("requests_canceled", stats.requests_canceled, counters_.canceled));
  ORIEL_RETURN_IF_ERROR(same("requests_expired", stats.requests_expired, counters_.expired));
  return same("requests_failed", stats.requests_failed, counters_.failed);
}

}  // namespace oriel
