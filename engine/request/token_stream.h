#ifndef ORIEL_ENGINE_REQUEST_TOKEN_STREAM_H_
#define ORIEL_ENGINE_REQUEST_TOKEN_STREAM_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/base/token_id.h"

namespace oriel {

enum class FinishReason : uint8_t {
  kNone,      // not finished
  kStop,      // end token, or a stop token of the client
  kLength,    // max_tokens or max_model_len reached
  kCanceled,  // Engine::Cancel
  kDeadline,  // the request's deadline passed
  kError,     // the step failed for this request; `status` says why
};

struct TokenLogprob {
  TokenId token = kNoToken;
  float logprob = 0.0f;
};

// One thing that happened to a request.
struct TokenEvent {
  enum class Kind : uint8_t {
    kPromptToken,  // a prompt token with its log-probability; the first one has none (NaN)
    kToken,        // a generated token
    kFinished,     // the last event
  };
  Kind kind = Kind::kToken;
  TokenId token = kNoToken;
  float logprob = 0.0f;                    // valid if the request asked for log-probabilities
  std::vector<TokenLogprob> top_logprobs;  // most likely first
  FinishReason finish_reason = FinishReason::kNone;
  TokenId stop_token = kNoToken;  // with kStop: the token that ended it
  absl::Status status;            // with kError: why
};

// The way of a request's events from the engine to one reader.
//
// Lifecycle   shared by engine and connection: whichever ends last frees it.
// Threads     Push by the engine thread, the others by one reader; safe between them. Push never
//             waits.
// Limits      a request has prompt + max_tokens + 1 events at most, so memory is bounded by
//             max_model_len. A reader that is kEventsReserved events behind at most makes Push
//             allocate nothing.
class TokenStream {
 public:
  static constexpr size_t kEventsReserved = 16;

  TokenStream() { events_.reserve(kEventsReserved); }

  // Called by the engine thread after Push when the stream was empty before; must not block. Set
  // once, before or after the first event: a stream that already holds events calls it at once.
  void SetWakeup(std::function<void()> wakeup);

  // Appends an event. After kFinished nothing more is taken.
  void Push(TokenEvent event);

  // Moves all events that are there behind those in `events`; true if any were. Never waits.
  bool Drain(std::vector<TokenEvent>& events);

  // As Drain, but waits until an event comes or `deadline` passes.
  bool WaitAndDrain(absl::Time deadline, std::vector<TokenEvent>& events);

 private:
  bool MoveEvents(std::vector<TokenEvent>& events);  // with mutex_ held

  std::mutex mutex_;  // guards everything below
  std::condition_variable has_events_;
  std::vector<TokenEvent> events_;
  bool finished_ = false;
  std::shared_ptr<const std::function<void()>> wakeup_;  // shared: a copy may not allocate
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_REQUEST_TOKEN_STREAM_H_
