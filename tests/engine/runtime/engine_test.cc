#include "engine/engine.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/oracle.h"

namespace oriel {
namespace {

HarnessConfig SmallHarness() {
  HarnessConfig harness;
  harness.engine.max_model_len = 512;
  harness.engine.max_num_seqs = 4;
  harness.engine.prefill_chunk_tokens = 64;
  harness.engine.window_tokens = 64;
  harness.engine.sink_tokens = 4;
  return harness;
}

class EngineTest : public testing::Test {
 protected:
  void Make(const HarnessConfig& harness, EngineOptions options = {}) {
    auto made = MakeTaggedEngine(harness, *backend, std::move(options));
    ASSERT_TRUE(made.ok()) << made.status();
    engine = *std::move(made);
  }
  std::shared_ptr<TokenStream> Submit(const GenerationRequest& request) {
    auto stream = engine->Submit(request);
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *stream;
  }
  void StepUntilIdle() {
    while (true) {
      const auto did_work = engine->Step();
      ASSERT_TRUE(did_work.ok()) << did_work.status();
      if (!*did_work) return;
    }
  }
  static std::vector<TokenEvent> EventsOf(TokenStream& stream) {
    std::vector<TokenEvent> events;
    stream.Drain(events);
    return events;
  }
  static std::vector<TokenEvent> WaitForAll(TokenStream& stream) {
    std::vector<TokenEvent> events;
    while (events.empty() || events.back().kind != TokenEvent::Kind::kFinished) {
      if (!stream.WaitAndDrain(absl::Now() + absl::Seconds(30), events)) break;
    }
    return events;
  }
  void ExpectAllFree() {
    const EngineStats stats = engine->stats();
    EXPECT_EQ(stats.pages_free, stats.pages_total);
    EXPECT_EQ(stats.window_pages_free, stats.window_pages_total);
    EXPECT_EQ(stats.sequences_running, 0);
  }

  std::unique_ptr<Backend> backend = MakeReferenceBackend();
  std::unique_ptr<Engine> engine;
};

TEST_F(EngineTest, StepsOnlyWhenThereIsSomethingToDo) {
  Make(SmallHarness());
  EXPECT_FALSE(*engine->Step());
  auto stream = Submit(SimpleRequest(1, 100, 3));
  EXPECT_TRUE(*engine->Step());
  StepUntilIdle();
  EXPECT_EQ(EventsOf(*stream).size(), 4u);
  EXPECT_FALSE(*engine->Step());
}

TEST_F(EngineTest, CountsTokensPagesAndEnds) {
  Make(SmallHarness());
  auto stream = Submit(SimpleRequest(1, 200, 100));
  StepUntilIdle();
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.prompt_tokens, 200u);
  EXPECT_EQ(stats.generated_tokens, 100u);
  EXPECT_EQ(stats.requests_finished, 1u);
  // The last position that the model saw is 298: it sees 4 - 1 pages packed.
  EXPECT_EQ(stats.pages_sealed, 3u);
  EXPECT_EQ(stats.steps, 4u + 99u);
  ExpectAllFree();
}

TEST_F(EngineTest, ShowsWhatRunningSequencesHold) {
  Make(SmallHarness());
  auto stream = Submit(SimpleRequest(1, 256, 100));
  for (int32_t i = 0; i < 4; ++i) ASSERT_TRUE(*engine->Step());
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.sequences_running, 1);
  EXPECT_EQ(stats.pages_owned, 2);
  EXPECT_EQ(stats.window_pages_owned, 2);
  EXPECT_EQ(stats.pages_fenced, 0);
  EXPECT_EQ(stats.tokens_packed, 128);
  EXPECT_EQ(stats.tokens_window, 128);
  EXPECT_EQ(stats.tokens_sink, 4);
  EXPECT_GT(stats.page_bytes, 0);
}

TEST_F(EngineTest, CanceledRequestsFreeTheirPagesWithinTwoSteps) {
  HarnessConfig harness = SmallHarness();
  harness.engine.max_num_seqs = 16;
  Make(harness);
  std::vector<std::shared_ptr<TokenStream>> streams;
  for (RequestId id = 1; id <= 100; ++id) streams.push_back(Submit(SimpleRequest(id, 150, 300)));
  for (int32_t i = 0; i < 50; ++i) ASSERT_TRUE(*engine->Step());
  EXPECT_GT(engine->stats().pages_owned, 0);
  EXPECT_GT(engine->stats().requests_waiting, 0);
  for (RequestId id = 1; id <= 100; ++id) engine->Cancel(id);
  for (int32_t i = 0; i < 2; ++i) ASSERT_TRUE(engine->Step().ok());
  ExpectAllFree();
  EXPECT_EQ(engine->stats().requests_canceled, 100u);
  EXPECT_EQ(engine->stats().requests_waiting, 0);
  for (auto& stream : streams) {
    EXPECT_EQ(EventsOf(*stream).back().finish_reason, FinishReason::kCanceled);
  }
}

TEST_F(EngineTest, RefusesBadAndSurplusRequests) {
  HarnessConfig harness = SmallHarness();
  harness.engine.queue_requests_max = 2;
  Make(harness);
  EXPECT_EQ(engine->Submit(SimpleRequest(1, 500, 100)).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(engine->Submit(SimpleRequest(1, 0, 100)).status().code(),
            absl::StatusCode::kInvalidArgument);
  Submit(SimpleRequest(1, 10, 5));
  Submit(SimpleRequest(2, 10, 5));
  EXPECT_EQ(engine->Submit(SimpleRequest(3, 10, 5)).status().code(),
            absl::StatusCode::kResourceExhausted);
  StepUntilIdle();
  Submit(SimpleRequest(3, 10, 5));
}

TEST_F(EngineTest, EndsRequestsPastTheirDeadline) {
  absl::Time now = absl::UnixEpoch();
  EngineOptions options;
  options.clock = [&now] { return now; };
  Make(SmallHarness(), std::move(options));
  GenerationRequest request = SimpleRequest(1, 10, 400);
  request.deadline = now + absl::Seconds(1);
  auto stream = Submit(request);
  ASSERT_TRUE(*engine->Step());
  ASSERT_TRUE(*engine->Step());
  now += absl::Seconds(1);
  ASSERT_TRUE(engine->Step().ok());
  const auto events = EventsOf(*stream);
  EXPECT_EQ(events.size(), 3u);
  EXPECT_EQ(events.back().finish_reason, FinishReason::kDeadline);
  EXPECT_EQ(engine->stats().requests_expired, 1u);
  ExpectAllFree();
}

TEST_F(EngineTest, ARequestWithLogitsThatAreNotNumbersFailsAlone) {
  HarnessConfig harness = SmallHarness();
  harness.model.nan_token = 42;
  Make(harness);
  GenerationRequest bad = SimpleRequest(1, 10, 5);
  bad.prompt.back() = 42;
  auto bad_stream = Submit(bad);
  GenerationRequest good = SimpleRequest(2, 10, 5);
  good.sampling.logit_bias = {{42, -100.0f}};
  auto good_stream = Submit(good);
  StepUntilIdle();
  EXPECT_EQ(EventsOf(*bad_stream).back().finish_reason, FinishReason::kError);
  EXPECT_EQ(EventsOf(*good_stream).back().finish_reason, FinishReason::kLength);
  EXPECT_TRUE(engine->health().ok());
  EXPECT_EQ(engine->stats().requests_failed, 1u);
}

TEST_F(EngineTest, AFailingDeviceTellsEveryRequestAndLetsNobodyIn) {
  HarnessConfig harness = SmallHarness();
  harness.model.fail_at_forward = 3;
  Make(harness);
  std::vector<std::shared_ptr<TokenStream>> streams;
  for (RequestId id = 1; id <= 6; ++id) streams.push_back(Submit(SimpleRequest(id, 10, 50)));
  engine->Start();
  for (auto& stream : streams) {
    const auto events = WaitForAll(*stream);
    EXPECT_EQ(events.back().finish_reason, FinishReason::kError);
    EXPECT_THAT(std::string(events.back().status.message()),
                testing::HasSubstr("the device has failed"));
  }
  EXPECT_EQ(engine->health().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(engine->Submit(SimpleRequest(9, 10, 5)).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_FALSE(engine->Drain(absl::InfiniteFuture()));
}

TEST_F(EngineTest, TheEngineThreadAnswersAsTheOracleDoes) {
  const HarnessConfig harness = SmallHarness();
  Make(harness);
  engine->Start();
  const OracleConfig oracle = {.window_tokens = 64, .sink_tokens = 4, .vocab = 97};
  const auto client = [&](RequestId first) {
    const auto sampler = MakeReferenceBackend();
    for (RequestId id = first; id < first + 5; ++id) {
      const GenerationRequest request = SimpleRequest(id, 20 + static_cast<int32_t>(id), 90);
      const auto events = WaitForAll(*Submit(request));
      EXPECT_EQ(DescribeDifference(events, OracleEvents(request, oracle, *sampler)), "");
    }
  };
  std::vector<std::thread> clients;
  for (RequestId first : {100, 200, 300}) clients.emplace_back(client, first);
  for (std::thread& thread : clients) thread.join();
  EXPECT_TRUE(engine->Drain(absl::Now() + absl::Seconds(30)));
  ExpectAllFree();
}

TEST_F(EngineTest, DrainFinishesWhatWasAccepted) {
  Make(SmallHarness());
  engine->Start();
  std::vector<std::shared_ptr<TokenStream>> streams;
  for (RequestId id = 1; id <= 8; ++id) streams.push_back(Submit(SimpleRequest(id, 50, 20)));
  EXPECT_TRUE(engine->Drain(absl::Now() + absl::Seconds(30)));
  EXPECT_EQ(engine->Submit(SimpleRequest(9, 10, 5)).status().code(),
            absl::StatusCode::kUnavailable);
  for (auto& stream : streams) EXPECT_EQ(EventsOf(*stream).size(), 21u);
}

TEST_F(EngineTest, DrainCancelsTheRestAtItsDeadline) {
  for (const bool with_thread : {false, true}) {
    Make(SmallHarness());
    std::vector<std::shared_ptr<TokenStream>> streams;
    for (RequestId id = 1; id <= 8; ++id) streams.push_back(Submit(SimpleRequest(id, 50, 400)));
    if (with_thread) engine->Start();
    EXPECT_FALSE(engine->Drain(absl::Now() - absl::Seconds(1)));
    for (auto& stream : streams) {
      EXPECT_EQ(EventsOf(*stream).back().finish_reason, FinishReason::kCanceled);
    }
    ExpectAllFree();
  }
}

TEST_F(EngineTest, TheDestructorEndsWhatRuns) {
  Make(SmallHarness());
  engine->Start();
  std::vector<std::shared_ptr<TokenStream>> streams;
  for (RequestId id = 1; id <= 8; ++id) streams.push_back(Submit(SimpleRequest(id, 50, 400)));
  engine.reset();
  for (auto& stream : streams) {
    EXPECT_EQ(EventsOf(*stream).back().kind, TokenEvent::Kind::kFinished);
  }
}

TEST_F(EngineTest, CreateRefusesWhatDoesNotFitTheModel) {
  HarnessConfig harness = SmallHarness();
  harness.model.max_step_tokens = 67;  // 64 + 4 are needed
  const auto too_small = MakeTaggedEngine(harness, *backend);
  EXPECT_THAT(std::string(too_small.status().message()), testing::HasSubstr("68 tokens"));
  EngineOptions options;
  options.formats.assign(3, MakeUniformKvLayerFormat(64, 1, Codec::kInt2, Codec::kInt2));
  const auto formats = MakeTaggedEngine(SmallHarness(), *backend, std::move(options));
  EXPECT_THAT(std::string(formats.status().message()), testing::HasSubstr("3 KV formats"));
}

}  // namespace
}  // namespace oriel
