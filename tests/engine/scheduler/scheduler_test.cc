#include "engine/scheduler/scheduler.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

using testing::ElementsAre;

EngineConfig Config(int32_t chunk_tokens) {
  EngineConfig config;
  config.prefill_chunk_tokens = chunk_tokens;
  config.window_tokens = 64;
  config.max_model_len = 4096;
  return config;
}

KvCacheCounts Counts(int32_t chunk_tokens, int32_t num_pages, int32_t num_sequences) {
  return {.num_pages = num_pages,
          .num_window_pages = WindowPagesPerSequence(64) * num_sequences +
                              SharedWindowPages(chunk_tokens, 64, num_sequences),
          .num_sequence_slots = num_sequences,
          .window_tokens = 64,
          .sink_tokens = 4,
          .prefill_chunk_tokens = chunk_tokens};
}

// A scheduler whose sequences are fed with made-up tokens instead of a model's.
class SchedulerTest : public testing::Test {
 protected:
  explicit SchedulerTest(int32_t chunk_tokens = 100, int32_t num_pages = 64,
                         int32_t num_sequences = 4)
      : queue(100, 100'000),
        cache(Counts(chunk_tokens, num_pages, num_sequences)),
        scheduler(Config(chunk_tokens), queue, cache) {}

  void Push(RequestId id, int32_t num_prompt_tokens, int32_t max_tokens, int32_t priority = 0,
            absl::Time deadline = absl::InfiniteFuture()) {
    QueuedRequest queued;
    queued.request.id = id;
    queued.request.prompt.assign(static_cast<size_t>(num_prompt_tokens), 1);
    queued.request.max_tokens = max_tokens;
    queued.request.priority = priority;
    queued.request.deadline = deadline;
    queued.stream = std::make_shared<TokenStream>();
    streams.emplace_back(id, queued.stream);
    ASSERT_TRUE(queue.Push(std::move(queued)).ok());
  }

  const BatchPlan& Plan() {
    scheduler.EndUnwanted(now);
    scheduler.Admit();
    return scheduler.PlanStep();
  }

  // Every row that ends in a token draws `token`.
  void Finish(const BatchPlan& plan, TokenId token = 2) {
    for (const BatchRow& row : plan.rows) {
      if (!row.ends_in_token) continue;
      TokenEvent event;
      event.token = token;
      row.sequence->Accept(event);
    }
    scheduler.FinishStep();
  }

  // "id:kind first_position+num_queries" a row.
  static std::vector<std::string> Rows(const BatchPlan& plan) {
    std::vector<std::string> rows;
    for (const BatchRow& row : plan.rows) {
      rows.push_back(std::to_string(row.sequence->request().id) +
                     (row.kind == RowKind::kPrompt ? ":prompt " : ":decode ") +
                     std::to_string(row.view.first_position) + "+" +
                     std::to_string(row.view.num_queries));
    }
    return rows;
  }

  // kNone while it has not ended.
  FinishReason EndOf(RequestId id) {
    for (auto& [stream_id, stream] : streams) {
      if (stream_id != id) continue;
      std::vector<TokenEvent> events;
      stream->Drain(events);
      return events.empty() ? FinishReason::kNone : events.back().finish_reason;
    }
    return FinishReason::kNone;
  }

  void ExpectAllFree() {
    EXPECT_TRUE(scheduler.running().empty());
    EXPECT_EQ(cache.page_ledger().free, cache.page_ledger().total);
    EXPECT_EQ(cache.window_page_ledger().free, cache.window_page_ledger().total);
    EXPECT_EQ(cache.slot_ledger().free, cache.slot_ledger().total);
    EXPECT_TRUE(queue.is_idle());
  }

  absl::Time now = absl::UnixEpoch();
  RequestQueue queue;
  KvCache cache;
  Scheduler scheduler;
  std::vector<std::pair<RequestId, std::shared_ptr<TokenStream>>> streams;
};

class FewPagesTest : public SchedulerTest {
 protected:
  FewPagesTest() : SchedulerTest(100, 10, 4) {}
};

TEST_F(SchedulerTest, PlansNothingWithoutRequests) {
  EXPECT_TRUE(Plan().empty());
  scheduler.FinishStep();
  ExpectAllFree();
}

TEST_F(SchedulerTest, PromptsShareTheTokenBudgetInOrderOfAdmission) {
  Push(1, 60, 5);
  Push(2, 70, 5);
  Push(3, 10, 5);
  EXPECT_THAT(Rows(Plan()), ElementsAre("1:prompt 0+60", "2:prompt 0+40"));
}

TEST_F(SchedulerTest, PromptRowsComeFirstAndScratchRowsFollowEachOther) {
  Push(1, 60, 5);
  Push(2, 150, 5);
  Finish(Plan());
  const BatchPlan& plan = Plan();
  EXPECT_THAT(Rows(plan), ElementsAre("2:prompt 40+100", "1:decode 60+1"));
  EXPECT_EQ(plan.num_prompt_rows, 1);
  EXPECT_EQ(plan.num_prompt_tokens, 100);
  EXPECT_EQ(plan.num_tokens, 101);
  EXPECT_EQ(plan.rows[0].view.scratch_row, 0);
  EXPECT_EQ(plan.rows[1].view.scratch_row, -1);
  EXPECT_EQ(plan.rows[1].view.first_row, 100);
  EXPECT_FALSE(plan.rows[0].ends_in_token);
  EXPECT_TRUE(plan.rows[1].ends_in_token);
  Finish(plan);
  EXPECT_THAT(Rows(Plan()), ElementsAre("2:prompt 140+10", "1:decode 61+1"));
}

TEST_F(SchedulerTest, ALongPromptNeverStopsAnAnswer) {
  Push(1, 10, 30);
  Finish(Plan());
  Push(2, 2000, 5);
  for (int32_t step = 0; step < 20; ++step) {
    const BatchPlan& plan = Plan();
    EXPECT_THAT(Rows(plan), testing::Contains("1:decode " + std::to_string(10 + step) + "+1"));
    EXPECT_LE(plan.num_prompt_tokens, 100);
    Finish(plan);
  }
}

TEST_F(SchedulerTest, ASequenceEndsAtMaxTokensAndGivesEverythingBack) {
  Push(1, 200, 3);
  int32_t steps = 0;
  for (; !queue.is_idle(); ++steps) Finish(Plan());
  EXPECT_EQ(steps, 2 + 2) << "the last prompt chunk yields the first token";
  EXPECT_EQ(EndOf(1), FinishReason::kLength);
  EXPECT_EQ(scheduler.end_counts().finished, 1u);
  ExpectAllFree();
}

TEST_F(SchedulerTest, AdmitsByPriorityThenArrivalUpToItsSlots) {
  Push(1, 10, 5, 3);
  Push(2, 10, 5, 1);
  Push(3, 10, 5, 1);
  Push(4, 10, 5, 0);
  Push(5, 10, 5, 3);
  EXPECT_THAT(Rows(Plan()),
              ElementsAre("4:prompt 0+10", "2:prompt 0+10", "3:prompt 0+10", "1:prompt 0+10"));
  EXPECT_EQ(queue.num_waiting(), 1);
}

TEST_F(FewPagesTest, ARequestWaitsUntilItsWorstCaseFits) {
  Push(1, 500, 100);  // 599 tokens: 8 of the 10 pages
  Push(2, 300, 10);   // 309 tokens: 3 pages
  Push(3, 10, 10);    // none, but it does not overtake
  Finish(Plan());
  EXPECT_EQ(scheduler.running().size(), 1u);
  EXPECT_EQ(queue.num_waiting(), 2);
  while (EndOf(1) == FinishReason::kNone) Finish(Plan());
  const BatchPlan& plan = Plan();
  ASSERT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].sequence->request().id, 2u);
  EXPECT_EQ(scheduler.running().size(), 2u);
  Finish(plan);
  while (!queue.is_idle()) Finish(Plan());
  ExpectAllFree();
}

TEST_F(SchedulerTest, CancelsInEveryState) {
  for (RequestId id = 1; id <= 4; ++id) Push(id, 150, 50);
  Push(5, 10, 5);
  for (int32_t step = 0; step < 3; ++step) Finish(Plan());
  // 1 decodes, 2 is about to, 3 and 4 are admitted but unread, 5 waits for a slot.
  for (RequestId id : {1, 3, 5}) queue.Cancel(id);
  scheduler.EndUnwanted(now);
  EXPECT_EQ(EndOf(1), FinishReason::kCanceled);
  EXPECT_EQ(EndOf(3), FinishReason::kCanceled);
  EXPECT_EQ(EndOf(5), FinishReason::kCanceled);
  EXPECT_EQ(EndOf(2), FinishReason::kNone);
  EXPECT_EQ(scheduler.running().size(), 2u);
  EXPECT_EQ(cache.slot_ledger().free, 2) << "their step has finished, so nothing is fenced";
  queue.CancelAll();
  EXPECT_TRUE(scheduler.EndUnwanted(now));
  EXPECT_FALSE(scheduler.EndUnwanted(now));
  EXPECT_EQ(scheduler.end_counts().canceled, 5u);
  ExpectAllFree();
}

TEST_F(SchedulerTest, DeadlinesEndRunningAndWaitingRequests) {
  for (RequestId id = 1; id <= 5; ++id) Push(id, 10, 500, 0, now + absl::Seconds(id));
  Finish(Plan());
  now += absl::Milliseconds(1500);
  Finish(Plan());
  EXPECT_EQ(EndOf(1), FinishReason::kDeadline);
  EXPECT_EQ(scheduler.running().size(), 4u) << "the fifth got the slot of the first";
  now += absl::Seconds(10);
  EXPECT_TRUE(Plan().empty());
  EXPECT_EQ(EndOf(5), FinishReason::kDeadline);
  EXPECT_EQ(scheduler.end_counts().expired, 5u);
  ExpectAllFree();
}

TEST_F(FewPagesTest, ADeadlineEndsARequestThatWaits) {
  Push(1, 500, 100);
  Push(2, 300, 10, 0, now + absl::Seconds(1));
  Finish(Plan());
  now += absl::Seconds(2);
  Finish(Plan());
  EXPECT_EQ(EndOf(2), FinishReason::kDeadline);
  EXPECT_EQ(queue.num_waiting(), 0);
  EXPECT_EQ(queue.tokens_waiting(), 0);
}

TEST_F(SchedulerTest, AStoppingEngineEndsEveryRequest) {
  for (RequestId id = 1; id <= 6; ++id) Push(id, 150, 50);
  Finish(Plan());
  scheduler.EndAll(FinishReason::kError, absl::InternalError("gone"));
  for (RequestId id = 1; id <= 6; ++id) EXPECT_EQ(EndOf(id), FinishReason::kError);
  EXPECT_EQ(scheduler.end_counts().failed, 6u);
  ExpectAllFree();
}

TEST_F(SchedulerTest, CountsWhatSequencesHold) {
  Push(1, 200, 5);
  Finish(Plan());
  Finish(Plan());
  // The last position is 199: 3 - 1 pages are packed.
  EXPECT_EQ(scheduler.held_tokens().packed, 128);
  EXPECT_EQ(scheduler.held_tokens().window, 72);
  EXPECT_EQ(scheduler.held_tokens().sink, 4);
}

}  // namespace
}  // namespace oriel
