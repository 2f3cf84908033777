#include "server/http/openai_fields.h"

#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/chat_messages.h"

namespace oriel {
namespace {

// A field we do not have, and the values of it that ask for nothing.
struct UnsupportedRow {
  std::string_view name;
  bool (*is_neutral)(const Json& value);
};

bool Never(const Json&) { return false; }
bool IsFalse(const Json& value) { return value == false; }
bool IsEmpty(const Json& value) {
  return value == false || value == "" || (value.is_structured() && value.empty());
}
bool IsTextFormat(const Json& value) {
  return value.is_object() && value.size() == 1 && value.contains("type") &&
         value["type"] == "text";
}
bool IsTextOnly(const Json& value) { return value == Json::array({"text"}); }

constexpr std::array kUnsupportedRows = std::to_array<UnsupportedRow>({
    {"response_format", IsTextFormat},
    {"structured_outputs", Never},
    {"guided_json", Never},
    {"guided_regex", Never},
    {"guided_choice", Never},
    {"guided_grammar", Never},
    {"grammar", IsEmpty},
    {"suffix", IsEmpty},
    {"use_beam_search", IsFalse},
    {"prompt_logprobs", Never},
    {"prompt_embeds", Never},
    {"truncate_prompt_tokens", Never},
    {"allowed_token_ids", IsEmpty},
    {"bad_words", IsEmpty},
    {"logits_processors", IsEmpty},
    {"continue_final_message", IsFalse},
    {"chat_template", Never},
    {"functions", IsEmpty},
    {"function_call", Never},
    {"audio", Never},
    {"prediction", Never},
    {"web_search_options", Never},
    {"modalities", IsTextOnly},
});

constexpr std::array<std::string_view, 15> kFieldsWithoutEffect = {"user",
                                                                   "metadata",
                                                                   "store",
                                                                   "service_tier",
                                                                   "cache_salt",
                                                                   "request_id",
                                                                   "verbosity",
                                                                   "stream_ping_interval",
                                                                   "safety_identifier",
                                                                   "prompt_cache_key",
                                                                   "parallel_tool_calls",
                                                                   "spaces_between_special_tokens",
                                                                   "detokenize",
                                                                   "include_reasoning",
                                                                   "documents"};

void ReadStop(FieldReader& reader, std::vector<std::string>& stop) {
  const Json* field = reader.Take("stop");
  if (field == nullptr) return;
  const Json list = field->is_array() ? *field : Json::array({*field});
  for (const Json& entry : list) {
    if (!entry.is_string()) {
      return reader.Fail("stop", "stop must be a string or a list of strings");
    }
    stop.push_back(entry.get<std::string>());
  }
}

void ReadLogitBias(FieldReader& reader, SamplingParams& sampling) {
  const Json* field = reader.Take("logit_bias");
  if (field == nullptr) return;
  if (!field->is_object()) {
    return reader.Fail("logit_bias", "logit_bias must be an object of token ids to numbers");
  }
  for (const auto& [key, bias] : field->items()) {
    TokenId token = kNoToken;
    if (!absl::SimpleAtoi(key, &token) || !bias.is_number()) {
      return reader.Fail("logit_bias",
                         absl::StrCat("logit_bias must be an object of token ids to numbers, \"",
                                      key.substr(0, 32), "\" is none"));
    }
    sampling.logit_bias.emplace_back(token, bias.get<float>());
  }
}

void ReadSampling(FieldReader& reader, SamplingParams& sampling) {
  reader.Read("temperature", sampling.temperature);
  reader.Read("top_p", sampling.top_p);
  reader.Read("top_k", sampling.top_k);
  reader.Read("min_p", sampling.min_p);
  reader.Read("presence_penalty", sampling.presence_penalty);
  reader.Read("frequency_penalty", sampling.frequency_penalty);
  reader.Read("repetition_penalty", sampling.repetition_penalty);
  ReadLogitBias(reader, sampling);
}

void ReadNumChoices(FieldReader& reader, int32_t& n) {
  reader.Read("n", n);
  int32_t best_of = n;
  reader.Read("best_of", best_of);
  if (best_of != n) {
    reader.Fail(UnsupportedField(
        "best_of",
        absl::StrCat("best_of is ", best_of, ", only the value of n, ", n, ", is supported")));
  }
}

void ReadStreamOptions(FieldReader& reader, GenerationOptions& options) {
  reader.Read("stream", options.stream);
  const Json* field = reader.Take("stream_options");
  if (field == nullptr) return;
  if (!field->is_object()) return reader.Fail("stream_options", "stream_options must be an object");
  if (!options.stream) {
    return reader.Fail("stream_options", "stream_options needs stream to be true");
  }
  FieldReader inner(*field, "stream_options.");
  inner.Read("include_usage", options.include_usage);
  inner.Read("continuous_usage_stats", options.continuous_usage_stats);
  if (!inner.status().ok()) reader.Fail(inner.status());
}

void ReadMessages(FieldReader& reader, const ApiLimits& limits, Json& messages) {
  const Json* field = reader.Take("messages");
  if (field == nullptr) return reader.Fail("messages", "messages is missing");
  absl::StatusOr<Json> read = ReadChatMessages(*field, limits);
  if (!read.ok()) return reader.Fail(read.status());
  messages = *std::move(read);
}

// Tools reach the template; their calls are text of the answer, so no tool can be forced.
void ReadTools(FieldReader& reader, Json& tools) {
  const Json* field = reader.Take("tools");
  if (field != nullptr) {
    if (!field->is_array() || field->empty()) {
      return reader.Fail("tools", "tools must be a list of one tool at least");
    }
    for (const Json& tool : *field) {
      if (!tool.is_object()) return reader.Fail("tools", "tools must be a list of objects");
    }
    tools = *field;
  }
  const Json* choice = reader.Take("tool_choice");
  if (choice == nullptr || *choice == "none") {
    if (choice != nullptr) tools = nullptr;
    return;
  }
  if (*choice != "auto") {
    return reader.Fail(UnsupportedField(
        "tool_choice",
        "tool_choice must be \"auto\" or \"none\"; forcing a tool is not supported"));
  }
  if (tools.is_null()) reader.Fail("tool_choice", "tool_choice needs tools");
}

}  // namespace

void ReadGenerationOptions(FieldReader& reader, GenerationOptions& options) {
  reader.Read("model", options.model);
  ReadSampling(reader, options.sampling);
  reader.Read("seed", options.seed);
  reader.Read("max_tokens", options.max_tokens);
  reader.Read("min_tokens", options.min_tokens);
  reader.Read("ignore_eos", options.ignore_eos);
  reader.Read("priority", options.priority);
  ReadNumChoices(reader, options.n);
  ReadStop(reader, options.stop);
  reader.Read("stop_token_ids", options.stop_token_ids);
  reader.Read("include_stop_str_in_output", options.include_stop_str_in_output);
  reader.Read("skip_special_tokens", options.skip_special_tokens);
  ReadStreamOptions(reader, options);
  reader.Read("return_token_ids", options.return_token_ids);
  reader.Read("return_tokens_as_token_ids", options.return_tokens_as_token_ids);
}

void ReadChatInput(FieldReader& reader, const ApiLimits& limits, ChatInput& chat) {
  ReadMessages(reader, limits, chat.messages);
  ReadTools(reader, chat.tools);
  const Json* kwargs = reader.Take("chat_template_kwargs");
  if (kwargs != nullptr) {
    if (!kwargs->is_object()) {
      return reader.Fail("chat_template_kwargs", "chat_template_kwargs must be an object");
    }
    chat.template_kwargs = *kwargs;
  }
  std::string effort;
  reader.Read("reasoning_effort", effort);
  if (!effort.empty()) chat.template_kwargs["reasoning_effort"] = effort;
  reader.Read("add_generation_prompt", chat.add_generation_prompt);
}

void RefuseUnsupportedFields(FieldReader& reader) {
  for (const UnsupportedRow& row : kUnsupportedRows) {
    const Json* field = reader.Take(row.name);
    if (field == nullptr || row.is_neutral(*field)) continue;
    reader.Fail(UnsupportedField(row.name, absl::StrCat(ToAbsl(row.name), " is not supported")));
  }
}

void AcceptFieldsWithoutEffect(FieldReader& reader) {
  for (std::string_view name : kFieldsWithoutEffect) reader.Take(name);
}

}  // namespace oriel
