#include "engine/kv_cache/page_pool.h"

#include <set>

#include "gtest/gtest.h"

namespace oriel {
namespace {

TEST(PagePoolTest, HandsOutEachPageOnce) {
  PagePool pool(5);
  ASSERT_TRUE(pool.TryReserve(5));
  std::set<int32_t> pages;
  for (int32_t i = 0; i < 5; ++i) pages.insert(pool.Take());
  EXPECT_EQ(pages, (std::set<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(pool.ledger().owned, 5);
  EXPECT_EQ(pool.ledger().free, 0);
  pool.CheckLedger();
}

TEST(PagePoolTest, PromisesNoMoreThanItHas) {
  PagePool pool(4);
  EXPECT_TRUE(pool.TryReserve(3));
  EXPECT_FALSE(pool.TryReserve(2));
  EXPECT_EQ(pool.reserved(), 3);
  EXPECT_TRUE(pool.TryReserve(1));
  pool.Unreserve(4);
  EXPECT_TRUE(pool.TryReserve(4));
}

TEST(PagePoolTest, AReleasedPageIsFencedUntilItsStepHasFinished) {
  PagePool pool(1);
  ASSERT_TRUE(pool.TryReserve(1));
  const int32_t page = pool.Take();
  pool.Release(page, 7);
  pool.Unreserve(1);
  EXPECT_EQ(pool.ledger().fenced, 1);
  EXPECT_FALSE(pool.TryReserve(1));
  pool.FinishStep(6);
  EXPECT_EQ(pool.ledger().fenced, 1);
  pool.CheckLedger();
  pool.FinishStep(7);
  EXPECT_EQ(pool.ledger().free, 1);
  ASSERT_TRUE(pool.TryReserve(1));
  EXPECT_EQ(pool.Take(), page);
}

TEST(PagePoolDeathTest, ReleasingAPageTwiceIsABug) {
  PagePool pool(2);
  ASSERT_TRUE(pool.TryReserve(1));
  const int32_t page = pool.Take();
  pool.Release(page, 1);
  EXPECT_DEATH(pool.Release(page, 1), "kOwned");
}

TEST(PagePoolDeathTest, TakingWithoutAPromiseIsABug) {
  PagePool pool(2);
  EXPECT_DEATH(pool.Take(), "reserved");
}

TEST(PagePoolDeathTest, TakingBackAPromiseThatIsUsedIsABug) {
  PagePool pool(2);
  ASSERT_TRUE(pool.TryReserve(1));
  pool.Take();
  EXPECT_DEATH(pool.Unreserve(1), "owned");
}

}  // namespace
}  // namespace oriel
