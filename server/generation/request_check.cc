#include "server/generation/request_check.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"

namespace oriel {
namespace {

absl::Status CheckNumChoices(int64_t n, int64_t num_prompts, const ApiLimits& limits) {
  if (n < 1 || n > limits.choices_max) {
    return FieldError("n", absl::StrCat("n is ", n, ", it must be 1 to ", limits.choices_max));
  }
  if (n * num_prompts <= limits.choices_max) return absl::OkStatus();
  return FieldError("n",
                    absl::StrCat("n is ", n, " for ", num_prompts, " prompts, together at most ",
                                 limits.choices_max, " answers are allowed"));
}

absl::Status CheckStop(const std::vector<std::string>& stop, const ApiLimits& limits) {
  if (stop.size() > static_cast<size_t>(limits.stop_strings_max)) {
    return FieldError("stop", absl::StrCat("stop has ", stop.size(), " entries, at most ",
                                           limits.stop_strings_max, " are allowed"));
  }
  for (const std::string& text : stop) {
    if (text.empty()) return FieldError("stop", "stop must not have an empty string");
    if (text.size() > static_cast<size_t>(limits.stop_string_bytes_max)) {
      return FieldError("stop",
                        absl::StrCat("stop has a string of ", text.size(), " bytes, at most ",
                                     limits.stop_string_bytes_max, " are allowed"));
    }
  }
  return absl::OkStatus();
}

// `name` is the field that holds the count: chat has a name of its own.
absl::Status CheckLogprobs(const GenerationOptions& options, std::string_view name,
                           const RequestRules& rules) {
  if (!options.num_logprobs) return absl::OkStatus();
  const int32_t count = *options.num_logprobs;
  if (count >= 0 && count <= rules.top_logprobs_max) return absl::OkStatus();
  return FieldError(name, absl::StrCat(ToAbsl(name), " is ", count, ", it must be 0 to ",
                                       rules.top_logprobs_max));
}

absl::Status CheckPrompts(const std::vector<PromptInput>& prompts, const ApiLimits& limits) {
  if (prompts.empty()) return FieldError("prompt", "prompt must not be an empty list");
  if (prompts.size() <= static_cast<size_t>(limits.choices_max)) return absl::OkStatus();
  return FieldError("prompt", absl::StrCat("prompt has ", prompts.size(), " entries, at most ",
                                           limits.choices_max, " are allowed"));
}

}  // namespace

absl::Status CheckRequest(const CompletionRequest& request, const RequestRules& rules) {
  const GenerationOptions& options = request.options;
  ORIEL_RETURN_IF_ERROR(CheckPrompts(request.prompts, rules.limits));
  ORIEL_RETURN_IF_ERROR(
      CheckNumChoices(options.n, static_cast<int64_t>(request.prompts.size()), rules.limits));
  ORIEL_RETURN_IF_ERROR(CheckStop(options.stop, rules.limits));
  ORIEL_RETURN_IF_ERROR(CheckLogprobs(options, "logprobs", rules));
  if (options.max_tokens == 0 && !request.echo) {
    return FieldError("max_tokens", "max_tokens is 0, which needs echo to be true");
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const ChatCompletionRequest& request, const RequestRules& rules) {
  const GenerationOptions& options = request.options;
  ORIEL_RETURN_IF_ERROR(CheckNumChoices(options.n, 1, rules.limits));
  ORIEL_RETURN_IF_ERROR(CheckStop(options.stop, rules.limits));
  ORIEL_RETURN_IF_ERROR(CheckLogprobs(options, "top_logprobs", rules));
  if (request.echo) {
    return UnsupportedField("echo", "echo is supported by completions only");
  }
  if (options.max_tokens == 0) {
    return FieldError("max_tokens", "max_tokens is 0, a chat must generate 1 at least");
  }
  return absl::OkStatus();
}

}  // namespace oriel
