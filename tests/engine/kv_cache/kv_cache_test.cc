#include "engine/kv_cache/kv_cache.h"

#include <algorithm>
#include <random>
#include <vector>

#include "engine/kv_cache/window_pages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace oriel {
namespace {

using testing::ElementsAre;

constexpr KvCacheCounts kCounts = {.num_pages = 16,
                                   .num_window_pages = 16,
                                   .num_sequence_slots = 2,
                                   .window_tokens = 64,
                                   .sink_tokens = 5,
                                   .prefill_chunk_tokens = 512};

// Runs one sequence step by step and keeps what the last step listed.
class OneSequence {
 public:
  explicit OneSequence(const KvCacheCounts& counts = kCounts, int32_t num_tokens_max = 1024)
      : cache(counts) {
    EXPECT_TRUE(cache.TryAdmit(num_tokens_max, table));
  }

  KvView Prompt(int32_t num_queries, int32_t scratch_row = 0) {
    pages.Clear();
    const KvView view = cache.Extend(table, num_queries, scratch_row, ++step, pages);
    return view;
  }
  KvView Decode() { return Prompt(1, -1); }
  void Finish() {
    cache.FinishStep(step);
    cache.CheckLedgers();
  }

  KvCache cache;
  PageTable table;
  StepPages pages;
  uint64_t step = 0;
};

TEST(KvCacheTest, AShortPromptLivesInTheWindowAlone) {
  OneSequence sequence;
  const KvView view = sequence.Prompt(100, 7);
  EXPECT_EQ(view.first_position, 0);
  EXPECT_EQ(view.num_queries, 100);
  EXPECT_EQ(view.scratch_row, 7);
  EXPECT_EQ(view.first_window_page, 0);
  EXPECT_EQ(sequence.pages.window_pages.size(), 2u);
  EXPECT_TRUE(sequence.pages.packed_pages.empty());
  EXPECT_TRUE(sequence.pages.seals.empty());
}

TEST(KvCacheTest, APageInsideAChunkIsSealedFromTheScratchWithoutAWindowPage) {
  OneSequence sequence;
  // The last query, at 255, sees pages 0 and 1 packed; pages 2 and 3 outlive the step.
  const KvView view = sequence.Prompt(256, 10);
  EXPECT_EQ(view.first_window_page, 0);
  ASSERT_EQ(sequence.pages.window_pages.size(), 4u);
  EXPECT_EQ(sequence.pages.window_pages[0], kNoPage);
  EXPECT_EQ(sequence.pages.window_pages[1], kNoPage);
  EXPECT_NE(sequence.pages.window_pages[2], kNoPage);
  EXPECT_NE(sequence.pages.window_pages[3], kNoPage);
  ASSERT_EQ(sequence.pages.seals.size(), 2u);
  const KvSealItem& first = sequence.pages.seals[0];
  EXPECT_EQ(first.window_page, kNoPage);
  EXPECT_EQ(first.window_rows, 0);
  EXPECT_EQ(first.scratch_row, 10);
  EXPECT_EQ(first.num_sinks, 5);
  EXPECT_EQ(sequence.pages.seals[1].scratch_row, 74);
  EXPECT_EQ(sequence.pages.seals[1].num_sinks, 0);
  EXPECT_EQ(sequence.cache.window_page_ledger().owned, 2);
}

TEST(KvCacheTest, APageOnTheEdgeOfAChunkIsSealedFromWindowAndScratch) {
  OneSequence sequence;
  sequence.Prompt(30);
  const WindowPageId begun = sequence.pages.window_pages[0];
  sequence.Finish();
  // Query 128 is the first that sees page 0 packed.
  sequence.Prompt(99, 3);
  ASSERT_EQ(sequence.pages.seals.size(), 1u);
  EXPECT_EQ(sequence.pages.seals[0].window_page, begun);
  EXPECT_EQ(sequence.pages.seals[0].window_rows, 30);
  EXPECT_EQ(sequence.pages.seals[0].scratch_row, 3);
  // Early queries of the chunk still read its first 30 rows there.
  EXPECT_EQ(sequence.pages.window_pages[0], begun);
  EXPECT_EQ(sequence.cache.window_page_ledger().fenced, 1);
}

TEST(KvCacheTest, ADecodeStepSealsAPageInTheStepThatMustSeeItPacked) {
  OneSequence sequence;
  sequence.Prompt(127);
  const WindowPageId oldest = sequence.pages.window_pages[0];
  sequence.Finish();
  sequence.Decode();  // position 127
  EXPECT_TRUE(sequence.pages.seals.empty());
  sequence.Finish();
  const KvView view = sequence.Decode();  // position 128
  EXPECT_EQ(view.first_window_page, 1);
  ASSERT_EQ(sequence.pages.seals.size(), 1u);
  EXPECT_EQ(sequence.pages.seals[0].window_page, oldest);
  EXPECT_EQ(sequence.pages.seals[0].window_rows, 64);
  EXPECT_EQ(sequence.pages.seals[0].scratch_row, -1);
  EXPECT_THAT(sequence.pages.packed_pages, ElementsAre(sequence.pages.seals[0].page));
}

TEST(KvCacheTest, ASealedWindowPageIsReusableOnlyWhenItsStepHasFinished) {
  OneSequence sequence;
  sequence.Prompt(128);
  sequence.Finish();
  const WindowPageId oldest = sequence.pages.window_pages[0];
  sequence.Decode();
  EXPECT_EQ(sequence.cache.window_page_ledger().fenced, 1);
  // The page that begins in the same step is another one.
  EXPECT_NE(sequence.pages.window_pages.back(), oldest);
  sequence.Finish();
  EXPECT_EQ(sequence.cache.window_page_ledger().fenced, 0);
}

TEST(KvCacheTest, WithoutAWindowEveryFullPageIsPacked) {
  KvCacheCounts counts = kCounts;
  counts.window_tokens = 0;
  OneSequence sequence(counts);
  sequence.Prompt(64);
  EXPECT_TRUE(sequence.pages.seals.empty());
  sequence.Finish();
  const KvView view = sequence.Decode();  // position 64 sees page 0 packed
  EXPECT_EQ(view.first_window_page, 1);
  EXPECT_EQ(sequence.pages.seals.size(), 1u);
  EXPECT_EQ(sequence.pages.window_pages.size(), 1u);
}

TEST(KvCacheTest, AdmitsWhileTheWorstCaseCanBeReserved) {
  KvCache cache(kCounts);
  PageTable first;
  PageTable second;
  // 700 tokens end with 9 packed pages: two of them pass 16.
  EXPECT_EQ(PackedPagesFor(700, 64), 9);
  ASSERT_TRUE(cache.TryAdmit(700, first));
  EXPECT_FALSE(cache.TryAdmit(700, second));
  EXPECT_EQ(second.slot, PageTable::kNoSlot);
  cache.CheckLedgers();
  ASSERT_TRUE(cache.TryAdmit(500, second));
  EXPECT_NE(first.slot, second.slot);
  PageTable third;
  EXPECT_FALSE(cache.TryAdmit(1, third)) << "no slot is left";
  cache.Release(first, 0);
  EXPECT_TRUE(cache.TryAdmit(700, third));
}

TEST(KvCacheTest, AFailedAdmissionKeepsNoReservation) {
  KvCacheCounts counts = kCounts;
  counts.num_window_pages = 5;  // 3 for a sequence and 2 to share: only one sequence fits
  KvCache cache(counts);
  PageTable first;
  PageTable second;
  ASSERT_TRUE(cache.TryAdmit(500, first));
  EXPECT_FALSE(cache.TryAdmit(500, second));
  cache.Release(first, 0);
  EXPECT_TRUE(cache.TryAdmit(1024, second)) << "packed pages and slot were given back";
}

// The promise of WindowPagesPerSequence and SharedWindowPages: a pool of exactly that size never
// runs dry, whatever the chunks are. Take ends the process if it does.
TEST(KvCacheTest, WindowPagesSufficeForAnyChunks) {
  std::mt19937_64 random(3);
  for (int32_t round = 0; round < 300; ++round) {
    const int32_t num_sequences = 1 + static_cast<int32_t>(random() % 5);
    KvCacheCounts counts = {.num_sequence_slots = num_sequences,
                            .window_tokens = 64 * static_cast<int32_t>(random() % 4),
                            .sink_tokens = 0,
                            .prefill_chunk_tokens = 1 + static_cast<int32_t>(random() % 600)};
    counts.num_pages = 40 * num_sequences;
    counts.num_window_pages =
        num_sequences * WindowPagesPerSequence(counts.window_tokens) +
        SharedWindowPages(counts.prefill_chunk_tokens, counts.window_tokens, num_sequences);
    KvCache cache(counts);
    std::vector<PageTable> tables(static_cast<size_t>(num_sequences));
    for (PageTable& table : tables) ASSERT_TRUE(cache.TryAdmit(2000, table));
    StepPages pages;
    for (uint64_t step = 1; step <= 12; ++step) {
      int32_t budget = counts.prefill_chunk_tokens;
      for (PageTable& table : tables) {
        const int32_t room = std::min(budget, 2000 - table.num_tokens);
        const bool decode = random() % 3 == 0 || room == 0;
        if (decode && table.num_tokens == 2000) continue;
        const int32_t count =
            decode ? 1 : 1 + static_cast<int32_t>(random() % static_cast<uint64_t>(room));
        cache.Extend(table, count, decode ? -1 : 0, step, pages);
        EXPECT_LE(table.window.size(), counts.window_tokens / 64 + 1);
        if (!decode) budget -= count;
      }
      cache.CheckLedgers();
      cache.FinishStep(step);
    }
    for (PageTable& table : tables) cache.Release(table, 12);
    cache.CheckLedgers();
    EXPECT_EQ(cache.page_ledger().free, counts.num_pages);
    EXPECT_EQ(cache.window_page_ledger().free, counts.num_window_pages);
  }
}

}  // namespace
}  // namespace oriel
