// The real engine, scheduler and allocator over the tagged model under random schedules: the answer
// is that of the oracle, whatever else is in the batch.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"
#include "tests/support/oracle.h"

namespace oriel {
namespace {

struct Schedule {
  HarnessConfig harness;
  std::vector<Arrival> arrivals;
};

HarnessConfig RandomHarness(int32_t chunk_tokens, int32_t max_num_seqs, std::mt19937_64& random) {
  HarnessConfig harness;
  harness.engine.prefill_chunk_tokens = chunk_tokens;
  harness.engine.max_num_seqs = max_num_seqs;
  harness.engine.window_tokens = 64 * static_cast<int32_t>(random() % 4);
  harness.engine.sink_tokens = random() % 3 == 0 ? 0 : static_cast<int32_t>(random() % 9);
  harness.engine.max_model_len = 300 + static_cast<int32_t>(random() % 300);
  harness.engine.logits_rows_max = 1 + static_cast<int32_t>(random() % 16);
  // From the least that is allowed to enough for about half of the sequences.
  const int32_t longest = harness.engine.max_model_len / 64;
  harness.num_pages = longest + static_cast<int32_t>(random() % 4) * longest * max_num_seqs / 8;
  return harness;
}

Schedule RandomSchedule(uint64_t seed, int32_t num_requests, int32_t chunk_tokens,
                        int32_t max_num_seqs) {
  std::mt19937_64 random(seed);
  Schedule schedule;
  schedule.harness = RandomHarness(chunk_tokens, max_num_seqs, random);
  for (int32_t i = 0; i < num_requests; ++i) {
    Arrival arrival;
    arrival.request = RandomRequest(static_cast<RequestId>(i + 1), schedule.harness.engine,
                                    schedule.harness.model.vocab, random);
    arrival.step = static_cast<int32_t>(random() % 40);
    if (random() % 5 == 0) arrival.cancel_step = arrival.step + static_cast<int32_t>(random() % 30);
    schedule.arrivals.push_back(std::move(arrival));
  }
  return schedule;
}

// Empty if every answer is right; else what went wrong first.
std::string RunAndCompare(const Schedule& schedule) {
  const auto backend = MakeReferenceBackend();
  auto engine = MakeTaggedEngine(schedule.harness, *backend);
  if (!engine.ok()) return engine.status().ToString();
  const auto events = RunArrivals(schedule.arrivals, **engine);
  if (!events.ok()) return events.status().ToString();
  const OracleConfig oracle = {.window_tokens = schedule.harness.engine.window_tokens,
                               .sink_tokens = schedule.harness.engine.sink_tokens,
                               .vocab = schedule.harness.model.vocab};
  for (size_t i = 0; i < schedule.arrivals.size(); ++i) {
    const std::string difference = DescribeDifference(
        (*events)[i], OracleEvents(schedule.arrivals[i].request, oracle, *backend));
    if (!difference.empty()) return "request " + std::to_string(i) + ": " + difference;
  }
  return "";
}

class RandomScheduleTest : public testing::TestWithParam<std::tuple<int32_t, int32_t>> {};

TEST_P(RandomScheduleTest, AnswersAreThoseOfTheOracle) {
  const auto [chunk_tokens, max_num_seqs] = GetParam();
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const int32_t num_requests = std::min(2 * max_num_seqs + 2, 24);
    EXPECT_EQ(RunAndCompare(RandomSchedule(seed, num_requests, chunk_tokens, max_num_seqs)), "")
        << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(ChunksAndBatches, RandomScheduleTest,
                         testing::Combine(testing::Values(1, 17, 64, 512),
                                          testing::Values(1, 2, 5, 16)));

TEST(ScheduleTest, AnswersDoNotDependOnArrivalOrder) {
  Schedule schedule = RandomSchedule(77, 16, 64, 16);
  for (Arrival& arrival : schedule.arrivals) arrival.cancel_step.reset();
  std::mt19937_64 random(1);
  for (int32_t round = 0; round < 3; ++round) {
    std::shuffle(schedule.arrivals.begin(), schedule.arrivals.end(), random);
    for (Arrival& arrival : schedule.arrivals) arrival.step = static_cast<int32_t>(random() % 20);
    EXPECT_EQ(RunAndCompare(schedule), "") << "round " << round;
  }
}

// Tests of the test: a cache with a planted mistake must not pass.

struct PlantedBugCase {
  PlantedBug bug;
  const char* name;
};

class PlantedBugTest : public testing::TestWithParam<PlantedBugCase> {};

// Sinks, a window, long enough texts and chunks longer than window and page together, so that every
// kind of read and seal happens.
Schedule ScheduleThatReadsEverything(PlantedBug bug) {
  Schedule schedule = RandomSchedule(5, 12, 200, 6);
  schedule.harness.engine.window_tokens = 64;
  schedule.harness.engine.sink_tokens = 5;
  schedule.harness.model.bug = bug;
  return schedule;
}

TEST_P(PlantedBugTest, ChangesAnAnswer) {
  Schedule schedule = ScheduleThatReadsEverything(GetParam().bug);
  schedule.harness.model.check_rows = false;
  EXPECT_THAT(RunAndCompare(schedule), testing::HasSubstr("instead of"));
}

TEST_P(PlantedBugTest, IsCaughtWithRowChecksToo) {
  EXPECT_NE(RunAndCompare(ScheduleThatReadsEverything(GetParam().bug)), "");
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, PlantedBugTest,
    testing::Values(PlantedBugCase{PlantedBug::kPageNotSealed, "PageNotSealed"},
                    PlantedBugCase{PlantedBug::kOffByOneAtPageEdge, "OffByOneAtPageEdge"},
                    PlantedBugCase{PlantedBug::kSinkReadTwice, "SinkReadTwice"},
                    PlantedBugCase{PlantedBug::kWrongSlot, "WrongSlot"},
                    PlantedBugCase{PlantedBug::kPackedPageShared, "PackedPageShared"},
                    PlantedBugCase{PlantedBug::kWindowPageShared, "WindowPageShared"},
                    PlantedBugCase{PlantedBug::kWindowOverwrittenBeforeSeal,
                                   "WindowOverwrittenBeforeSeal"},
                    PlantedBugCase{PlantedBug::kScratchOfAnotherView, "ScratchOfAnotherView"},
                    PlantedBugCase{PlantedBug::kWrongHeadOffset, "WrongHeadOffset"},
                    PlantedBugCase{PlantedBug::kWrongHeadCodec, "WrongHeadCodec"},
                    PlantedBugCase{PlantedBug::kSealBeforeAppend, "SealBeforeAppend"},
                    PlantedBugCase{PlantedBug::kSealedTwice, "SealedTwice"},
                    PlantedBugCase{PlantedBug::kViewOfFirstQuery, "ViewOfFirstQuery"},
                    PlantedBugCase{PlantedBug::kCausalMaskOffByOne, "CausalMaskOffByOne"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ScheduleTest, NoBugPassesTheSameSchedule) {
  EXPECT_EQ(RunAndCompare(ScheduleThatReadsEverything(PlantedBug::kNone)), "");
}

}  // namespace
}  // namespace oriel
