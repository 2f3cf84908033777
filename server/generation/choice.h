#ifndef ORIEL_SERVER_GENERATION_CHOICE_H_
#define ORIEL_SERVER_GENERATION_CHOICE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/request/generation_request.h"
#include "engine/request/token_stream.h"
#include "engine/tokenizer/stop_matcher.h"
#include "server/json.h"
#include "server/text_model.h"

namespace oriel {

// A token with its log-probability, for answers that list them.
struct ChoiceToken {
  TokenId token = kNoToken;
  std::string bytes;
  float logprob = 0.0f;  // NaN: there is none, for a prompt's first token
  // Most likely first, with their bytes.
  std::vector<std::pair<TokenLogprob, std::string>> top = {};
  int64_t text_offset = 0;  // characters of the answer before it
};

// What was added to an answer; of a whole answer, everything.
struct ChoiceDelta {
  std::string text;
  std::vector<ChoiceToken> tokens;  // only if log-probabilities are wanted
  std::vector<TokenId> token_ids;   // generated ones
  bool finished = false;
  FinishReason finish_reason = FinishReason::kNone;
  Json stop_reason = nullptr;  // the stop string or stop token that ended it
  absl::Status error;          // with kError, kCanceled and kDeadline

  // Puts a later delta behind this one.
  void Append(ChoiceDelta later);
};

struct ChoiceOptions {
  std::vector<std::string> stop = {};
  std::vector<TokenId> stop_token_ids = {};
  bool include_stop = false;
  SkipSpecialTokens skip_special_tokens = SkipSpecialTokens::kYes;
  bool want_logprobs = false;     // fills ChoiceDelta::tokens
  bool want_every_token = false;  // a delta for each token, even one that adds no text
  std::string echo_text = {};     // the prompt, to be put in front
  int64_t unseen_characters = 0;  // of the prompt's tokens before those that echo_text shows
};

// Characters are counted as code points, as Python's len does: bytes that do not continue one.
int64_t NumCharacters(std::string_view text);

// One generation on its way to text: detokenizes, cuts at stop strings, counts.
//
// Lifecycle   one a generation; `text` outlives it.
// Threads     one at a time; the stream is the way from the engine's thread.
class Choice {
 public:
  Choice(const TextModel& text, ChoiceOptions options, RequestId id,
         std::shared_ptr<TokenStream> stream);

  // Takes events until something is to be shown; false if there is nothing now. The prompt's tokens
  // come together with what follows them.
  bool Next(ChoiceDelta& delta);

  RequestId id() const { return id_; }
  const std::shared_ptr<TokenStream>& stream() const { return stream_; }
  bool finished() const { return finished_; }
  FinishReason finish_reason() const { return finish_reason_; }
  int64_t num_generated() const { return num_generated_; }

  // True once: the text met a stop string, so the engine need not go on.
  bool TakeCancelWish() { return std::exchange(cancel_wanted_, false); }

 private:
  const TokenEvent* NextEvent();
  void TakePromptToken(const TokenEvent& event);
  void TakeToken(const TokenEvent& event);
  void TakeEnd(const TokenEvent& event);
  void AddListedToken(const TokenEvent& event, int64_t text_offset);
  void AddText(std::string_view text);
  void Finish(FinishReason reason);

  const TextModel& text_model_;
  const ChoiceOptions options_;
  const RequestId id_;
  const std::shared_ptr<TokenStream> stream_;
  std::unique_ptr<TextStream> text_stream_;
  std::unique_ptr<TextStream> prompt_stream_;  // for the places of prompt tokens
  StopMatcher stop_matcher_;

  std::vector<TokenEvent> events_;
  size_t next_event_ = 0;
  ChoiceDelta pending_;
  int64_t prompt_characters_ = 0;  // of prompt tokens so far
  int64_t characters_ = 0;         // of echo and detokenized text so far
  int64_t num_generated_ = 0;
  FinishReason finish_reason_ = FinishReason::kNone;
  bool finished_ = false;
  bool cancel_wanted_ = false;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GENERATION_CHOICE_H_
