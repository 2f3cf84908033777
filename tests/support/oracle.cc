#include "tests/support/oracle.h"

#include <algorithm>
#include <limits>

#include "kernels/core/check.h"
#include "tests/support/tag_hash.h"

namespace oriel {
namespace {

bool Contains(const std::vector<TokenId>& tokens, TokenId token) {
  return std::count(tokens.begin(), tokens.end(), token) > 0;
}

// Grows by one token and says what the last layer attends to there.
class TagText {
 public:
  explicit TagText(const OracleConfig& config) : config_(config) {}

  uint64_t Add(TokenId token) {
    const int32_t position = static_cast<int32_t>(tags_[0].size());
    uint64_t tag = ContentTag(token, position);
    uint64_t attended = 0;
    for (std::vector<uint64_t>& layer : tags_) {
      layer.push_back(tag);
      attended = AttendAll(layer);
      tag = DeeperTag(attended);
    }
    return attended;
  }

 private:
  // Page p is packed for a query at t if and only if 64 (p + 1) <= 64 floor(t / 64) - w.
  bool IsPacked(int32_t token, int32_t query) const {
    const int32_t page = token / 64;
    return token >= config_.sink_tokens &&
           64 * (page + 1) <= 64 * (query / 64) - config_.window_tokens;
  }

  uint64_t AttendAll(const std::vector<uint64_t>& layer) const {
    const int32_t query = static_cast<int32_t>(layer.size()) - 1;
    uint64_t attended = kNothingAttended;
    for (int32_t token = 0; token <= query; ++token) {
      const uint64_t tag = layer[static_cast<size_t>(token)];
      if (!IsPacked(token, query)) {
        attended = Attend(attended, tag);
        continue;
      }
      for (const KvHeadFormat& head : kTaggedHeads) {
        attended = Attend(attended, PackedTag(tag, head));
      }
    }
    return attended;
  }

  const OracleConfig config_;
  std::vector<uint64_t> tags_[kTaggedLayers];
};

std::vector<LogitAdjustment> AdjustmentsOf(const GenerationRequest& request,
                                           const std::vector<TokenId>& generated,
                                           const OracleConfig& config) {
  const SamplingParams& sampling = request.sampling;
  const bool too_short = static_cast<int32_t>(generated.size()) < request.min_tokens;
  std::vector<LogitAdjustment> adjustments;
  for (TokenId token = 0; token < config.vocab; ++token) {
    LogitAdjustment change = {.token = token};
    const auto times = std::count(generated.begin(), generated.end(), token);
    if (times > 0 || Contains(request.prompt, token))
      change.repetition = sampling.repetition_penalty;
    for (const auto& [biased, bias] : sampling.logit_bias) {
      if (biased == token) change.offset += bias;
    }
    change.offset -= sampling.frequency_penalty * static_cast<float>(times);
    if (times > 0) change.offset -= sampling.presence_penalty;
    const bool ends = (!request.ignore_eos && Contains(request.end_token_ids, token)) ||
                      Contains(request.stop_token_ids, token);
    if (too_short && ends) change.offset = -std::numeric_limits<float>::infinity();
    adjustments.push_back(change);
  }
  return adjustments;
}

TokenEvent SampleRowAlone(SampleRow row, uint64_t attended,
                          const std::vector<LogitAdjustment>& adjustments,
                          const OracleConfig& config, Backend& backend) {
  std::vector<float> logits;
  for (TokenId token = 0; token < config.vocab; ++token)
    logits.push_back(TagLogit(attended, token));
  row.adjustments_end = static_cast<int32_t>(adjustments.size());
  const int64_t top = std::max(row.num_top_logprobs, 1);
  std::vector<int32_t> top_tokens(static_cast<size_t>(top));
  std::vector<float> top_logprobs(static_cast<size_t>(top));
  SampledToken sampled;
  const SampleArgs args = {.logits = {logits.data(), {1, config.vocab}},
                           .rows = {&row, {1}},
                           .adjustments = {adjustments.data(), {row.adjustments_end}},
                           .out = {&sampled, {1}},
                           .top_tokens = {top_tokens.data(), {1, top}},
                           .top_logprobs = {top_logprobs.data(), {1, top}}};
  const auto stream = backend.MakeStream();
  ORIEL_CHECK(backend.Sample(args, *stream).ok());
  TokenEvent event;
  event.token = sampled.token;
  event.logprob = sampled.logprob;
  for (int32_t i = 0; i < row.num_top_logprobs; ++i) {
    event.top_logprobs.push_back(
        {top_tokens[static_cast<size_t>(i)], top_logprobs[static_cast<size_t>(i)]});
  }
  return event;
}

SampleRow DrawOf(const SamplingParams& sampling, size_t position) {
  SampleRow row;
  row.temperature = sampling.temperature;
  row.top_k = sampling.top_k;
  row.top_p = sampling.top_p;
  row.min_p = sampling.min_p;
  row.seed = sampling.seed;
  row.position = position;
  row.num_top_logprobs = std::max(sampling.num_top_logprobs, 0);
  return row;
}

TokenEvent Finished(FinishReason reason, TokenId stop_token) {
  TokenEvent event;
  event.kind = TokenEvent::Kind::kFinished;
  event.finish_reason = reason;
  event.stop_token = stop_token;
  return event;
}

// Feeds the prompt, with its log-probabilities if they were asked for; returns what the last token
// attends to.
uint64_t ReadPrompt(const GenerationRequest& request, const OracleConfig& config, Backend& backend,
                    TagText& text, std::vector<TokenEvent>& events) {
  const int32_t num_top = request.sampling.num_top_prompt_logprobs;
  uint64_t attended = 0;
  for (size_t i = 0; i < request.prompt.size(); ++i) {
    if (num_top >= 0) {
      TokenEvent event;
      if (i == 0) {
        event.token = request.prompt[0];
        event.logprob = std::numeric_limits<float>::quiet_NaN();
      } else {
        SampleRow row;
        row.forced_token = request.prompt[i];
        row.num_top_logprobs = num_top;
        event = SampleRowAlone(row, attended, {}, config, backend);
      }
      event.kind = TokenEvent::Kind::kPromptToken;
      events.push_back(event);
    }
    attended = text.Add(request.prompt[i]);
  }
  return attended;
}

}  // namespace

std::vector<TokenEvent> OracleEvents(const GenerationRequest& request, const OracleConfig& config,
                                     Backend& backend) {
  TagText text(config);
  std::vector<TokenEvent> events;
  uint64_t attended = ReadPrompt(request, config, backend, text, events);
  std::vector<TokenId> generated;
  while (static_cast<int32_t>(generated.size()) < request.max_tokens) {
    const size_t position = request.prompt.size() + generated.size();
    TokenEvent event = SampleRowAlone(DrawOf(request.sampling, position), attended,
                                      AdjustmentsOf(request, generated, config), config, backend);
    generated.push_back(event.token);
    const bool is_end = !request.ignore_eos && Contains(request.end_token_ids, event.token);
    if (!is_end) events.push_back(event);
    if (is_end || Contains(request.stop_token_ids, event.token)) {
      events.push_back(Finished(FinishReason::kStop, event.token));
      return events;
    }
    attended = text.Add(event.token);
  }
  events.push_back(Finished(FinishReason::kLength, kNoToken));
  return events;
}

}  // namespace oriel
