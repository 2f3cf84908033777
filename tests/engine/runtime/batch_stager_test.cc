#include "engine/runtime/batch_stager.h"

#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "engine/kv_cache/window_pages.h"
#include "engine/scheduler/scheduler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kernels/reference/reference_backend.h"

namespace oriel {
namespace {

using testing::ElementsAre;

KvCacheCounts Counts(int32_t chunk_tokens, int32_t window_tokens, int32_t num_sequences) {
  return {.num_pages = 200,
          .num_window_pages = WindowPagesPerSequence(window_tokens) * num_sequences +
                              SharedWindowPages(chunk_tokens, window_tokens, num_sequences),
          .num_sequence_slots = num_sequences,
          .window_tokens = window_tokens,
          .sink_tokens = 4,
          .prefill_chunk_tokens = chunk_tokens};
}

template <typename T>
std::vector<T> ToVector(const TensorView<const T, 1>& view) {
  return std::vector<T>(view.data, view.data + view.dim(0));
}

// A scheduler with requests of the given prompt lengths; prompt i is i, i + 1, …
struct Running {
  Running(const KvCacheCounts& counts, const std::vector<int32_t>& prompt_lengths)
      : queue(100, 1'000'000), cache(counts), scheduler(Config(counts), queue, cache) {
    for (size_t i = 0; i < prompt_lengths.size(); ++i) {
      QueuedRequest queued;
      queued.request.id = i;
      for (int32_t k = 0; k < prompt_lengths[i]; ++k) {
        queued.request.prompt.push_back(static_cast<TokenId>(i) + k);
      }
      queued.request.max_tokens = 300;
      queued.stream = std::make_shared<TokenStream>();
      EXPECT_TRUE(queue.Push(std::move(queued)).ok());
    }
    scheduler.Admit();
  }
  static EngineConfig Config(const KvCacheCounts& counts) {
    EngineConfig config;
    config.prefill_chunk_tokens = counts.prefill_chunk_tokens;
    return config;
  }
  void Finish(const BatchPlan& plan) {
    for (const BatchRow& row : plan.rows) {
      TokenEvent event;
      event.token = 77;
      if (row.ends_in_token) row.sequence->Accept(event);
    }
    scheduler.FinishStep();
  }

  RequestQueue queue;
  KvCache cache;
  Scheduler scheduler;
};

TEST(BatchStagerTest, LaysRowsOutPromptFirst) {
  const KvCacheCounts counts = Counts(5, 0, 2);
  const auto backend = MakeReferenceBackend();
  auto stager = BatchStager::Make(*backend, counts);
  ASSERT_TRUE(stager.ok()) << stager.status();
  Running running(counts, {3, 6});

  const BatchInputs first = stager->Stage(running.scheduler.PlanStep());
  EXPECT_THAT(ToVector(first.tokens), ElementsAre(0, 1, 2, 1, 2));
  EXPECT_THAT(ToVector(first.positions), ElementsAre(0, 1, 2, 0, 1));
  EXPECT_EQ(first.prompt.views.dim(0), 2);
  EXPECT_EQ(first.decode.views.dim(0), 0);
  EXPECT_EQ(first.all.views(1).scratch_row, 3);
  EXPECT_EQ(first.all.sink_tokens, 4);
}

TEST(BatchStagerTest, CutsPromptAndDecodeViewsFromAllViews) {
  const KvCacheCounts counts = Counts(5, 0, 2);
  const auto backend = MakeReferenceBackend();
  auto stager = BatchStager::Make(*backend, counts);
  ASSERT_TRUE(stager.ok()) << stager.status();
  Running running(counts, {3, 6});
  running.Finish(running.scheduler.PlanStep());

  const BatchInputs inputs = stager->Stage(running.scheduler.PlanStep());
  EXPECT_THAT(ToVector(inputs.tokens), ElementsAre(3, 4, 5, 6, 77));
  EXPECT_THAT(ToVector(inputs.positions), ElementsAre(2, 3, 4, 5, 3));
  ASSERT_EQ(inputs.all.views.dim(0), 2);
  EXPECT_EQ(inputs.prompt.views.data, inputs.all.views.data);
  EXPECT_EQ(inputs.decode.views.data, inputs.all.views.data + 1);
  EXPECT_EQ(inputs.decode.views.dim(0), 1);
  EXPECT_TRUE(inputs.decode.views(0).is_decode());
  EXPECT_EQ(inputs.decode.window_pages.data, inputs.all.window_pages.data);
}

// The arrays never grow: Stage ends the process if a plan passes them.
TEST(BatchStagerTest, TheArraysHoldEveryPlan) {
  std::mt19937_64 random(9);
  const auto backend = MakeReferenceBackend();
  for (int32_t round = 0; round < 100; ++round) {
    const int32_t num_sequences = 1 + static_cast<int32_t>(random() % 4);
    const KvCacheCounts counts = Counts(1 + static_cast<int32_t>(random() % 300),
                                        64 * static_cast<int32_t>(random() % 3), num_sequences);
    std::vector<int32_t> lengths(static_cast<size_t>(num_sequences));
    for (int32_t& length : lengths) length = 1 + static_cast<int32_t>(random() % 900);
    auto stager = BatchStager::Make(*backend, counts);
    ASSERT_TRUE(stager.ok()) << stager.status();
    Running running(counts, lengths);
    for (int32_t step = 0; step < 20; ++step) {
      const BatchPlan& plan = running.scheduler.PlanStep();
      EXPECT_EQ(stager->Stage(plan).num_tokens(), plan.num_tokens);
      running.Finish(plan);
    }
  }
}

}  // namespace
}  // namespace oriel
