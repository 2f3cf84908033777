#include "server/generation/generation_plan.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"

namespace oriel {
namespace {

constexpr int32_t kDefaultCompletionTokens = 16;

// Names of a request that the engine's validator begins its messages with, or quotes.
constexpr std::array<std::string_view, 13> kValidatedFields = {
    "temperature",       "top_k",      "top_p",      "min_p",          "presence_penalty",
    "frequency_penalty", "logit_bias", "max_tokens", "stop_token_ids", "repetition_penalty",
    "min_tokens",        "priority",   "prompt"};

// Of the fields that a message names, the first is at fault.
absl::Status WithFieldOfMessage(absl::Status status) {
  const std::string_view message = ToStd(status.message());
  size_t first = message.npos;
  std::string_view at_fault;
  for (std::string_view field : kValidatedFields) {
    const size_t place = message.find(field);
    if (place >= first) continue;
    first = place;
    at_fault = field;
  }
  return at_fault.empty() ? status : WithErrorParam(std::move(status), at_fault);
}

// The sentence that client libraries look for.
absl::Status ContextExceeded(int64_t prompt_tokens, int64_t max_tokens, int32_t max_model_len,
                             std::string_view param) {
  return WithErrorParam(absl::OutOfRangeError(absl::StrCat(
                            "This model's maximum context length is ", max_model_len,
                            " tokens. However, you requested ", prompt_tokens + max_tokens,
                            " tokens (", prompt_tokens, " in the ", ToAbsl(param), ", ", max_tokens,
                            " in the completion). Please reduce the length of the ", ToAbsl(param),
                            " or completion.")),
                        param);
}

// A prompt longer than the context is refused with its exact length, so the tokenizer may go on
// past it; beyond this factor the length no longer matters.
int32_t TokensMax(const ServingContext& context) {
  constexpr int64_t kFactor = 16, kLeast = 1 << 20;
  return static_cast<int32_t>(std::min<int64_t>(
      1 << 30, std::max(kLeast, kFactor * context.engine.config().max_model_len)));
}

std::string DecodeAll(const TextModel& model, const std::vector<TokenId>& tokens) {
  const auto stream = model.MakeTextStream(SkipSpecialTokens::kNo);
  std::string text;
  for (TokenId token : tokens) text += stream->Append(token);
  return text + stream->Finish();
}

uint64_t RandomSeed() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

class Planner {
 public:
  Planner(const ServingContext& context, absl::Time arrival)
      : context_(context), arrival_(arrival) {}

  absl::StatusOr<GenerationPlan> Plan(CompletionRequest api) const;
  absl::StatusOr<GenerationPlan> Plan(ChatCompletionRequest api) const;

 private:
  absl::StatusOr<PlannedPrompt> PlanPrompt(const CompletionRequest& api,
                                           const PromptInput& input) const;
  absl::Status FillRequest(const GenerationOptions& options, ApiKind kind,
                           GenerationRequest& request) const;
  absl::Status CheckTotal(const GenerationPlan& plan) const;

  const ServingContext& context_;
  const absl::Time arrival_;
};

absl::Status Planner::FillRequest(const GenerationOptions& options, ApiKind kind,
                                  GenerationRequest& request) const {
  const EngineConfig& config = context_.engine.config();
  const std::string_view param = kind == ApiKind::kChat ? "messages" : "prompt";
  const auto prompt_tokens = static_cast<int64_t>(request.prompt.size());
  const int64_t left = config.max_model_len - prompt_tokens;
  const int64_t wanted_default =
      kind == ApiKind::kChat ? std::max<int64_t>(left, 1) : kDefaultCompletionTokens;
  const int64_t max_tokens = options.max_tokens
                                 ? *options.max_tokens
                                 : std::min(wanted_default, std::max<int64_t>(left, 1));
  if (max_tokens >= 0 && prompt_tokens + max_tokens > config.max_model_len) {
    return ContextExceeded(prompt_tokens, max_tokens, config.max_model_len, param);
  }
  request.sampling = options.sampling;
  // vLLM writes "off" as -1 too.
  if (request.sampling.top_k == -1) request.sampling.top_k = 0;
  request.sampling.seed = options.seed ? *options.seed : RandomSeed();
  request.sampling.num_top_logprobs = options.num_logprobs.value_or(-1);
  request.max_tokens = static_cast<int32_t>(max_tokens);
  request.min_tokens = options.min_tokens;
  request.ignore_eos = options.ignore_eos;
  request.end_token_ids = context_.text.end_tokens();
  request.stop_token_ids = options.stop_token_ids;
  request.priority = options.priority;
  request.arrival = arrival_;
  request.deadline = options.deadline;
  if (context_.config.api.request_timeout > absl::ZeroDuration()) {
    request.deadline = std::min(request.deadline, arrival_ + context_.config.api.request_timeout);
  }
  return absl::OkStatus();
}

absl::StatusOr<PlannedPrompt> Planner::PlanPrompt(const CompletionRequest& api,
                                                  const PromptInput& input) const {
  PlannedPrompt prompt;
  const auto* text = std::get_if<std::string>(&input);
  if (text != nullptr) {
    const auto add = api.add_special_tokens ? AddSpecialTokens::kYes : AddSpecialTokens::kNo;
    auto tokens = context_.text.Encode(*text, add, TokensMax(context_));
    if (!tokens.ok()) return WithErrorParam(tokens.status(), "prompt");
    prompt.request.prompt = *std::move(tokens);
  } else {
    prompt.request.prompt = std::get<std::vector<TokenId>>(input);
  }
  GenerationRequest& request = prompt.request;
  ORIEL_RETURN_IF_ERROR(FillRequest(api.options, ApiKind::kCompletion, request));
  if (api.echo) {
    // An echo without answer needs a reason to run the prompt: its log-probabilities.
    const int32_t wanted = api.options.num_logprobs.value_or(-1);
    request.sampling.num_top_prompt_logprobs =
        request.max_tokens == 0 ? std::max(wanted, 0) : wanted;
  }
  ORIEL_RETURN_IF_ERROR(WithFieldOfMessage(ValidateGenerationRequest(
      request, context_.engine.config(), context_.engine.model_config().vocab)));
  if (api.echo) {
    prompt.echo_text = text != nullptr ? *text : DecodeAll(context_.text, request.prompt);
    if (text != nullptr && api.options.num_logprobs) {
      const int64_t decoded = NumCharacters(DecodeAll(context_.text, request.prompt));
      prompt.unseen_characters = std::max<int64_t>(0, decoded - NumCharacters(*text));
    }
  }
  return prompt;
}

absl::StatusOr<GenerationPlan> Planner::Plan(CompletionRequest api) const {
  ORIEL_RETURN_IF_ERROR(CheckRequest(api, RulesOf(context_)));
  ORIEL_RETURN_IF_ERROR(CheckModelName(context_, api.options.model));
  GenerationPlan plan{.kind = ApiKind::kCompletion};
  for (const PromptInput& input : api.prompts) {
    ORIEL_ASSIGN_OR_RETURN(PlannedPrompt prompt, PlanPrompt(api, input));
    plan.prompts.push_back(std::move(prompt));
  }
  plan.options = std::move(api.options);
  ORIEL_RETURN_IF_ERROR(CheckTotal(plan));
  return plan;
}

absl::StatusOr<GenerationPlan> Planner::Plan(ChatCompletionRequest api) const {
  ORIEL_RETURN_IF_ERROR(CheckRequest(api, RulesOf(context_)));
  ORIEL_RETURN_IF_ERROR(CheckModelName(context_, api.options.model));
  absl::StatusOr<std::string> text = context_.text.RenderChat(api.chat);
  if (!text.ok()) return WithErrorParam(text.status(), "messages");
  const auto add = api.add_special_tokens ? AddSpecialTokens::kYes : AddSpecialTokens::kNo;
  auto tokens = context_.text.Encode(*text, add, TokensMax(context_));
  if (!tokens.ok()) return WithErrorParam(tokens.status(), "messages");
  GenerationPlan plan{.kind = ApiKind::kChat};
  PlannedPrompt& prompt = plan.prompts.emplace_back();
  prompt.request.prompt = *std::move(tokens);
  ORIEL_RETURN_IF_ERROR(FillRequest(api.options, ApiKind::kChat, prompt.request));
  ORIEL_RETURN_IF_ERROR(WithFieldOfMessage(ValidateGenerationRequest(
      prompt.request, context_.engine.config(), context_.engine.model_config().vocab)));
  plan.options = std::move(api.options);
  ORIEL_RETURN_IF_ERROR(CheckTotal(plan));
  return plan;
}

// What can never wait together is refused for good; the queue itself would say "later".
absl::Status Planner::CheckTotal(const GenerationPlan& plan) const {
  const EngineConfig& config = context_.engine.config();
  int64_t tokens = 0;
  for (const PlannedPrompt& prompt : plan.prompts) {
    tokens += static_cast<int64_t>(prompt.request.prompt.size()) * plan.options.n;
  }
  if (tokens > config.queue_tokens_max) {
    return FieldError(
        "prompt", absl::StrCat("the prompts have ", tokens, " tokens together, n ",
                               "times each, at most ", config.queue_tokens_max, " are allowed"));
  }
  if (plan.num_choices() > config.queue_requests_max) {
    return FieldError(
        "n", absl::StrCat("the request asks for ", plan.num_choices(), " answers, at most ",
                          config.queue_requests_max, " may wait"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckModelName(const ServingContext& context, std::string_view model) {
  if (model.empty() || model == context.model_name) return absl::OkStatus();
  constexpr size_t kQuotedBytesMax = 100;
  return WithErrorCode(
      WithErrorParam(absl::NotFoundError(absl::StrCat(
                         "the model \"", ToAbsl(model.substr(0, kQuotedBytesMax)),
                         "\" does not exist; this server has \"", context.model_name, "\"")),
                     "model"),
      "model_not_found");
}

RequestRules RulesOf(const ServingContext& context) {
  return {.limits = context.config.api,
          .top_logprobs_max = context.engine.config().top_logprobs_max};
}

absl::StatusOr<GenerationPlan> PlanCompletion(const ServingContext& context,
                                              CompletionRequest request, absl::Time arrival) {
  return Planner(context, arrival).Plan(std::move(request));
}

absl::StatusOr<GenerationPlan> PlanChat(const ServingContext& context,
                                        ChatCompletionRequest request, absl::Time arrival) {
  return Planner(context, arrival).Plan(std::move(request));
}

ChoiceOptions MakeChoiceOptions(const GenerationPlan& plan, const PlannedPrompt& prompt) {
  const GenerationOptions& options = plan.options;
  const bool logprobs = options.num_logprobs.has_value();
  return {.stop = options.stop,
          .stop_token_ids = options.stop_token_ids,
          .include_stop = options.include_stop_str_in_output,
          .skip_special_tokens =
              options.skip_special_tokens ? SkipSpecialTokens::kYes : SkipSpecialTokens::kNo,
          .want_logprobs = logprobs,
          .want_every_token = logprobs || options.return_token_ids,
          .echo_text = prompt.echo_text,
          .unseen_characters = prompt.unseen_characters};
}

}  // namespace oriel
