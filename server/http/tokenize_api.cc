#include "server/http/tokenize_api.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/utf8.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/http/field_reader.h"
#include "server/http/generation_plan.h"
#include "server/http/json_body.h"
#include "server/http/openai_fields.h"

namespace oriel {
namespace {

// A text may have more tokens than the model takes: the answer is how a client finds out.
constexpr int32_t kTokensMax = 1 << 24;

struct TokenizeRequest {
  std::string model;
  std::string text;
  bool add_special_tokens = true;
  bool return_token_strs = false;
};

absl::StatusOr<std::string> ReadText(const ServingContext& context, FieldReader& reader) {
  const Json* prompt = reader.Take("prompt");
  const char* name = prompt != nullptr ? "prompt" : "content";
  if (prompt == nullptr) prompt = reader.Take("content");
  if (prompt != nullptr) {
    if (prompt->is_string()) return prompt->get<std::string>();
    return FieldError(name, absl::StrCat(name, " must be a string"));
  }
  if (reader.Take("messages") == nullptr) {
    return FieldError("prompt", "prompt is missing; prompt or messages must be there");
  }
  ChatInput chat;
  ReadChatInput(reader, {.limits = context.config.api}, chat);
  ORIEL_RETURN_IF_ERROR(reader.status());
  absl::StatusOr<std::string> text = context.text.RenderChat(chat);
  if (!text.ok()) return WithErrorParam(text.status(), "messages");
  return text;
}

absl::StatusOr<TokenizeRequest> ReadTokenizeRequest(const ServingContext& context,
                                                    const Json& json) {
  FieldReader reader(json);
  TokenizeRequest request;
  // A template writes the special tokens itself.
  request.add_special_tokens = json.contains("prompt") || json.contains("content");
  reader.Read("model", request.model);
  reader.Read("add_special_tokens", request.add_special_tokens);
  reader.Read("return_token_strs", request.return_token_strs);
  ORIEL_RETURN_IF_ERROR(reader.status());
  ORIEL_RETURN_IF_ERROR(CheckModelName(context, request.model));
  ORIEL_ASSIGN_OR_RETURN(request.text, ReadText(context, reader));
  return request;
}

}  // namespace

absl::StatusOr<HttpResponse> Tokenize(const ServingContext& context, std::string_view body) {
  ORIEL_ASSIGN_OR_RETURN(const Json json, ParseJsonBody(body, context.config.api.json_depth_max));
  ORIEL_ASSIGN_OR_RETURN(const TokenizeRequest request, ReadTokenizeRequest(context, json));
  const auto add = request.add_special_tokens ? AddSpecialTokens::kYes : AddSpecialTokens::kNo;
  auto tokens = context.text.Encode(request.text, add, kTokensMax);
  if (!tokens.ok()) return WithErrorParam(tokens.status(), "prompt");
  Json answer = {{"count", tokens->size()},
                 {"max_model_len", context.engine.config().max_model_len},
                 {"tokens", *tokens}};
  if (request.return_token_strs) {
    Json names = Json::array();
    for (TokenId token : *tokens) {
      names.push_back(ReplaceInvalidUtf8(context.text.TokenBytes(token)));
    }
    answer["token_strs"] = std::move(names);
  }
  return HttpResponse{.body = DumpJson(answer)};
}

absl::StatusOr<HttpResponse> Detokenize(const ServingContext& context, std::string_view body) {
  ORIEL_ASSIGN_OR_RETURN(const Json json, ParseJsonBody(body, context.config.api.json_depth_max));
  FieldReader reader(json);
  std::string model;
  std::vector<TokenId> tokens;
  reader.Read("model", model);
  if (!json.contains("tokens")) reader.Fail("tokens", "tokens is missing");
  reader.Read("tokens", tokens);
  ORIEL_RETURN_IF_ERROR(reader.status());
  ORIEL_RETURN_IF_ERROR(CheckModelName(context, model));
  const auto stream = context.text.MakeTextStream(SkipSpecialTokens::kNo);
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= context.text.vocab_size()) {
      return FieldError("tokens",
                        absl::StrCat("tokens[", i, "] is ", tokens[i], ", the vocabulary has ",
                                     context.text.vocab_size(), " tokens"));
    }
    text += stream->Append(tokens[i]);
  }
  text += stream->Finish();
  return HttpResponse{.body = DumpJson({{"prompt", text}})};
}

}  // namespace oriel
