#include "engine/scheduler/sequence.h"

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace oriel {
namespace {

class SequenceTest : public testing::Test {
 protected:
  Sequence Make(GenerationRequest request) {
    request.prompt = {5, 6, 7};
    return Sequence({std::move(request), stream}, PageTable());
  }
  static GenerationRequest Request(int32_t max_tokens) {
    GenerationRequest request;
    request.max_tokens = max_tokens;
    request.end_token_ids = {90};
    request.stop_token_ids = {91};
    return request;
  }
  static TokenEvent Token(TokenId token) {
    TokenEvent event;
    event.token = token;
    return event;
  }
  std::vector<TokenEvent> Events() {
    std::vector<TokenEvent> events;
    stream->Drain(events);
    return events;
  }

  std::shared_ptr<TokenStream> stream = std::make_shared<TokenStream>();
};

TEST_F(SequenceTest, KnowsPromptAndAnswerByPosition) {
  Sequence sequence = Make(Request(5));
  sequence.Accept(Token(40));
  EXPECT_EQ(sequence.num_tokens(), 4);
  EXPECT_EQ(sequence.TokenAt(2), 7);
  EXPECT_EQ(sequence.TokenAt(3), 40);
}

TEST_F(SequenceTest, AnEndTokenIsNotPartOfTheAnswer) {
  Sequence sequence = Make(Request(5));
  sequence.Accept(Token(40));
  sequence.Accept(Token(90));
  EXPECT_TRUE(sequence.is_finished());
  const auto events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].token, 40);
  EXPECT_EQ(events[1].finish_reason, FinishReason::kStop);
  EXPECT_EQ(events[1].stop_token, 90);
}

TEST_F(SequenceTest, AStopTokenIsPartOfTheAnswer) {
  Sequence sequence = Make(Request(5));
  sequence.Accept(Token(91));
  const auto events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].token, 91);
  EXPECT_EQ(events[1].finish_reason, FinishReason::kStop);
  EXPECT_EQ(events[1].stop_token, 91);
}

TEST_F(SequenceTest, AnIgnoredEndTokenIsAnOrdinaryOne) {
  GenerationRequest request = Request(2);
  request.ignore_eos = true;
  Sequence sequence = Make(request);
  sequence.Accept(Token(90));
  EXPECT_FALSE(sequence.is_finished());
  sequence.Accept(Token(90));
  const auto events = Events();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].finish_reason, FinishReason::kLength);
  EXPECT_EQ(events[2].stop_token, kNoToken);
}

TEST_F(SequenceTest, FinishesOnce) {
  Sequence sequence = Make(Request(5));
  sequence.Finish(FinishReason::kCanceled);
  sequence.Finish(FinishReason::kDeadline);
  EXPECT_EQ(sequence.finish_reason(), FinishReason::kCanceled);
  EXPECT_EQ(Events().size(), 1u);
}

TEST(MaxCachedTokensTest, LeavesOutTheLastGeneratedToken) {
  GenerationRequest request;
  request.prompt = {1, 2, 3};
  request.max_tokens = 10;
  EXPECT_EQ(MaxCachedTokens(request), 12);
  request.max_tokens = 0;
  EXPECT_EQ(MaxCachedTokens(request), 3);
}

}  // namespace
}  // namespace oriel
