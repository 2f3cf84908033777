#include "server/http/tokenize_api.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/utf8.h"
#include "kernels/core/status.h"
#include "server/error_mapping.h"
#include "server/generation/generation_plan.h"
#include "server/generation/tokenize.h"
#include "server/http/field_reader.h"
#include "server/http/ignored_fields.h"
#include "server/http/openai_fields.h"
#include "server/json_body.h"

namespace oriel {
namespace {

void ReadInput(const ServingContext& context, FieldReader& reader, TokenizeRequest& request) {
  const Json* prompt = reader.Take("prompt");
  const char* name = prompt != nullptr ? "prompt" : "content";
  if (prompt == nullptr) prompt = reader.Take("content");
  if (prompt != nullptr) {
    if (!prompt->is_string()) return reader.Fail(name, absl::StrCat(name, " must be a string"));
    request.input = prompt->get<std::string>();
  } else if (reader.Take("messages") != nullptr) {
    ChatInput chat;
    ReadChatInput(reader, context.config.api, chat);
    request.input = std::move(chat);
  }
}

HttpResponse MakeAnswer(const Json& answer, const FieldReader& reader, ServerMetrics& metrics) {
  const std::vector<std::string> ignored = reader.UnreadNames();
  metrics.CountIgnoredFields(ignored.size());
  HttpResponse response{.body = DumpJson(answer)};
  AddIgnoredFieldsHeader(ignored, response);
  return response;
}

}  // namespace

absl::StatusOr<HttpResponse> Tokenize(ServingContext& context, std::string_view body) {
  ORIEL_ASSIGN_OR_RETURN(const Json json, ParseJsonBody(body, context.config.api.json_depth_max));
  FieldReader reader(json);
  TokenizeRequest request;
  bool return_token_strs = false;
  reader.Read("model", request.model);
  reader.Read("add_special_tokens", request.add_special_tokens);
  reader.Read("return_token_strs", return_token_strs);
  ReadInput(context, reader, request);
  ORIEL_RETURN_IF_ERROR(reader.status());
  ORIEL_ASSIGN_OR_RETURN(const std::vector<TokenId> tokens, TokenizeInput(context, request));
  Json answer = {{"count", tokens.size()},
                 {"max_model_len", context.engine.config().max_model_len},
                 {"tokens", tokens}};
  if (return_token_strs) {
    Json names = Json::array();
    for (TokenId token : tokens) {
      names.push_back(ReplaceInvalidUtf8(context.text.TokenBytes(token)));
    }
    answer["token_strs"] = std::move(names);
  }
  return MakeAnswer(answer, reader, context.metrics);
}

absl::StatusOr<HttpResponse> Detokenize(ServingContext& context, std::string_view body) {
  ORIEL_ASSIGN_OR_RETURN(const Json json, ParseJsonBody(body, context.config.api.json_depth_max));
  FieldReader reader(json);
  std::string model;
  std::vector<TokenId> tokens;
  reader.Read("model", model);
  if (!json.contains("tokens")) reader.Fail("tokens", "tokens is missing");
  reader.Read("tokens", tokens);
  ORIEL_RETURN_IF_ERROR(reader.status());
  ORIEL_RETURN_IF_ERROR(CheckModelName(context, model));
  if (tokens.size() > static_cast<size_t>(kTokenizeTokensMax)) {
    return FieldError("tokens", absl::StrCat("tokens has ", tokens.size(), " entries, at most ",
                                             kTokenizeTokensMax, " are allowed"));
  }
  // A few bytes of a request name a long token: the answer is bounded as requests are.
  const auto text_bytes_max = static_cast<size_t>(context.config.http.body_bytes_max);
  const auto stream = context.text.MakeTextStream(SkipSpecialTokens::kNo);
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] < 0 || tokens[i] >= context.text.vocab_size()) {
      return FieldError("tokens",
                        absl::StrCat("tokens[", i, "] is ", tokens[i], ", the vocabulary has ",
                                     context.text.vocab_size(), " tokens"));
    }
    text += stream->Append(tokens[i]);
    if (text.size() > text_bytes_max) {
      return FieldError("tokens", absl::StrCat("the text of tokens has more than ", text_bytes_max,
                                               " bytes, the most that is answered"));
    }
  }
  text += stream->Finish();
  return MakeAnswer({{"prompt", text}}, reader, context.metrics);
}

}  // namespace oriel
