#include "server/grpc/message_conversion.h"

#include <cmath>
#include <map>
#include <utility>

#include "engine/tokenizer/utf8.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/chat_messages.h"

namespace oriel {
namespace {

SamplingParams ReadSampling(const v1::SamplingParameters& message) {
  SamplingParams sampling;
  if (message.has_temperature()) sampling.temperature = message.temperature();
  if (message.has_top_p()) sampling.top_p = message.top_p();
  if (message.has_top_k()) sampling.top_k = message.top_k();
  if (message.has_min_p()) sampling.min_p = message.min_p();
  if (message.has_presence_penalty()) sampling.presence_penalty = message.presence_penalty();
  if (message.has_frequency_penalty()) sampling.frequency_penalty = message.frequency_penalty();
  if (message.has_repetition_penalty()) sampling.repetition_penalty = message.repetition_penalty();
  // The message's own map has no fixed order, and of several faults the same one shall be named.
  const std::map<int32_t, float> biases(message.logit_bias().begin(), message.logit_bias().end());
  sampling.logit_bias.assign(biases.begin(), biases.end());
  return sampling;
}

GenerationOptions ReadOptions(const v1::GenerateRequest& message, absl::Time deadline) {
  GenerationOptions options;
  options.model = message.model();
  options.sampling = ReadSampling(message.sampling());
  if (message.sampling().has_seed()) options.seed = message.sampling().seed();
  if (message.has_max_tokens()) options.max_tokens = message.max_tokens();
  if (message.has_logprobs()) options.num_logprobs = message.logprobs();
  if (message.has_min_tokens()) options.min_tokens = message.min_tokens();
  options.priority = message.priority();
  options.stop.assign(message.stop().begin(), message.stop().end());
  options.stop_token_ids.assign(message.stop_token_ids().begin(), message.stop_token_ids().end());
  options.include_stop_str_in_output = message.include_stop_str_in_output();
  options.ignore_eos = message.ignore_eos();
  if (message.has_skip_special_tokens()) {
    options.skip_special_tokens = message.skip_special_tokens();
  }
  options.return_token_ids = true;
  options.deadline = deadline;
  return options;
}

absl::StatusOr<ChatInput> ReadChat(const v1::Chat& message, const ApiLimits& limits) {
  Json list = Json::array();
  for (const v1::ChatMessage& source : message.messages()) {
    Json entry = {{"role", source.role()}};
    if (source.has_content()) entry["content"] = source.content();
    if (source.has_name()) entry["name"] = source.name();
    list.push_back(std::move(entry));
  }
  ChatInput chat;
  ORIEL_ASSIGN_OR_RETURN(chat.messages, ReadChatMessages(list, limits));
  if (message.has_add_generation_prompt()) {
    chat.add_generation_prompt = message.add_generation_prompt();
  }
  return chat;
}

absl::StatusOr<GenerationPlan> PlanChatMessage(const ServingContext& context,
                                               const v1::GenerateRequest& message,
                                               const CallTimes& times) {
  ChatCompletionRequest request;
  request.options = ReadOptions(message, times.deadline);
  ORIEL_ASSIGN_OR_RETURN(request.chat, ReadChat(message.chat(), context.config.api));
  request.echo = message.echo();
  if (message.has_add_special_tokens()) request.add_special_tokens = message.add_special_tokens();
  return PlanChat(context, std::move(request), times.arrival);
}

absl::StatusOr<GenerationPlan> PlanPromptMessage(const ServingContext& context,
                                                 const v1::GenerateRequest& message,
                                                 const CallTimes& times) {
  CompletionRequest request;
  request.options = ReadOptions(message, times.deadline);
  request.echo = message.echo();
  if (message.has_add_special_tokens()) request.add_special_tokens = message.add_special_tokens();
  if (message.has_text()) {
    request.prompts.emplace_back(message.text());
  } else if (!message.token_ids().ids().empty()) {
    const auto& ids = message.token_ids().ids();
    request.prompts.emplace_back(std::vector<TokenId>(ids.begin(), ids.end()));
  }
  return PlanCompletion(context, std::move(request), times.arrival);
}

void WriteLogprob(const ChoiceToken& token, v1::TokenLogprob& message) {
  message.set_token_id(token.token);
  message.set_token(token.bytes);
  if (!std::isnan(token.logprob)) message.set_logprob(token.logprob);
  message.set_text_offset(token.text_offset);
  for (const auto& [candidate, bytes] : token.top) {
    v1::TopLogprob& top = *message.add_top();
    top.set_token_id(candidate.token);
    top.set_token(bytes);
    top.set_logprob(candidate.logprob);
  }
}

template <typename Message>
void WriteEnd(const ChoiceDelta& delta, const Usage& usage, Message& message) {
  message.set_finish_reason(delta.finish_reason == FinishReason::kLength ? v1::FINISH_REASON_LENGTH
                                                                         : v1::FINISH_REASON_STOP);
  if (delta.stop_reason.is_string()) {
    message.mutable_stop_reason()->set_stop(delta.stop_reason.get<std::string>());
  } else if (delta.stop_reason.is_number()) {
    message.mutable_stop_reason()->set_stop_token_id(delta.stop_reason.get<TokenId>());
  }
  message.mutable_usage()->set_prompt_tokens(usage.prompt_tokens);
  message.mutable_usage()->set_generated_tokens(usage.generated_tokens);
}

template <typename Message>
void WriteParts(const ChoiceDelta& delta, const Usage& usage, Message& message) {
  message.set_text(ReplaceInvalidUtf8(delta.text));
  message.mutable_token_ids()->Assign(delta.token_ids.begin(), delta.token_ids.end());
  for (const ChoiceToken& token : delta.tokens) WriteLogprob(token, *message.add_logprobs());
  if (delta.finished) WriteEnd(delta, usage, message);
}

}  // namespace

absl::StatusOr<GenerationPlan> PlanMessage(const ServingContext& context,
                                           const v1::GenerateRequest& message,
                                           const CallTimes& times) {
  switch (message.prompt_case()) {
    case v1::GenerateRequest::kChat:
      return PlanChatMessage(context, message, times);
    case v1::GenerateRequest::kText:
    case v1::GenerateRequest::kTokenIds:
      return PlanPromptMessage(context, message, times);
    case v1::GenerateRequest::PROMPT_NOT_SET:
      break;
  }
  return FieldError("prompt", "prompt is missing");
}

absl::StatusOr<TokenizeRequest> ReadTokenizeMessage(const ServingContext& context,
                                                    const v1::TokenizeRequest& message) {
  TokenizeRequest request;
  request.model = message.model();
  if (message.has_add_special_tokens()) request.add_special_tokens = message.add_special_tokens();
  switch (message.prompt_case()) {
    case v1::TokenizeRequest::kText:
      request.input = message.text();
      break;
    case v1::TokenizeRequest::kChat: {
      ORIEL_ASSIGN_OR_RETURN(request.input, ReadChat(message.chat(), context.config.api));
      break;
    }
    case v1::TokenizeRequest::PROMPT_NOT_SET:
      break;
  }
  return request;
}

void WriteDelta(const ChoiceDelta& delta, const Usage& usage, v1::GenerateResponse& message) {
  WriteParts(delta, usage, message);
}

void WriteDelta(const ChoiceDelta& delta, const Usage& usage, v1::GenerateStreamResponse& message) {
  WriteParts(delta, usage, message);
}

}  // namespace oriel
