#include "engine/benchmark/stream_group.h"

#include <algorithm>
#include <utility>

#include "kernels/core/status.h"

namespace oriel {
namespace {

GenerationRequest RandomPromptRequest(RequestId id, int32_t prompt_tokens, int32_t max_tokens,
                                      int32_t vocab, std::mt19937_64& random) {
  GenerationRequest request;
  request.id = id;
  std::uniform_int_distribution<TokenId> any_token(0, vocab - 1);
  request.prompt.resize(static_cast<size_t>(prompt_tokens));
  for (TokenId& token : request.prompt) token = any_token(random);
  request.sampling.temperature = 0.0f;
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  return request;
}

}  // namespace

absl::Status StreamGroup::Submit(int32_t count, int32_t prompt_tokens, int32_t max_tokens,
                                 std::mt19937_64& random) {
  prompt_tokens_before_ = engine_.stats().prompt_tokens;
  const int32_t vocab = engine_.model_config().vocab;
  for (int32_t i = 0; i < count; ++i) {
    Member member;
    member.id = static_cast<RequestId>(i) + 1;
    ORIEL_ASSIGN_OR_RETURN(
        member.events,
        engine_.Submit(RandomPromptRequest(member.id, prompt_tokens, max_tokens, vocab, random)));
    members_.push_back(std::move(member));
  }
  return absl::OkStatus();
}

absl::Status StreamGroup::Step() {
  ORIEL_ASSIGN_OR_RETURN(const bool did_work, engine_.Step());
  if (!did_work) return absl::InternalError("the engine has nothing to do before the test's end");
  for (Member& member : members_) ORIEL_RETURN_IF_ERROR(TakeEvents(member));
  return absl::OkStatus();
}

// Reads as a client would, so that no stream grows.
absl::Status StreamGroup::TakeEvents(Member& member) {
  events_.clear();
  member.events->Drain(events_);
  for (const TokenEvent& event : events_) {
    ORIEL_RETURN_IF_ERROR(event.status);
    if (event.kind == TokenEvent::Kind::kToken) member.has_token = true;
  }
  return absl::OkStatus();
}

bool StreamGroup::all_started() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const Member& member) { return member.has_token; });
}

int64_t StreamGroup::prompt_tokens_done() const {
  return static_cast<int64_t>(engine_.stats().prompt_tokens - prompt_tokens_before_);
}

int64_t StreamGroup::cache_bytes() const {
  const EngineStats stats = engine_.stats();
  return stats.kv_cache_bytes_owned() + stats.scratch_bytes;
}

absl::Status StreamGroup::End() {
  for (const Member& member : members_) engine_.Cancel(member.id);
  members_.clear();
  // A cancelled request ends at the next step; the step after that frees its fenced pages.
  bool did_work = true;
  while (did_work) {
    ORIEL_ASSIGN_OR_RETURN(did_work, engine_.Step());
  }
  return absl::OkStatus();
}

}  // namespace oriel
