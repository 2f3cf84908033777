#include "engine/request/token_stream.h"

#include <thread>
#include <vector>

#include "absl/time/clock.h"

#include "gtest/gtest.h"

namespace oriel {
namespace {

TokenEvent Token(TokenId token) {
  TokenEvent event;
  event.token = token;
  return event;
}

TokenEvent Last() {
  TokenEvent event;
  event.kind = TokenEvent::Kind::kFinished;
  event.finish_reason = FinishReason::kLength;
  return event;
}

TEST(TokenStreamTest, DrainAppendsInOrder) {
  TokenStream stream;
  std::vector<TokenEvent> events;
  EXPECT_FALSE(stream.Drain(events));
  stream.Push(Token(1));
  EXPECT_TRUE(stream.Drain(events));
  stream.Push(Token(2));
  stream.Push(Token(3));
  EXPECT_TRUE(stream.Drain(events));
  ASSERT_EQ(events.size(), 3u);
  for (TokenId i = 0; i < 3; ++i) EXPECT_EQ(events[static_cast<size_t>(i)].token, i + 1);
}

TEST(TokenStreamTest, TakesNothingAfterTheLastEvent) {
  TokenStream stream;
  stream.Push(Last());
  stream.Push(Token(1));
  stream.Push(Last());
  std::vector<TokenEvent> events;
  EXPECT_TRUE(stream.Drain(events));
  EXPECT_EQ(events.size(), 1u);
}

TEST(TokenStreamTest, WakesOnceUntilItIsDrained) {
  TokenStream stream;
  int wakeups = 0;
  stream.SetWakeup([&wakeups] { ++wakeups; });
  EXPECT_EQ(wakeups, 0);
  stream.Push(Token(1));
  stream.Push(Token(2));
  EXPECT_EQ(wakeups, 1);
  std::vector<TokenEvent> events;
  stream.Drain(events);
  stream.Push(Last());
  EXPECT_EQ(wakeups, 2);
}

TEST(TokenStreamTest, ALateWakeupIsCalledForWhatIsThere) {
  TokenStream stream;
  stream.Push(Token(1));
  int wakeups = 0;
  stream.SetWakeup([&wakeups] { ++wakeups; });
  EXPECT_EQ(wakeups, 1);
}

TEST(TokenStreamTest, AWakeupMayDrainTheStream) {
  TokenStream stream;
  std::vector<TokenEvent> events;
  stream.SetWakeup([&] { stream.Drain(events); });
  stream.Push(Token(1));
  stream.Push(Last());
  EXPECT_EQ(events.size(), 2u);
}

TEST(TokenStreamTest, WaitEndsAtTheDeadline) {
  TokenStream stream;
  std::vector<TokenEvent> events;
  EXPECT_FALSE(stream.WaitAndDrain(absl::Now() + absl::Milliseconds(5), events));
}

TEST(TokenStreamTest, AReaderThreadGetsEveryEventInOrder) {
  constexpr TokenId kTokens = 2000;
  TokenStream stream;
  std::vector<TokenEvent> events;
  std::thread reader([&] {
    while (events.empty() || events.back().kind != TokenEvent::Kind::kFinished) {
      ASSERT_TRUE(stream.WaitAndDrain(absl::Now() + absl::Seconds(30), events));
    }
  });
  for (TokenId i = 0; i < kTokens; ++i) stream.Push(Token(i));
  stream.Push(Last());
  reader.join();
  ASSERT_EQ(events.size(), static_cast<size_t>(kTokens) + 1);
  for (TokenId i = 0; i < kTokens; ++i) ASSERT_EQ(events[static_cast<size_t>(i)].token, i);
}

}  // namespace
}  // namespace oriel
