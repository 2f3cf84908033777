#ifndef ORIEL_TESTS_SIMULATION_EXPECTED_REQUEST_H_
#define ORIEL_TESTS_SIMULATION_EXPECTED_REQUEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "engine/request/generation_request.h"
#include "engine/request/token_stream.h"
#include "tests/simulation/hashed_text.h"

namespace oriel {

// An event that is due to a client, in numbers that are cheap to keep.
struct ExpectedEvent {
  TokenEvent::Kind kind = TokenEvent::Kind::kToken;
  TokenId token = kNoToken;
  uint64_t attended = 0;  // log-probabilities follow from it
  int32_t num_top = 0;
  bool is_first = false;  // a prompt's first token has no log-probability
};

// A request and what must come of it: its events are a pure function of the request, whatever else
// runs. Only when they come is the schedule's affair.
class ExpectedRequest {
 public:
  ExpectedRequest(GenerationRequest request, const TextRules& rules);

  const GenerationRequest& request() const { return request_; }
  const std::vector<ExpectedEvent>& events() const { return events_; }
  FinishReason finish_reason() const { return finish_reason_; }
  TokenId stop_token() const { return stop_token_; }
  bool is_finished() const { return finish_reason_ != FinishReason::kNone; }

  int32_t num_prompt_tokens() const { return static_cast<int32_t>(request_.prompt.size()); }
  int32_t num_cached() const { return text_.size(); }
  int32_t num_prompt_tokens_left() const { return num_prompt_tokens() - num_cached(); }
  int32_t num_generated() const { return static_cast<int32_t>(generated_.size()); }

  // The next `count` tokens have been through the model. Returns whether a token was drawn behind
  // them.
  bool Advance(int32_t count);
  void Finish(FinishReason reason, TokenId stop_token = kNoToken);

  // Empty if `event` is the one due at `index`, else what differs.
  std::string Compare(const TokenEvent& event, size_t index) const;

 private:
  void FeedPrompt(int32_t count);
  TokenId Draw() const;
  bool EndsAnswer(TokenId token) const;
  bool Accept(TokenId token);

  const GenerationRequest request_;
  const TextRules rules_;
  HashedText text_;  // what is cached
  std::vector<TokenId> generated_;
  std::vector<int32_t> times_generated_;  // a token
  std::vector<bool> in_prompt_;           // a token
  std::vector<ExpectedEvent> events_;     // without the last
  FinishReason finish_reason_ = FinishReason::kNone;
  TokenId stop_token_ = kNoToken;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_EXPECTED_REQUEST_H_
