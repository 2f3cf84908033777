#include "kernels/cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace oriel {
namespace {

TEST(ThreadPoolTest, RunsEveryItemOnce) {
  for (int32_t threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int64_t items : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(items));
      std::atomic<bool> worker_in_range{true};
      pool.ParallelFor(items, [&](int64_t item, int32_t worker) {
        ++runs[static_cast<size_t>(item)];
        if (worker < 0 || worker >= threads) worker_in_range = false;
      });
      for (const std::atomic<int>& run : runs) EXPECT_EQ(run, 1);
      EXPECT_TRUE(worker_in_range);
    }
  }
}

TEST(ThreadPoolTest, SeesPlainMemoryOfTheCallerAndOfTheWorkers) {
  ThreadPool pool(3);
  std::vector<int64_t> values(64, 0);
  for (int64_t round = 1; round <= 2000; ++round) {
    pool.ParallelFor(64, [&](int64_t item, int32_t) { values[static_cast<size_t>(item)] += item; });
    ASSERT_EQ(values[63], 63 * round);
  }
}

TEST(ThreadPoolTest, WakesWorkersThatSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    // The second item ends only when another thread runs the first.
    std::atomic<int> arrived{0};
    pool.ParallelFor(2, [&](int64_t, int32_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 2);
  }
}

TEST(ThreadPoolTest, UsesNoProcessorWhileIdle) {
  ThreadPool pool(4);
  pool.ParallelFor(8, [](int64_t, int32_t) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_LT(used, 0.02);
}

TEST(ThreadPoolTest, KeepsScratchOfASizeSeenBefore) {
  ThreadPool pool(1);
  std::byte* large = pool.Scratch(1000000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0u);
  EXPECT_EQ(pool.Scratch(10), large);
  EXPECT_EQ(pool.Scratch(1000000), large);
}

}  // namespace
}  // namespace oriel
