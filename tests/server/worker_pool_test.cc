#include "server/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace oriel {
namespace {

TEST(WorkerPoolTest, RunsEveryJobBeforeItIsGone) {
  std::atomic<int> done{0};
  {
    WorkerPool pool(2, 100);
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.Submit([&] { ++done; }).ok());
  }
  EXPECT_EQ(done, 50);
}

TEST(WorkerPoolTest, RefusesWhatWouldWaitBeyondItsLimit) {
  std::latch started(1), go_on(1);
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.Submit([&] {
                    started.count_down();
                    go_on.wait();
                  })
                  .ok());
  started.wait();
  EXPECT_TRUE(pool.Submit([] {}).ok());
  EXPECT_TRUE(pool.Submit([] {}).ok());
  EXPECT_EQ(pool.num_waiting(), 2u);
  EXPECT_EQ(pool.Submit([] {}).code(), absl::StatusCode::kResourceExhausted);
  go_on.count_down();
}

}  // namespace
}  // namespace oriel
