#include "engine/kv_cache/window_pages.h"

#include "gtest/gtest.h"

namespace oriel {
namespace {

TEST(WindowPagesTest, IsARunOfPageIndices) {
  WindowPages window;
  window.Append(3, 40);
  window.Append(4, 17);
  EXPECT_EQ(window.PageAt(2), kNoPage);
  EXPECT_EQ(window.PageAt(3), 40);
  EXPECT_EQ(window.PageAt(4), 17);
  EXPECT_EQ(window.PageAt(5), kNoPage);
  EXPECT_EQ(window.PopOldest(), 40);
  EXPECT_EQ(window.first_page_index(), 4);
  EXPECT_EQ(window.PageAt(3), kNoPage);
  EXPECT_EQ(window.PopOldest(), 17);
  // An emptied run may begin anywhere: a long chunk skips the pages that it seals from the scratch.
  window.Append(9, 5);
  EXPECT_EQ(window.PageAt(9), 5);
}

TEST(WindowPagesDeathTest, AGapInTheRunIsABug) {
  WindowPages window;
  window.Append(0, 1);
  EXPECT_DEATH(window.Append(2, 3), "end_page_index");
}

TEST(WindowPagesTest, CountsFollowTheWindow) {
  EXPECT_EQ(WindowPagesPerSequence(0), 2);
  EXPECT_EQ(WindowPagesPerSequence(128), 4);
  EXPECT_EQ(SharedWindowPages(512, 128, 16), 8);
  EXPECT_EQ(SharedWindowPages(512, 128, 1), 2);
  EXPECT_EQ(SharedWindowPages(512, 0, 16), 0);
  EXPECT_EQ(SharedWindowPages(63, 128, 16), 0);
}

}  // namespace
}  // namespace oriel
