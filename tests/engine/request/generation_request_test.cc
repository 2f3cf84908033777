#include "engine/request/generation_request.h"

#include <functional>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

constexpr int32_t kVocab = 100;

EngineConfig Config() {
  EngineConfig config;
  config.max_model_len = 64;
  return config;
}

GenerationRequest Good() {
  GenerationRequest request;
  request.prompt = {1, 2, 3};
  request.max_tokens = 10;
  return request;
}

TEST(GenerationRequestTest, AcceptsEverythingUpToTheLimits) {
  GenerationRequest request = Good();
  request.max_tokens = 61;
  request.min_tokens = 61;
  request.sampling = {.temperature = 100.0f,
                      .top_k = 1'000'000,
                      .top_p = 1.0f,
                      .min_p = 1.0f,
                      .presence_penalty = -2.0f,
                      .frequency_penalty = 2.0f,
                      .repetition_penalty = 100.0f,
                      .seed = 5,
                      .logit_bias = {{99, 100.0f}, {0, -100.0f}},
                      .num_top_logprobs = 20,
                      .num_top_prompt_logprobs = 20};
  request.stop_token_ids = {0, 99};
  request.end_token_ids = {2};
  EXPECT_TRUE(ValidateGenerationRequest(request, Config(), kVocab).ok());
}

TEST(GenerationRequestTest, TakesNoTokensOnlyWithPromptLogprobs) {
  GenerationRequest request = Good();
  request.max_tokens = 0;
  EXPECT_FALSE(ValidateGenerationRequest(request, Config(), kVocab).ok());
  request.sampling.num_top_prompt_logprobs = 0;
  EXPECT_TRUE(ValidateGenerationRequest(request, Config(), kVocab).ok());
}

TEST(GenerationRequestTest, TooLongIsOutOfRangeAndSaysTheNumbers) {
  GenerationRequest request = Good();
  request.max_tokens = 62;
  const absl::Status status = ValidateGenerationRequest(request, Config(), kVocab);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(std::string(status.message()),
            "prompt of 3 tokens and max_tokens 62 make 65, the model's context is 64");
  request.max_tokens = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(ValidateGenerationRequest(request, Config(), kVocab).code(),
            absl::StatusCode::kOutOfRange);
}

struct BadCase {
  const char* name;
  std::function<void(GenerationRequest&)> spoil;
  const char* text;  // part of the message
};

class BadRequestTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadRequestTest, IsRefusedByName) {
  GenerationRequest request = Good();
  GetParam().spoil(request);
  const absl::Status status = ValidateGenerationRequest(request, Config(), kVocab);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(GetParam().text));
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

INSTANTIATE_TEST_SUITE_P(
    Fields, BadRequestTest,
    testing::Values(
        BadCase{"NoPrompt", [](auto& r) { r.prompt.clear(); }, "prompt has 0 tokens"},
        BadCase{"NegativeToken", [](auto& r) { r.prompt[1] = -1; }, "prompt[1] is -1"},
        BadCase{"TokenPastVocabulary", [](auto& r) { r.prompt[2] = 100; }, "prompt[2] is 100"},
        BadCase{"MaxTokens", [](auto& r) { r.max_tokens = -5; }, "max_tokens is -5"},
        BadCase{"MinTokens", [](auto& r) { r.min_tokens = 11; }, "min_tokens is 11"},
        BadCase{"NegativeMinTokens", [](auto& r) { r.min_tokens = -1; }, "min_tokens is -1"},
        BadCase{"Temperature", [](auto& r) { r.sampling.temperature = -0.5f; }, "temperature"},
        BadCase{"TemperatureNan", [](auto& r) { r.sampling.temperature = kNan; }, "temperature"},
        BadCase{"TopK", [](auto& r) { r.sampling.top_k = -1; }, "top_k is -1"},
        BadCase{"TopPZero", [](auto& r) { r.sampling.top_p = 0.0f; }, "top_p is 0"},
        BadCase{"TopPNan", [](auto& r) { r.sampling.top_p = kNan; }, "top_p"},
        BadCase{"MinP", [](auto& r) { r.sampling.min_p = 1.5f; }, "min_p is 1.5"},
        BadCase{"Presence", [](auto& r) { r.sampling.presence_penalty = 3; }, "presence_penalty"},
        BadCase{"Frequency", [](auto& r) { r.sampling.frequency_penalty = -3; },
                "frequency_penalty"},
        BadCase{"Repetition", [](auto& r) { r.sampling.repetition_penalty = 0; },
                "repetition_penalty"},
        BadCase{"BiasToken",
                [](auto& r) {
                  r.sampling.logit_bias = {{100, 1.0f}};
                },
                "logit_bias token[0] is 100"},
        BadCase{"BiasValue",
                [](auto& r) {
                  r.sampling.logit_bias = {{1, 101.0f}};
                },
                "logit_bias is 101"},
        BadCase{"BiasNan",
                [](auto& r) {
                  r.sampling.logit_bias = {{1, kNan}};
                },
                "logit_bias"},
        BadCase{"BiasCount",
                [](auto& r) {
                  r.sampling.logit_bias.assign(1025, {1, 1.0f});
                },
                "1025"},
        BadCase{"Logprobs", [](auto& r) { r.sampling.num_top_logprobs = 21; },
                "num_top_logprobs is 21"},
        BadCase{"PromptLogprobs", [](auto& r) { r.sampling.num_top_prompt_logprobs = -2; },
                "num_top_prompt_logprobs is -2"},
        BadCase{"StopToken", [](auto& r) { r.stop_token_ids = {100}; }, "stop_token_ids[0]"},
        BadCase{"StopCount", [](auto& r) { r.stop_token_ids.assign(65, 1); }, "65"},
        BadCase{"EndToken", [](auto& r) { r.end_token_ids = {-1}; }, "end_token_ids[0]"},
        BadCase{"EndCount", [](auto& r) { r.end_token_ids.assign(65, 1); }, "end_token_ids is 65"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace oriel
