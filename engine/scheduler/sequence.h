#ifndef ORIEL_ENGINE_SCHEDULER_SEQUENCE_H_
#define ORIEL_ENGINE_SCHEDULER_SEQUENCE_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "engine/kv_cache/page_table.h"
#include "engine/scheduler/logit_adjustments.h"
#include "engine/scheduler/request_queue.h"

namespace oriel {

// Tokens whose keys and values a request's sequence caches at most. The last generated token is
// never fed back.
int32_t MaxCachedTokens(const GenerationRequest& request);

// When things happened to a sequence, for metrics; infinite past: not yet.
struct SequenceTimes {
  absl::Time submitted;
  absl::Time scheduled = absl::InfinitePast();  // its first step began
  absl::Time first_token = absl::InfinitePast();
  absl::Time last_token = absl::InfinitePast();
};

// The engine's state of one generation: the only mutable state a request has.
//
// Lifecycle   waiting requests have none; made at admission, destroyed after it has finished and
//             its pages are released.
// Threads     the engine thread.
class Sequence {
 public:
  // `table` holds the reservation that KvCache::TryAdmit made for it.
  Sequence(QueuedRequest queued, PageTable table);

  const GenerationRequest& request() const { return queued_.request; }
  TokenStream& stream() { return *queued_.stream; }
  PageTable& table() { return table_; }
  const PageTable& table() const { return table_; }
  const LogitAdjustments& adjustments() const { return adjustments_; }
  SequenceTimes& times() { return times_; }
  const SequenceTimes& times() const { return times_; }

  int32_t num_prompt_tokens() const { return static_cast<int32_t>(request().prompt.size()); }
  int32_t num_generated() const { return static_cast<int32_t>(generated_.size()); }
  int32_t num_tokens() const { return num_prompt_tokens() + num_generated(); }
  int32_t num_cached() const { return table_.num_tokens; }
  int32_t num_prompt_tokens_left() const { return num_prompt_tokens() - num_cached(); }
  bool in_prompt() const { return num_prompt_tokens_left() > 0; }

  // The token at a position of prompt and answer. Limits: 0 <= position < num_tokens().
  TokenId TokenAt(int32_t position) const;

  // Takes a drawn token: says it to the stream, unless it is an end token, and finishes if it is
  // the last. `event` carries the token and its log-probabilities.
  void Accept(TokenEvent event);

  // Says the last event to the stream. Ignored if the sequence has finished before.
  void Finish(FinishReason reason, TokenId stop_token = kNoToken,
              absl::Status status = absl::OkStatus());

  bool is_finished() const { return finish_reason_ != FinishReason::kNone; }
  FinishReason finish_reason() const { return finish_reason_; }

 private:
  QueuedRequest queued_;
  PageTable table_;
  LogitAdjustments adjustments_;
  std::vector<TokenId> generated_;
  SequenceTimes times_;
  FinishReason finish_reason_ = FinishReason::kNone;
};

// The last event of a request.
TokenEvent FinishedEvent(FinishReason reason, TokenId stop_token = kNoToken,
                         absl::Status status = absl::OkStatus());

}  // namespace oriel

#endif  // ORIEL_ENGINE_SCHEDULER_SEQUENCE_H_
