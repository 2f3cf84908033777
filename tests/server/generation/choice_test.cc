#include "server/generation/choice.h"

#include <gtest/gtest.h>

#include "tests/server/support/fake_text_model.h"

namespace oriel {
namespace {

class ChoiceTest : public ::testing::Test {
 protected:
  Choice Make(ChoiceOptions options) { return Choice(text_, std::move(options), 1, stream_); }

  void Push(std::string_view text) {
    for (char c : text) {
      TokenEvent event;
      event.token = static_cast<unsigned char>(c);
      event.logprob = -1.0f;
      stream_->Push(std::move(event));
    }
  }
  void PushEnd(FinishReason reason, TokenId stop_token = kNoToken) {
    TokenEvent event;
    event.kind = TokenEvent::Kind::kFinished;
    event.finish_reason = reason;
    event.stop_token = stop_token;
    stream_->Push(std::move(event));
  }
  static ChoiceDelta TakeAll(Choice& choice) {
    ChoiceDelta all, delta;
    while (choice.Next(delta)) all.Append(std::move(delta));
    return all;
  }

  FakeTextModel text_;
  std::shared_ptr<TokenStream> stream_ = std::make_shared<TokenStream>();
};

TEST_F(ChoiceTest, GivesTextAsItComesAndTheReasonAtTheEnd) {
  Choice choice = Make({});
  ChoiceDelta delta;
  EXPECT_FALSE(choice.Next(delta));
  Push("ab");
  ASSERT_TRUE(choice.Next(delta));
  EXPECT_EQ(delta.text, "a");
  EXPECT_FALSE(delta.finished);
  PushEnd(FinishReason::kLength);
  const ChoiceDelta rest = TakeAll(choice);
  EXPECT_EQ(rest.text, "b");
  EXPECT_EQ(rest.finish_reason, FinishReason::kLength);
  EXPECT_EQ(choice.num_generated(), 2);
}

TEST_F(ChoiceTest, AStopStringAcrossTokensCutsTheTextAndWishesToCancelOnce) {
  Choice choice = Make({.stop = {"END", "never"}});
  Push("one ENTER two END three");
  const ChoiceDelta all = TakeAll(choice);
  EXPECT_EQ(all.text, "one ENTER two ");
  EXPECT_TRUE(all.finished);
  EXPECT_EQ(all.finish_reason, FinishReason::kStop);
  EXPECT_EQ(all.stop_reason, "END");
  EXPECT_TRUE(choice.TakeCancelWish());
  EXPECT_FALSE(choice.TakeCancelWish());
}

TEST_F(ChoiceTest, AStopStringMayStayInTheText) {
  Choice choice = Make({.stop = {"END"}, .include_stop = true});
  Push("one END two");
  EXPECT_EQ(TakeAll(choice).text, "one END");
}

TEST_F(ChoiceTest, TextHeldForAStopStringIsShownWhenTheAnswerEnds) {
  Choice choice = Make({.stop = {"END"}});
  Push("one EN");
  PushEnd(FinishReason::kLength);
  EXPECT_EQ(TakeAll(choice).text, "one EN");
}

TEST_F(ChoiceTest, AStopTokenOfTheClientIsAmongTheIdsButNotInTheText) {
  Choice choice = Make({.stop_token_ids = {'!'}});
  Push("hi!");
  PushEnd(FinishReason::kStop, '!');
  const ChoiceDelta all = TakeAll(choice);
  EXPECT_EQ(all.text, "hi");
  EXPECT_EQ(all.token_ids, (std::vector<TokenId>{'h', 'i', '!'}));
  EXPECT_EQ(all.stop_reason, int{'!'});
}

TEST_F(ChoiceTest, ListedTokensSayWhereTheyStandInCharacters) {
  Choice choice = Make({.want_logprobs = true, .want_every_token = true, .echo_text = "\u00e9>"});
  Push("ab");
  PushEnd(FinishReason::kLength);
  const ChoiceDelta all = TakeAll(choice);
  EXPECT_EQ(all.text, "\u00e9>ab");
  ASSERT_EQ(all.tokens.size(), 2u);
  EXPECT_EQ(all.tokens[0].text_offset, 2);
  EXPECT_EQ(all.tokens[1].text_offset, 3);
  EXPECT_EQ(all.tokens[1].bytes, "b");
}

TEST_F(ChoiceTest, AnEndThatIsAFaultComesAsAnError) {
  for (FinishReason reason :
       {FinishReason::kCanceled, FinishReason::kDeadline, FinishReason::kError}) {
    stream_ = std::make_shared<TokenStream>();
    Choice choice = Make({});
    PushEnd(reason);
    EXPECT_FALSE(TakeAll(choice).error.ok());
    EXPECT_EQ(choice.finish_reason(), reason);
  }
}

}  // namespace
}  // namespace oriel
