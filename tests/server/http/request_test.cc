#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/http/openai_api.h"
#include "server/http/tokenize_api.h"
#include "tests/server/support/test_server.h"

namespace oriel {
namespace {

class RequestTest : public ::testing::Test {
 protected:
  GenerationPlan Plan(ApiKind kind, std::string_view body) {
    auto plan = PlanBody(parts_.context, kind, body, absl::Now());
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? *std::move(plan) : GenerationPlan();
  }
  GenerationRequest Only(ApiKind kind, std::string_view body) {
    const GenerationPlan plan = Plan(kind, body);
    EXPECT_EQ(plan.prompts.size(), 1u);
    return plan.prompts.at(0).request;
  }

  TestParts parts_;
};

TEST_F(RequestTest, ACompletionHas16TokensUnlessItSaysOtherwise) {
  const GenerationRequest request = Only(ApiKind::kCompletion, R"({"prompt":"Hi"})");
  EXPECT_EQ(request.prompt, (std::vector<TokenId>{'H', 'i'}));
  EXPECT_EQ(request.max_tokens, 16);
  EXPECT_EQ(request.sampling.temperature, 1.0f);
  EXPECT_EQ(request.sampling.num_top_logprobs, -1);
  EXPECT_EQ(request.end_token_ids, (std::vector<TokenId>{kFakeEndToken}));
}

TEST_F(RequestTest, TheDefaultsEndAtTheContext) {
  const std::string prompt(250, 'x');
  EXPECT_EQ(Only(ApiKind::kCompletion, "{\"prompt\":\"" + prompt + "\"}").max_tokens, 6);
  EXPECT_EQ(Only(ApiKind::kChat, R"({"messages":[{"role":"user","content":"Hi"}]})").max_tokens,
            256 - 8);
}

TEST_F(RequestTest, EveryFieldReachesTheEngine) {
  const GenerationRequest request = Only(ApiKind::kCompletion, R"({
    "prompt":[72,105],"max_tokens":9,"min_tokens":2,"temperature":0.5,"top_p":0.9,"top_k":-1,
    "min_p":0.1,"presence_penalty":1,"frequency_penalty":-1,"repetition_penalty":1.5,"seed":-1,
    "logit_bias":{"5":-100},"logprobs":3,"echo":true,"stop_token_ids":[7],"ignore_eos":true,
    "priority":-4,"best_of":1,"model":"fake-model"})");
  EXPECT_EQ(request.max_tokens, 9);
  EXPECT_EQ(request.min_tokens, 2);
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.9f);
  EXPECT_EQ(request.sampling.top_k, 0);
  EXPECT_EQ(request.sampling.min_p, 0.1f);
  EXPECT_EQ(request.sampling.presence_penalty, 1.0f);
  EXPECT_EQ(request.sampling.frequency_penalty, -1.0f);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(request.sampling.seed, ~uint64_t{0});
  EXPECT_EQ(request.sampling.logit_bias.at(0), (std::pair<TokenId, float>(5, -100.0f)));
  EXPECT_EQ(request.sampling.num_top_logprobs, 3);
  EXPECT_EQ(request.sampling.num_top_prompt_logprobs, 3);
  EXPECT_EQ(request.stop_token_ids, (std::vector<TokenId>{7}));
  EXPECT_TRUE(request.ignore_eos);
  EXPECT_EQ(request.priority, -4);
}

TEST_F(RequestTest, PromptsMayBeTextsOrIdsOrListsOfEither) {
  const GenerationPlan plan =
      Plan(ApiKind::kCompletion, R"({"prompt":["a",[98,99]],"n":2,"max_tokens":1.0})");
  ASSERT_EQ(plan.prompts.size(), 2u);
  EXPECT_EQ(plan.prompts[1].request.prompt, (std::vector<TokenId>{98, 99}));
  EXPECT_EQ(plan.num_choices(), 4);
}

TEST_F(RequestTest, AnEchoWithoutAnswerRunsThePromptForItsLogprobs) {
  const GenerationPlan plan =
      Plan(ApiKind::kCompletion, R"({"prompt":[72,105],"max_tokens":0,"echo":true})");
  EXPECT_EQ(plan.prompts[0].request.sampling.num_top_prompt_logprobs, 0);
  EXPECT_EQ(plan.prompts[0].echo_text, "Hi");
}

TEST_F(RequestTest, UnknownFieldsAreIgnoredAndNamedKnownOnesWithoutEffectAreNot) {
  const GenerationPlan plan =
      Plan(ApiKind::kCompletion,
           R"({"prompt":"Hi","zebra":1,"user":"me","metadata":{},"apple":null,"suffix":null})");
  EXPECT_EQ(plan.options.ignored_fields, (std::vector<std::string>{"zebra", "apple"}));
}

TEST_F(RequestTest, NeutralValuesOfUnsupportedFieldsAreAccepted) {
  Plan(ApiKind::kChat, R"({"messages":[{"role":"user","content":"Hi"}],
    "response_format":{"type":"text"},"use_beam_search":false,"modalities":["text"],
    "tool_choice":"none","functions":[],"logit_bias":{},"stop":null})");
}

TEST_F(RequestTest, TextPartsAreJoinedByLineBreaksAndToolsReachTheTemplate) {
  const GenerationRequest request = Only(ApiKind::kChat, R"({"messages":[{"role":"user","content":[
    {"type":"text","text":"a"},{"type":"text","text":"b"}]}],
    "tools":[{"z":1,"a":2}],"tool_choice":"auto"})");
  EXPECT_EQ(std::string(request.prompt.begin(), request.prompt.end()),
            "user:a\nb\ntools:[{\"z\":1,\"a\":2}]\n");
}

TEST_F(RequestTest, ArgumentsOfEarlierToolCallsReachTheTemplateAsAnObject) {
  const auto arguments = [](std::string_view given) {
    Json body = {
        {"messages",
         {{{"role", "assistant"},
           {"tool_calls", {{{"function", {{"name", "f"}, {"arguments", Json::parse(given)}}}}}}}}}};
    const auto request = ParseChatCompletionRequest(body, {});
    EXPECT_TRUE(request.ok()) << request.status();
    return request->chat.messages[0]["tool_calls"][0]["function"]["arguments"].dump();
  };
  EXPECT_EQ(arguments(R"("{\"z\": 1, \"a\": [2, \"\\u00e9\"]}")"), "{\"z\":1,\"a\":[2,\"é\"]}");
  EXPECT_EQ(arguments(R"({"z":1})"), R"({"z":1})");
  EXPECT_EQ(arguments(R"("")"), "{}");
  EXPECT_EQ(arguments("null"), "{}");
}

TEST_F(RequestTest, UnknownFieldsOfTokenizationAreNamedAndCounted) {
  const auto answer = Tokenize(parts_.context, R"({"prompt":"Hi","colour":1})");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->headers, ::testing::ElementsAre(std::pair<std::string, std::string>(
                                   "x-oriel-ignored-fields", "1: colour")));
  const auto text = Detokenize(parts_.context, R"({"tokens":[72],"a":1,"b c":2})");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->headers[0].second, "2: a,?");
}

TEST_F(RequestTest, ARequestTimeoutCountsFromTheArrival) {
  ServerConfig config;
  config.api.request_timeout = absl::Seconds(5);
  TestParts parts(config);
  const absl::Time arrival = absl::FromUnixSeconds(1000);
  const auto plan = PlanBody(parts.context, ApiKind::kCompletion, R"({"prompt":"Hi"})", arrival);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->prompts[0].request.deadline, absl::FromUnixSeconds(1005));
}

TEST_F(RequestTest, TokenizeAndDetokenizeAreInverse) {
  const auto tokens = Tokenize(parts_.context, R"({"prompt":"Hi","return_token_strs":true})");
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(tokens->body,
            R"({"count":2,"max_model_len":256,"tokens":[72,105],"token_strs":["H","i"]})");
  EXPECT_EQ(Detokenize(parts_.context, R"({"tokens":[72,105]})")->body, R"({"prompt":"Hi"})");
  EXPECT_EQ(Json::parse(Tokenize(parts_.context, R"({"messages":[{"role":"user","content":"Hi"}]})")
                            ->body)["count"],
            8);
}

}  // namespace
}  // namespace oriel
