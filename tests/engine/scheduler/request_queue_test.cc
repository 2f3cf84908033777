#include "engine/scheduler/request_queue.h"

#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

QueuedRequest Queued(RequestId id, int32_t priority = 0, int32_t num_prompt_tokens = 1) {
  QueuedRequest queued;
  queued.request.id = id;
  queued.request.priority = priority;
  queued.request.prompt.assign(static_cast<size_t>(num_prompt_tokens), 1);
  queued.stream = std::make_shared<TokenStream>();
  return queued;
}

std::vector<RequestId> TakeAll(RequestQueue& queue) {
  std::vector<RequestId> ids;
  while (auto head = queue.TakeHead()) ids.push_back(head->request.id);
  return ids;
}

TEST(RequestQueueTest, LowerPriorityNumbersGoFirstThenArrival) {
  RequestQueue queue(10, 100);
  for (const auto& [id, priority] :
       std::vector<std::pair<RequestId, int32_t>>{{1, 0}, {2, 5}, {3, 0}, {4, -1}, {5, 5}}) {
    ASSERT_TRUE(queue.Push(Queued(id, priority)).ok());
  }
  EXPECT_THAT(TakeAll(queue), testing::ElementsAre(4, 1, 3, 2, 5));
}

TEST(RequestQueueTest, NobodyOvertakesAHeadThatDoesNotFit) {
  RequestQueue queue(10, 100);
  ASSERT_TRUE(queue.Push(Queued(1, 0, 50)).ok());
  ASSERT_TRUE(queue.Push(Queued(2, 0, 1)).ok());
  const auto fits = [](const GenerationRequest& request) { return request.prompt.size() < 10; };
  EXPECT_FALSE(queue.TakeHeadIf(fits).has_value());
  EXPECT_EQ(queue.num_waiting(), 2);
}

TEST(RequestQueueTest, BoundsRequests) {
  RequestQueue queue(2, 100);
  ASSERT_TRUE(queue.Push(Queued(1)).ok());
  ASSERT_TRUE(queue.Push(Queued(2)).ok());
  const absl::Status full = queue.Push(Queued(3));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), testing::HasSubstr("the limit is 2"));
  // What is admitted waits no more.
  queue.TakeHead();
  EXPECT_TRUE(queue.Push(Queued(3)).ok());
}

TEST(RequestQueueTest, BoundsPromptTokens) {
  RequestQueue queue(10, 100);
  ASSERT_TRUE(queue.Push(Queued(1, 0, 60)).ok());
  const absl::Status full = queue.Push(Queued(2, 0, 41));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), testing::HasSubstr("limit of 100"));
  EXPECT_TRUE(queue.Push(Queued(2, 0, 40)).ok());
  EXPECT_EQ(queue.tokens_waiting(), 100);
  TakeAll(queue);
  EXPECT_EQ(queue.tokens_waiting(), 0);
}

TEST(RequestQueueTest, AnIdIsTakenUntilItIsForgotten) {
  RequestQueue queue(10, 100);
  ASSERT_TRUE(queue.Push(Queued(7)).ok());
  EXPECT_EQ(queue.Push(Queued(7)).code(), absl::StatusCode::kInvalidArgument);
  queue.TakeHead();
  EXPECT_EQ(queue.Push(Queued(7)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(queue.is_idle());
  queue.Forget(7);
  EXPECT_TRUE(queue.is_idle());
  EXPECT_TRUE(queue.Push(Queued(7)).ok());
}

TEST(RequestQueueTest, CancelsLiveRequestsOnce) {
  RequestQueue queue(10, 100);
  ASSERT_TRUE(queue.Push(Queued(1)).ok());
  ASSERT_TRUE(queue.Push(Queued(2)).ok());
  queue.Cancel(1);
  queue.Cancel(1);
  queue.Cancel(99);
  EXPECT_THAT(queue.TakeCanceled(), testing::ElementsAre(1));
  queue.Cancel(1);
  EXPECT_THAT(queue.TakeCanceled(), testing::IsEmpty());
  queue.CancelAll();
  EXPECT_THAT(queue.TakeCanceled(), testing::ElementsAre(2));
}

TEST(RequestQueueTest, AWishToCancelEndsWithItsRequest) {
  RequestQueue queue(10, 100);
  ASSERT_TRUE(queue.Push(Queued(7)).ok());
  queue.TakeHead();
  queue.Cancel(7);
  queue.Forget(7);
  ASSERT_TRUE(queue.Push(Queued(7)).ok());
  EXPECT_THAT(queue.TakeCanceled(), testing::IsEmpty());
}

TEST(RequestQueueTest, TakesExpiredRequestsEarliestFirst) {
  RequestQueue queue(10, 100);
  const absl::Time start = absl::UnixEpoch();
  for (RequestId id : {1, 2, 3}) {
    QueuedRequest queued = Queued(id);
    queued.request.deadline = start + absl::Seconds(10 - static_cast<int>(id));
    ASSERT_TRUE(queue.Push(std::move(queued)).ok());
  }
  ASSERT_TRUE(queue.Push(Queued(4)).ok());
  EXPECT_FALSE(queue.TakeExpired(start + absl::Seconds(6)).has_value());
  EXPECT_EQ(queue.TakeExpired(start + absl::Seconds(8))->request.id, 3u);
  EXPECT_EQ(queue.TakeExpired(start + absl::Seconds(8))->request.id, 2u);
  EXPECT_FALSE(queue.TakeExpired(start + absl::Seconds(8)).has_value());
  EXPECT_THAT(TakeAll(queue), testing::ElementsAre(1, 4));
}

TEST(RequestQueueTest, AfterCloseTheFirstReasonIsGiven) {
  RequestQueue queue(10, 100);
  queue.Close(absl::UnavailableError("draining"));
  queue.Close(absl::UnavailableError("stopped"));
  EXPECT_EQ(std::string(queue.Push(Queued(1)).message()), "draining");
}

TEST(RequestQueueTest, WaitForWorkEndsWithARequestACancelOrAStop) {
  RequestQueue queue(10, 100);
  EXPECT_TRUE(queue.WaitForWork(/*busy=*/true));
  std::thread pusher([&queue] { EXPECT_TRUE(queue.Push(Queued(1)).ok()); });
  EXPECT_TRUE(queue.WaitForWork(/*busy=*/false));
  pusher.join();
  queue.TakeHead();
  std::thread canceler([&queue] { queue.Cancel(1); });
  EXPECT_TRUE(queue.WaitForWork(/*busy=*/false));
  canceler.join();
  queue.TakeCanceled();
  std::thread stopper([&queue] { queue.Stop(); });
  EXPECT_FALSE(queue.WaitForWork(/*busy=*/false));
  stopper.join();
  EXPECT_FALSE(queue.WaitForWork(/*busy=*/true));
}

// What a step releases and counts is seen by whoever waited for its end.
TEST(RequestQueueTest, IsNotIdleBeforeTheStepThatEndedTheLastRequestIsOver) {
  RequestQueue queue(4, 1000);
  ASSERT_TRUE(queue.Push(Queued(1)).ok());
  ASSERT_TRUE(queue.WaitForWork(/*busy=*/false));
  ASSERT_TRUE(queue.TakeHead().has_value());
  queue.Forget(1);
  EXPECT_FALSE(queue.WaitUntilIdle(absl::Now() + absl::Milliseconds(2)));
  queue.EndWork();
  EXPECT_TRUE(queue.WaitUntilIdle(absl::InfinitePast()));
}

TEST(RequestQueueTest, WaitUntilIdleGivesUpAtTheDeadline) {
  RequestQueue queue(10, 100);
  EXPECT_TRUE(queue.WaitUntilIdle(absl::InfinitePast()));
  ASSERT_TRUE(queue.Push(Queued(1)).ok());
  EXPECT_FALSE(queue.WaitUntilIdle(absl::Now() + absl::Milliseconds(2)));
}

}  // namespace
}  // namespace oriel
