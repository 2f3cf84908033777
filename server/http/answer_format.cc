#include "server/http/answer_format.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/utf8.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// JSON has no infinity; vLLM's number for "impossible".
constexpr float kLogprobMin = -9999.0f;

Json Logprob(float value) {
  if (std::isnan(value)) return nullptr;
  return std::max(value, kLogprobMin);
}

// "stop" and "length" are all that a client ever reads here; a choice that ended otherwise is an
// error instead.
Json FinishText(const ChoiceDelta& delta) {
  if (!delta.finished) return nullptr;
  return delta.finish_reason == FinishReason::kLength ? "length" : "stop";
}

class Format : public AnswerFormat {
 public:
  explicit Format(AnswerHeader header) : header_(std::move(header)) {}

 protected:
  Json Envelope(const char* id_prefix, const char* object, Json choices) const {
    return {{"id", absl::StrCat(id_prefix, header_.request_id)},
            {"object", object},
            {"created", header_.created_unix_s},
            {"model", header_.model},
            {"choices", std::move(choices)}};
  }

  std::string TokenName(TokenId token, const std::string& bytes) const {
    if (header_.return_tokens_as_token_ids) return absl::StrCat("token_id:", token);
    return ReplaceInvalidUtf8(bytes);
  }

  void AddEnd(const ChoiceDelta& delta, Json& choice) const {
    choice["finish_reason"] = FinishText(delta);
    choice["stop_reason"] = delta.stop_reason;
    if (header_.return_token_ids) choice["token_ids"] = delta.token_ids;
  }

  const AnswerHeader header_;
};

class CompletionFormat final : public Format {
 public:
  using Format::Format;

  std::optional<Json> FirstChunk(int32_t) const override { return std::nullopt; }

  Json Chunk(int32_t index, const ChoiceDelta& delta,
             const std::vector<TokenId>* prompt_tokens) const override {
    Json choice = Body(index, delta);
    if (prompt_tokens != nullptr) choice["prompt_token_ids"] = *prompt_tokens;
    return Wrapped(Json::array({std::move(choice)}));
  }

  Json WholeChoice(int32_t index, const ChoiceDelta& whole,
                   const std::vector<TokenId>& prompt_tokens) const override {
    Json choice = Body(index, whole);
    if (header_.return_token_ids) choice["prompt_token_ids"] = prompt_tokens;
    return choice;
  }

  Json WholeAnswer(Json choices, const Usage& usage) const override {
    Json answer = Wrapped(std::move(choices));
    answer["usage"] = UsageJson(usage);
    return answer;
  }

  Json UsageChunk(const Usage& usage) const override { return WholeAnswer(Json::array(), usage); }

 private:
  Json Wrapped(Json choices) const {
    return Envelope("cmpl-", "text_completion", std::move(choices));
  }

  Json Body(int32_t index, const ChoiceDelta& delta) const {
    Json choice = {{"index", index}, {"text", delta.text}, {"logprobs", nullptr}};
    if (header_.logprobs) choice["logprobs"] = Logprobs(delta);
    AddEnd(delta, choice);
    return choice;
  }

  Json Logprobs(const ChoiceDelta& delta) const {
    Json tokens = Json::array(), values = Json::array(), tops = Json::array(),
         offsets = Json::array();
    for (const ChoiceToken& token : delta.tokens) {
      tokens.push_back(TokenName(token.token, token.bytes));
      values.push_back(Logprob(token.logprob));
      tops.push_back(Top(token));
      offsets.push_back(token.text_offset);
    }
    return {{"tokens", std::move(tokens)},
            {"token_logprobs", std::move(values)},
            {"top_logprobs", std::move(tops)},
            {"text_offset", std::move(offsets)}};
  }

  // The chosen token is in the map even when it is not among the best.
  Json Top(const ChoiceToken& token) const {
    if (std::isnan(token.logprob)) return nullptr;
    Json top = Json::object();
    for (const auto& [candidate, bytes] : token.top) {
      top[TokenName(candidate.token, bytes)] = Logprob(candidate.logprob);
    }
    top[TokenName(token.token, token.bytes)] = Logprob(token.logprob);
    return top;
  }
};

class ChatFormat final : public Format {
 public:
  using Format::Format;

  std::optional<Json> FirstChunk(int32_t index) const override {
    return Wrapped({{"index", index},
                    {"delta", {{"role", "assistant"}, {"content", ""}}},
                    {"logprobs", nullptr},
                    {"finish_reason", nullptr}});
  }

  Json Chunk(int32_t index, const ChoiceDelta& delta,
             const std::vector<TokenId>* prompt_tokens) const override {
    Json content = Json::object();
    if (!delta.text.empty()) content["content"] = delta.text;
    Json chunk = Wrapped(Body(index, "delta", std::move(content), delta));
    if (prompt_tokens != nullptr) chunk["prompt_token_ids"] = *prompt_tokens;
    return chunk;
  }

  Json WholeChoice(int32_t index, const ChoiceDelta& whole,
                   const std::vector<TokenId>& prompt_tokens) const override {
    Json message = {{"role", "assistant"}, {"content", whole.text}};
    Json choice = Body(index, "message", std::move(message), whole);
    if (header_.return_token_ids) choice["prompt_token_ids"] = prompt_tokens;
    return choice;
  }

  Json WholeAnswer(Json choices, const Usage& usage) const override {
    Json answer = Envelope("chatcmpl-", "chat.completion", std::move(choices));
    answer["usage"] = UsageJson(usage);
    return answer;
  }

  Json UsageChunk(const Usage& usage) const override {
    Json chunk = Envelope("chatcmpl-", "chat.completion.chunk", Json::array());
    chunk["usage"] = UsageJson(usage);
    return chunk;
  }

 private:
  Json Wrapped(Json choice) const {
    return Envelope("chatcmpl-", "chat.completion.chunk", Json::array({std::move(choice)}));
  }

  Json Body(int32_t index, const char* text_name, Json text, const ChoiceDelta& delta) const {
    Json choice = {{"index", index}, {text_name, std::move(text)}, {"logprobs", nullptr}};
    if (header_.logprobs) choice["logprobs"] = Logprobs(delta);
    AddEnd(delta, choice);
    return choice;
  }

  Json Entry(TokenId token, const std::string& bytes, float logprob) const {
    Json values = Json::array();
    for (char byte : bytes) values.push_back(static_cast<unsigned char>(byte));
    return {{"token", TokenName(token, bytes)},
            {"logprob", Logprob(logprob)},
            {"bytes", std::move(values)}};
  }

  Json Logprobs(const ChoiceDelta& delta) const {
    Json content = Json::array();
    for (const ChoiceToken& token : delta.tokens) {
      Json entry = Entry(token.token, token.bytes, token.logprob);
      entry["top_logprobs"] = Json::array();
      for (const auto& [candidate, bytes] : token.top) {
        entry["top_logprobs"].push_back(Entry(candidate.token, bytes, candidate.logprob));
      }
      content.push_back(std::move(entry));
    }
    return {{"content", std::move(content)}};
  }
};

}  // namespace

Json UsageJson(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.generated_tokens},
          {"total_tokens", usage.prompt_tokens + usage.generated_tokens},
          {"prompt_tokens_details", {{"cached_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

std::unique_ptr<AnswerFormat> MakeCompletionFormat(AnswerHeader header) {
  return std::make_unique<CompletionFormat>(std::move(header));
}

std::unique_ptr<AnswerFormat> MakeChatFormat(AnswerHeader header) {
  return std::make_unique<ChatFormat>(std::move(header));
}

}  // namespace oriel
