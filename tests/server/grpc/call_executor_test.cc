#include "server/grpc/call_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace oriel {
namespace {

// Counts its polls and whether two ever ran at once.
class CountingTask final : public CallTask {
 public:
  explicit CountingTask(int* destroyed = nullptr) : destroyed_(destroyed) {}
  ~CountingTask() override {
    if (destroyed_ != nullptr) ++*destroyed_;
  }
  void Poll() override {
    if (running_.exchange(true)) overlapped = true;
    ++num_polls;
    std::this_thread::yield();
    running_ = false;
  }

  std::atomic<int> num_polls{0};
  std::atomic<bool> overlapped{false};

 private:
  std::atomic<bool> running_{false};
  int* const destroyed_;
};

TEST(CallExecutorTest, ATaskIsNeverPolledTwiceAtOnceAndNoWakeIsLost) {
  auto task = std::make_shared<CountingTask>();
  {
    CallExecutor executor(4);
    std::vector<std::thread> wakers;
    for (int i = 0; i < 4; ++i) {
      wakers.emplace_back([&] {
        for (int j = 0; j < 500; ++j) executor.queue()->Wake(task);
      });
    }
    for (std::thread& waker : wakers) waker.join();
    const int before = task->num_polls;
    executor.queue()->Wake(task);
    while (task->num_polls == before) std::this_thread::yield();
  }
  EXPECT_FALSE(task->overlapped);
  EXPECT_LE(task->num_polls, 2001);
}

TEST(CallExecutorTest, AWakeAfterTheEndIsHarmlessAndKeepsNothing) {
  int destroyed = 0;
  std::shared_ptr<CallQueue> queue;
  {
    CallExecutor executor(1);
    queue = executor.queue();
  }
  queue->Wake(std::make_shared<CountingTask>(&destroyed));
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace oriel
