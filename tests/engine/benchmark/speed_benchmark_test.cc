#include "engine/benchmark/speed_benchmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "kernels/reference/reference_backend.h"
#include "tests/support/engine_harness.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int32_t kChunk = 64;

class SpeedBenchmarkTest : public ::testing::Test {
 protected:
  // `num_pages` packed pages; sequences of at most 1024 tokens, four at once.
  void MakeEngine(int32_t num_pages = 64) {
    HarnessConfig config;
    config.engine.max_model_len = 1024;
    config.engine.max_num_seqs = 4;
    config.engine.prefill_chunk_tokens = kChunk;
    config.num_pages = num_pages;
    backend_ = MakeReferenceBackend();
    engine_ = MakeTaggedEngine(config, *backend_).value();
  }

  void ExpectIdle() const {
    const EngineStats stats = engine_->stats();
    EXPECT_EQ(stats.sequences_running, 0);
    EXPECT_EQ(stats.pages_free, stats.pages_total);
    EXPECT_EQ(stats.window_pages_free, stats.window_pages_total);
  }

  // What sequences of `depth` cached tokens own, and the scratch.
  int64_t CacheBytesAt(int32_t depth, int32_t streams) const {
    const EngineStats stats = engine_->stats();
    const int32_t window = engine_->config().window_tokens;
    const int32_t packed = NumPackedPages(depth - 1, window);
    const int32_t window_pages = (depth - 1) / kPageTokens + 1 - packed;
    return streams * (packed * stats.page_bytes + window_pages * stats.window_page_bytes +
                      stats.sink_slot_bytes) +
           stats.scratch_bytes;
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(SpeedBenchmarkTest, APromptTestTakesDepthAndPromptIn) {
  MakeEngine();
  const SpeedTest test{.prompt_tokens = 100, .generate_tokens = 0, .depth = 2 * kChunk};
  const SpeedResult result = MeasureSpeed(*engine_, test, 3, 1).value();
  EXPECT_THAT(result.samples_ns, SizeIs(3));
  for (int64_t ns : result.samples_ns) EXPECT_GT(ns, 0);
  EXPECT_EQ(engine_->stats().prompt_tokens, 3u * (2 * kChunk + 100));
  EXPECT_EQ(engine_->stats().generated_tokens, 3u);
  EXPECT_EQ(result.kv_cache_bytes, CacheBytesAt(2 * kChunk + 100, 1));
  EXPECT_GT(result.memory.resident_bytes, 0);
  ExpectIdle();
}

TEST_F(SpeedBenchmarkTest, ADecodeTestGeneratesFromItsDepth) {
  MakeEngine();
  const SpeedTest test{.prompt_tokens = 0, .generate_tokens = 10, .depth = 300};
  const SpeedResult result = MeasureSpeed(*engine_, test, 2, 1).value();
  EXPECT_THAT(result.samples_ns, SizeIs(2));
  EXPECT_EQ(engine_->stats().prompt_tokens, 2u * 300);
  // The first token comes with the prompt, the test's ten after it.
  EXPECT_EQ(engine_->stats().generated_tokens, 2u * 11);
  EXPECT_EQ(result.kv_cache_bytes, CacheBytesAt(310, 1));
  ExpectIdle();
}

TEST_F(SpeedBenchmarkTest, StreamsAreAllAtDepthBeforeTheClockStarts) {
  MakeEngine();
  const SpeedTest test{.prompt_tokens = 0, .generate_tokens = 5, .depth = 128, .streams = 3};
  const SpeedResult result = MeasureSpeed(*engine_, test, 1, 1).value();
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(stats.prompt_tokens, 3u * 128);
  // Six steps of 64 prompt tokens. The first stream starts in the second of them and the second in
  // the fourth, so they are four and two tokens ahead of the third.
  EXPECT_EQ(stats.generated_tokens, 5u + 3 + 1 + 3 * 5);
  EXPECT_EQ(stats.steps, 6u + 5);
  EXPECT_EQ(result.test.timed_tokens(), 15);
  ExpectIdle();
}

TEST_F(SpeedBenchmarkTest, DepthZeroNeedsOneToken) {
  MakeEngine();
  const SpeedTest test{.prompt_tokens = 0, .generate_tokens = 4, .depth = 0, .streams = 4};
  ASSERT_TRUE(MeasureSpeed(*engine_, test, 1, 1).ok());
  EXPECT_EQ(engine_->stats().prompt_tokens, 4u);
  EXPECT_EQ(engine_->stats().generated_tokens, 4u + 16);
}

TEST_F(SpeedBenchmarkTest, WhatCannotBeMeasuredIsRefused) {
  MakeEngine();
  const auto refusal = [&](const SpeedTest& test) {
    return std::string(MeasureSpeed(*engine_, test, 1, 1).status().message());
  };
  EXPECT_THAT(refusal({}), HasSubstr("nothing to measure"));
  EXPECT_THAT(refusal({.prompt_tokens = 0, .generate_tokens = 1, .depth = 0, .streams = 5}),
              HasSubstr("max_num_seqs is 4"));
  EXPECT_THAT(refusal({.prompt_tokens = 10, .generate_tokens = 0, .depth = 100}),
              HasSubstr("multiple of prefill_chunk_tokens 64"));
  EXPECT_THAT(refusal({.prompt_tokens = 0, .generate_tokens = 10, .depth = 1020}),
              HasSubstr("context is 1024"));
}

TEST_F(SpeedBenchmarkTest, ACacheForFewerStreamsIsRefused) {
  MakeEngine(/*num_pages=*/16);
  const SpeedTest test{.prompt_tokens = 0, .generate_tokens = 8, .depth = 900, .streams = 4};
  const absl::Status status = MeasureSpeed(*engine_, test, 1, 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("4 streams"));
}

TEST(SpeedPlanTest, EveryDepthWithThePromptAndEveryPairWithDecode) {
  const std::vector<SpeedTest> tests = TestsOf(
      {.prompt_tokens = 512, .generate_tokens = 64, .depths = {0, 4096}, .streams = {1, 8}});
  std::vector<std::string> names;
  for (const SpeedTest& test : tests) names.push_back(test.name());
  EXPECT_THAT(names, ElementsAre("pp512", "pp512 @ d4096", "tg64", "tg64 x8", "tg64 @ d4096",
                                 "tg64 @ d4096 x8"));
  EXPECT_TRUE(TestsOf({.prompt_tokens = 0, .generate_tokens = 0}).empty());
}

TEST(SpeedResultTest, SpeedsCountTheTokensOfAllStreams) {
  SpeedResult result;
  result.test = {.prompt_tokens = 0, .generate_tokens = 10, .depth = 0, .streams = 8};
  result.samples_ns = {1'000'000'000, 2'000'000'000};
  const std::vector<double> speeds = result.samples_tokens_per_s();
  EXPECT_THAT(speeds, ElementsAre(80.0, 40.0));
  EXPECT_DOUBLE_EQ(Mean(speeds), 60.0);
  EXPECT_NEAR(StandardDeviation(speeds), 28.284, 0.001);
  EXPECT_EQ(StandardDeviation({5.0}), 0.0);
}

}  // namespace
}  // namespace oriel
