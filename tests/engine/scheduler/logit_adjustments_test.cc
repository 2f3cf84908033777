#include "engine/scheduler/logit_adjustments.h"

#include <cmath>
#include <map>

#include "gtest/gtest.h"

namespace oriel {
namespace {

std::map<TokenId, LogitAdjustment> ByToken(const LogitAdjustments& adjustments) {
  std::map<TokenId, LogitAdjustment> by_token;
  for (const LogitAdjustment& entry : adjustments.entries()) {
    EXPECT_TRUE(by_token.emplace(entry.token, entry).second) << "token " << entry.token << " twice";
  }
  return by_token;
}

GenerationRequest Request() {
  GenerationRequest request;
  request.prompt = {1, 2, 2};
  return request;
}

TEST(LogitAdjustmentsTest, ARequestWithoutPenaltiesHasNone) {
  LogitAdjustments adjustments(Request());
  adjustments.AddGenerated(5);
  EXPECT_TRUE(adjustments.entries().empty());
}

TEST(LogitAdjustmentsTest, RepetitionConcernsPromptAndAnswer) {
  GenerationRequest request = Request();
  request.sampling.repetition_penalty = 1.5f;
  LogitAdjustments adjustments(request);
  EXPECT_EQ(ByToken(adjustments).size(), 2u);
  adjustments.AddGenerated(7);
  for (TokenId token : {1, 2, 7}) {
    EXPECT_EQ(ByToken(adjustments).at(token).repetition, 1.5f);
    EXPECT_EQ(ByToken(adjustments).at(token).offset, 0.0f);
  }
}

TEST(LogitAdjustmentsTest, PresenceAndFrequencyConcernTheAnswerAlone) {
  GenerationRequest request = Request();
  request.sampling.presence_penalty = 0.5f;
  request.sampling.frequency_penalty = 0.25f;
  LogitAdjustments adjustments(request);
  EXPECT_TRUE(adjustments.entries().empty());
  adjustments.AddGenerated(2);
  adjustments.AddGenerated(9);
  adjustments.AddGenerated(2);
  EXPECT_EQ(ByToken(adjustments).at(2).offset, -1.0f);
  EXPECT_EQ(ByToken(adjustments).at(9).offset, -0.75f);
  EXPECT_EQ(ByToken(adjustments).at(9).repetition, 1.0f);
}

TEST(LogitAdjustmentsTest, BiasAddsToThePenalties) {
  GenerationRequest request = Request();
  request.sampling.presence_penalty = 0.5f;
  request.sampling.logit_bias = {{4, 2.0f}, {4, 1.0f}};
  LogitAdjustments adjustments(request);
  EXPECT_EQ(ByToken(adjustments).at(4).offset, 3.0f);
  adjustments.AddGenerated(4);
  EXPECT_EQ(ByToken(adjustments).at(4).offset, 2.5f);
}

TEST(LogitAdjustmentsTest, EndsAreForbiddenUntilMinTokens) {
  GenerationRequest request = Request();
  request.min_tokens = 2;
  request.end_token_ids = {10};
  request.stop_token_ids = {11};
  request.sampling.logit_bias = {{10, 3.0f}};
  LogitAdjustments adjustments(request);
  for (int32_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(std::isinf(ByToken(adjustments).at(10).offset));
    EXPECT_TRUE(std::isinf(ByToken(adjustments).at(11).offset));
    adjustments.AddGenerated(5);
  }
  EXPECT_EQ(ByToken(adjustments).at(10).offset, 3.0f);
  EXPECT_EQ(ByToken(adjustments).at(11).offset, 0.0f);
}

TEST(LogitAdjustmentsTest, IgnoredEndTokensAreNotForbidden) {
  GenerationRequest request = Request();
  request.min_tokens = 2;
  request.ignore_eos = true;
  request.end_token_ids = {10};
  EXPECT_TRUE(LogitAdjustments(request).entries().empty());
}

}  // namespace
}  // namespace oriel
