#include "kernels/ops/kv_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace oriel {
namespace {

using ::testing::HasSubstr;

TEST(NumPackedPagesTest, APageIsPackedOnceTheWindowLiesBehindIt) {
  // 64 (p + 1) <= 64 floor(t / 64) - w, for every position of a few pages.
  for (const int32_t window : {0, 64, 128, 256}) {
    for (int32_t t = 0; t < 1024; ++t) {
      int32_t packed = 0;
      while (64 * (packed + 1) <= 64 * (t / 64) - window) ++packed;
      EXPECT_EQ(NumPackedPages(t, window), packed) << "position " << t << ", window " << window;
    }
  }
}

// A valid step of one prompt view and one decode view over a small storage.
class CheckKvStepViewTest : public ::testing::Test {
 protected:
  CheckKvStepViewTest() {
    step_.window_tokens = 128;
    step_.sink_tokens = 5;
    storage_.packed_pool = {nullptr, {8, 16}};
    storage_.window_keys = {nullptr, {6, 1, 64, 64}};
    storage_.sink_keys = {nullptr, {2, 1, 5, 64}};
    storage_.scratch_keys = {nullptr, {1, 100, 64}};
    views_ = {KvView{.first_row = 0,
                     .num_queries = 100,
                     .first_position = 30,
                     .scratch_row = 0,
                     .sequence_slot = 0,
                     .window_begin = 0},
              KvView{.first_row = 100,
                     .num_queries = 1,
                     .first_position = 260,
                     .sequence_slot = 1,
                     .packed_begin = 0,
                     .window_begin = 3,
                     .first_window_page = 2}};
    packed_pages_ = {4, 7};
    window_pages_ = {0, 1, 2, 3, 4, 5};
  }

  absl::Status Check() {
    const auto count = [](const auto& v) { return static_cast<int64_t>(v.size()); };
    step_.views = {views_.data(), {count(views_)}};
    step_.packed_pages = {packed_pages_.data(), {count(packed_pages_)}};
    step_.window_pages = {window_pages_.data(), {count(window_pages_)}};
    return CheckKvStepView(step_, storage_);
  }

  KvLayerStorage storage_;
  KvStepView step_;
  std::vector<KvView> views_;
  std::vector<PageId> packed_pages_;
  std::vector<WindowPageId> window_pages_;
};

TEST_F(CheckKvStepViewTest, TakesAValidStep) { EXPECT_TRUE(Check().ok()) << Check(); }

TEST_F(CheckKvStepViewTest, NamesAPackedPageOutsideThePool) {
  packed_pages_[1] = 8;
  EXPECT_THAT(Check().ToString(), HasSubstr("view 1: packed page is 8, the limit is 8"));
}

TEST_F(CheckKvStepViewTest, NamesAWindowPageOutsideThePool) {
  window_pages_[3] = 6;
  EXPECT_THAT(Check().ToString(), HasSubstr("view 1: window page is 6, the limit is 6"));
}

TEST_F(CheckKvStepViewTest, NamesAViewThatLeavesItsArrays) {
  window_pages_.resize(5);
  EXPECT_THAT(Check().ToString(), HasSubstr("view 1: window end is 6, the limit is 5"));
}

TEST_F(CheckKvStepViewTest, NamesAViewThatLeavesTheScratch) {
  views_[0].scratch_row = 1;
  EXPECT_THAT(Check().ToString(), HasSubstr("view 0: scratch end is 101, the limit is 100"));
}

TEST_F(CheckKvStepViewTest, NamesASequenceSlotOutsideTheSinks) {
  views_[1].sequence_slot = 2;
  EXPECT_THAT(Check().ToString(), HasSubstr("view 1: sequence_slot is 2, the limit is 2"));
}

TEST_F(CheckKvStepViewTest, ADecodeViewHasOneQuery) {
  views_[1].num_queries = 2;
  EXPECT_THAT(Check().ToString(), HasSubstr("num_queries of a decode view is 2"));
}

}  // namespace
}  // namespace oriel
