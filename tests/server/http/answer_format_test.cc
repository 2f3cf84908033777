#include "server/http/answer_format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace oriel {
namespace {

AnswerHeader Header() { return {.request_id = "7", .created_unix_s = 5, .model = "m"}; }

ChoiceDelta Delta() {
  ChoiceDelta delta;
  delta.text = "hi";
  delta.token_ids = {1, 2};
  delta.finished = true;
  delta.finish_reason = FinishReason::kLength;
  return delta;
}

ChoiceDelta DeltaWithLogprobs() {
  ChoiceDelta delta = Delta();
  delta.tokens.push_back({.token = 9, .bytes = "P", .logprob = std::nanf("")});
  delta.tokens.push_back({.token = 1,
                          .bytes = "h",
                          .logprob = -INFINITY,
                          .top = {{{.token = 4, .logprob = -0.5f}, "\xff"}},
                          .text_offset = 1});
  return delta;
}

const Usage kUsage = {.prompt_tokens = 3, .generated_tokens = 2};

TEST(AnswerFormatTest, AWholeCompletion) {
  const auto format = MakeCompletionFormat(Header());
  const Json answer =
      format->WholeAnswer(Json::array({format->WholeChoice(0, Delta(), {8})}), kUsage);
  EXPECT_EQ(answer, Json::parse(R"({"id":"cmpl-7","object":"text_completion","created":5,
    "model":"m","choices":[{"index":0,"text":"hi","logprobs":null,"finish_reason":"length",
    "stop_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,
    "prompt_tokens_details":{"cached_tokens":0},
    "completion_tokens_details":{"reasoning_tokens":0}}})"));
}

TEST(AnswerFormatTest, AWholeChat) {
  const auto format = MakeChatFormat(Header());
  ChoiceDelta delta = Delta();
  delta.finish_reason = FinishReason::kStop;
  delta.stop_reason = "END";
  const Json answer = format->WholeAnswer(Json::array({format->WholeChoice(1, delta, {})}), kUsage);
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["id"], "chatcmpl-7");
  EXPECT_EQ(answer["choices"][0], Json::parse(R"({"index":1,
    "message":{"role":"assistant","content":"hi"},"logprobs":null,"finish_reason":"stop",
    "stop_reason":"END"})"));
}

TEST(AnswerFormatTest, AChatStreamStartsWithTheRoleAndEndsWithUsage) {
  const auto format = MakeChatFormat(Header());
  EXPECT_EQ((*format->FirstChunk(2))["choices"][0], Json::parse(R"({"index":2,
    "delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null})"));
  ChoiceDelta middle;
  middle.text = "x";
  EXPECT_EQ(format->Chunk(2, middle, nullptr)["choices"][0], Json::parse(R"({"index":2,
    "delta":{"content":"x"},"logprobs":null,"finish_reason":null,"stop_reason":null})"));
  const Json last = format->UsageChunk(kUsage);
  EXPECT_EQ(last["choices"], Json::array());
  EXPECT_EQ(last["usage"]["total_tokens"], 5);
  EXPECT_EQ(last["object"], "chat.completion.chunk");
}

TEST(AnswerFormatTest, CompletionsHaveNoFirstChunk) {
  EXPECT_FALSE(MakeCompletionFormat(Header())->FirstChunk(0).has_value());
}

TEST(AnswerFormatTest, CompletionLogprobsListTokensAndTheChosenOneInEachMap) {
  AnswerHeader header = Header();
  header.logprobs = true;
  const Json choice = MakeCompletionFormat(header)->WholeChoice(0, DeltaWithLogprobs(), {});
  EXPECT_EQ(choice["logprobs"], Json::parse(R"({"tokens":["P","h"],
    "token_logprobs":[null,-9999.0],"top_logprobs":[null,{"\ufffd":-0.5,"h":-9999.0}],
    "text_offset":[0,1]})"));
}

TEST(AnswerFormatTest, ChatLogprobsCarryBytes) {
  AnswerHeader header = Header();
  header.logprobs = true;
  const Json choice = MakeChatFormat(header)->WholeChoice(0, DeltaWithLogprobs(), {});
  const Json entry = choice["logprobs"]["content"][1];
  EXPECT_EQ(entry["token"], "h");
  EXPECT_EQ(entry["bytes"], Json::array({104}));
  EXPECT_EQ(entry["top_logprobs"][0]["bytes"], Json::array({255}));
}

TEST(AnswerFormatTest, TokenIdsComeBackOnRequest) {
  AnswerHeader header = Header();
  header.logprobs = true;
  header.return_token_ids = true;
  header.return_tokens_as_token_ids = true;
  const std::vector<TokenId> prompt = {8, 9};
  const auto format = MakeCompletionFormat(header);
  const Json choice = format->WholeChoice(0, DeltaWithLogprobs(), prompt);
  EXPECT_EQ(choice["token_ids"], Json::array({1, 2}));
  EXPECT_EQ(choice["prompt_token_ids"], Json::array({8, 9}));
  EXPECT_EQ(choice["logprobs"]["tokens"], Json::array({"token_id:9", "token_id:1"}));
  EXPECT_TRUE(choice["logprobs"]["top_logprobs"][1].contains("token_id:4"));
  EXPECT_EQ(format->Chunk(0, Delta(), &prompt)["choices"][0]["prompt_token_ids"],
            Json::array({8, 9}));
  EXPECT_FALSE(format->Chunk(0, Delta(), nullptr)["choices"][0].contains("prompt_token_ids"));
}

}  // namespace
}  // namespace oriel
