#include "engine/kv_cache/kv_cache_plan.h"

#include "engine/kv_cache/window_pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

constexpr KvUnitBytes kUnitBytes = {
    .page = 1000, .window_page = 8000, .sink_slot = 600, .scratch_row = 128};

EngineConfig Config(int64_t memory_bytes) {
  EngineConfig config;
  config.max_model_len = 1024;
  config.max_num_seqs = 4;
  config.kv_cache_memory_bytes = memory_bytes;
  return config;
}

TEST(KvCachePlanTest, TakesNoMoreThanCanBeUsed) {
  const auto shape = PlanKvCache(kUnitBytes, Config(int64_t{1} << 40));
  ASSERT_TRUE(shape.ok()) << shape.status();
  // Position 1023 sees 15 - 2 pages packed.
  EXPECT_EQ(PagesOfLongestSequence(Config(0)), 13);
  EXPECT_EQ(shape->num_pages, 4 * 13);
  EXPECT_EQ(shape->num_window_pages, 4 * 4 + 8);
  EXPECT_EQ(shape->num_sequence_slots, 4);
  EXPECT_EQ(shape->sink_tokens, 5);
  EXPECT_EQ(shape->scratch_rows, 512);
  EXPECT_EQ(CacheBytes(kUnitBytes, *shape), CacheBytes(kUnitBytes, LargestUsefulShape(Config(0))));
}

TEST(KvCachePlanTest, StaysWithinTheBudget) {
  for (int64_t budget = 70'000; budget < 400'000; budget += 1'111) {
    const auto shape = PlanKvCache(kUnitBytes, Config(budget));
    ASSERT_TRUE(shape.ok()) << shape.status();
    EXPECT_LE(CacheBytes(kUnitBytes, *shape), budget);
    EXPECT_GE(shape->num_pages, 13);
    EXPECT_GE(shape->num_sequence_slots, 1);
  }
}

TEST(KvCachePlanTest, RunsFewerSequencesBeforeItRefusesLongOnes) {
  // 4 sequences would take 194 400 bytes without a single packed page.
  const auto shape = PlanKvCache(kUnitBytes, Config(190'000));
  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->num_sequence_slots, 3);
  EXPECT_GE(shape->num_pages, 13);
}

TEST(KvCachePlanTest, TooLittleMemoryIsRefusedWithTheArithmetic) {
  const auto shape = PlanKvCache(kUnitBytes, Config(50'000));
  EXPECT_EQ(shape.status().code(), absl::StatusCode::kResourceExhausted);
  // 13 pages, 4 + 2 window pages, 1 sink slot.
  EXPECT_THAT(std::string(shape.status().message()),
              testing::AllOf(testing::HasSubstr("50000"), testing::HasSubstr("61600"),
                             testing::HasSubstr("max_model_len 1024")));
}

}  // namespace
}  // namespace oriel
