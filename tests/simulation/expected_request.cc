#include "tests/simulation/expected_request.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/page_hash.h"

namespace oriel {
namespace {

bool Contains(const std::vector<TokenId>& tokens, TokenId token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

ExpectedRequest::ExpectedRequest(GenerationRequest request, const TextRules& rules)
    : request_(std::move(request)),
      rules_(rules),
      text_(rules),
      times_generated_(static_cast<size_t>(rules.vocab)),
      in_prompt_(static_cast<size_t>(rules.vocab)) {
  for (TokenId token : request_.prompt) in_prompt_[static_cast<size_t>(token)] = true;
}

bool ExpectedRequest::Advance(int32_t count) {
  if (num_prompt_tokens_left() > 0) {
    FeedPrompt(count);
  } else {
    text_.Add(generated_.back());
  }
  if (num_prompt_tokens_left() > 0) return false;
  if (request_.max_tokens == 0) {
    Finish(FinishReason::kLength);
    return false;
  }
  const TokenId token = Draw();
  return Accept(token);
}

// Prompt tokens, with their log-probabilities if they were asked for.
void ExpectedRequest::FeedPrompt(int32_t count) {
  const int32_t num_top = request_.sampling.num_top_prompt_logprobs;
  const auto publish = [this](const ExpectedEvent& event) {
    if (!is_finished()) events_.push_back(event);
  };
  for (int32_t i = 0; i < count; ++i) {
    const int32_t position = num_cached();
    const TokenId token = request_.prompt[static_cast<size_t>(position)];
    if (num_top >= 0 && position == 0) {
      publish({.kind = TokenEvent::Kind::kPromptToken, .token = token, .is_first = true});
    }
    text_.Add(token);
    if (num_top < 0 || position + 1 == num_prompt_tokens()) continue;
    const uint64_t attended = text_.Attended();
    if (HasNoNumbers(attended)) Finish(FinishReason::kError);
    publish({.kind = TokenEvent::Kind::kPromptToken,
             .token = request_.prompt[static_cast<size_t>(position) + 1],
             .attended = attended,
             .num_top = num_top});
  }
}

// Penalties, biases and forbidden ends are recounted from the text for every token.
TokenId ExpectedRequest::Draw() const {
  const SamplingParams& sampling = request_.sampling;
  const uint64_t attended = text_.Attended();
  if (HasNoNumbers(attended)) return kNoToken;
  const bool too_short = num_generated() < request_.min_tokens;
  std::vector<float> adjusted;
  adjusted.reserve(static_cast<size_t>(rules_.vocab));
  for (TokenId token = 0; token < rules_.vocab; ++token) {
    const size_t t = static_cast<size_t>(token);
    float logit = TagLogit(attended, token);
    if (times_generated_[t] > 0 || in_prompt_[t]) {
      const float repetition = sampling.repetition_penalty;
      logit = logit > 0.0f ? logit / repetition : logit * repetition;
    }
    float offset = 0.0f;
    for (const auto& [biased, bias] : sampling.logit_bias) offset += biased == token ? bias : 0.0f;
    offset -= sampling.frequency_penalty * static_cast<float>(times_generated_[t]);
    if (times_generated_[t] > 0) offset -= sampling.presence_penalty;
    if (too_short && EndsAnswer(token)) offset = -std::numeric_limits<float>::infinity();
    adjusted.push_back(logit + offset);
  }
  return DrawToken(adjusted, sampling.temperature, sampling.seed,
                   static_cast<uint64_t>(text_.size()));
}

bool ExpectedRequest::EndsAnswer(TokenId token) const {
  return (!request_.ignore_eos && Contains(request_.end_token_ids, token)) ||
         Contains(request_.stop_token_ids, token);
}

bool ExpectedRequest::Accept(TokenId token) {
  // A prompt token without a probability has ended the request in this very step.
  const bool has_ended = is_finished();
  if (token == kNoToken) {
    Finish(FinishReason::kError);
    return false;
  }
  if (has_ended) return true;
  generated_.push_back(token);
  ++times_generated_[static_cast<size_t>(token)];
  const bool is_end = !request_.ignore_eos && Contains(request_.end_token_ids, token);
  if (!is_end) {
    events_.push_back({.kind = TokenEvent::Kind::kToken,
                       .token = token,
                       .attended = text_.Attended(),
                       .num_top = request_.sampling.num_top_logprobs});
  }
  if (is_end || Contains(request_.stop_token_ids, token)) {
    Finish(FinishReason::kStop, token);
  } else if (num_generated() == request_.max_tokens) {
    Finish(FinishReason::kLength);
  }
  return true;
}

void ExpectedRequest::Finish(FinishReason reason, TokenId stop_token) {
  if (is_finished()) return;
  finish_reason_ = reason;
  stop_token_ = stop_token;
}

std::string ExpectedRequest::Compare(const TokenEvent& event, size_t index) const {
  if (index >= events_.size()) {
    if (event.kind != TokenEvent::Kind::kFinished || !is_finished()) {
      return absl::StrCat("event ", index, " comes too early, token ", event.token);
    }
    if (event.finish_reason == finish_reason_ && event.stop_token == stop_token_) return "";
    return absl::StrCat("finish reason ", static_cast<int>(event.finish_reason), ", stop token ",
                        event.stop_token, " instead of ", static_cast<int>(finish_reason_), ", ",
                        stop_token_);
  }
  const ExpectedEvent& due = events_[index];
  const bool has_no_logprob = due.is_first;
  const bool same_logprob = has_no_logprob ? std::isnan(event.logprob)
                                           : event.logprob == TagLogit(due.attended, due.token);
  bool same_top = event.top_logprobs.size() == static_cast<size_t>(std::max(due.num_top, 0));
  for (size_t k = 0; same_top && k < event.top_logprobs.size(); ++k) {
    const TokenId token = static_cast<TokenId>(k);
    same_top = event.top_logprobs[k].token == token &&
               event.top_logprobs[k].logprob == TagLogit(due.attended, token);
  }
  if (event.kind == due.kind && event.token == due.token && same_logprob && same_top) return "";
  return absl::StrCat("event ", index, " is token ", event.token, ", ", event.logprob,
                      " instead of ", due.token, ", ", TagLogit(due.attended, due.token));
}

}  // namespace oriel
