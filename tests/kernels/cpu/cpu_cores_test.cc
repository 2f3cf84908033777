#include "kernels/cpu/cpu_cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/thread_pool.h"

namespace oriel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Those that the kernel lets the calling thread run on.
std::vector<int32_t> AllowedCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  std::vector<int32_t> cores;
  for (int32_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

// Runs `work` on a thread of its own, so that what it does to its affinity ends with it.
template <typename Work>
void OnAnotherThread(Work work) {
  std::thread(work).join();
}

TEST(CpuCoresTest, UsableCoresAreThoseOfTheAffinityMask) {
  std::vector<int32_t> cores = UsableCores();
  std::sort(cores.begin(), cores.end());
  EXPECT_EQ(cores, AllowedCores());
  OnAnotherThread([&] {
    ASSERT_TRUE(PinThread(pthread_self(), cores.back()).ok());
    EXPECT_THAT(UsableCores(), ElementsAre(cores.back()));
  });
}

TEST(CpuCoresTest, OneCoreOfEachPhysicalCoreComesFirst) {
  const std::map<int32_t, std::string> siblings = {{0, "0-1"}, {1, "0-1"}, {2, "2-3"}, {3, "2-3"},
                                                   {5, ""},    {6, ""},    {7, "7"}};
  EXPECT_THAT(OnePerPhysicalCoreFirst({0, 1, 2, 3, 5, 6, 7},
                                      [&](int32_t core) { return siblings.at(core); }),
              ElementsAre(0, 2, 5, 6, 7, 1, 3));
}

TEST(CpuCoresTest, ACoreThatDoesNotExistIsAnError) {
  const absl::Status status = PinThread(pthread_self(), CPU_SETSIZE - 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("core 1023"));
}

TEST(CpuCoresTest, PinnedWorkersStayOnTheirCores) {
  const std::vector<int32_t> cores = UsableCores();
  const int32_t threads = static_cast<int32_t>(std::min<size_t>(cores.size(), 4));
  ThreadPool pool(threads);
  ASSERT_TRUE(pool.PinWorkers(cores).ok());
  // An item ends when every worker has one.
  std::atomic<int32_t> arrived{0};
  std::vector<std::vector<int32_t>> allowed(static_cast<size_t>(threads));
  pool.ParallelFor(threads, [&](int64_t, int32_t worker) {
    allowed[static_cast<size_t>(worker)] = AllowedCores();
    ++arrived;
    while (arrived < threads) std::this_thread::yield();
  });
  for (size_t worker = 1; worker < allowed.size(); ++worker) {
    EXPECT_THAT(allowed[worker], ElementsAre(cores[worker]));
  }
  EXPECT_EQ(allowed[0].size(), cores.size()) << "the caller is not the pool's";
}

TEST(CpuCoresTest, ABackEndPinsTheThreadThatEnqueues) {
  const std::vector<int32_t> cores = UsableCores();
  const auto backend = MakeCpuBackend({.threads = 1, .pin_threads = true});
  ASSERT_TRUE(backend.ok()) << backend.status();
  EXPECT_THAT((*backend)->pinned_cores(), ElementsAre(cores.front()));
  OnAnotherThread([&] {
    ASSERT_TRUE((*backend)->AdoptThread().ok());
    EXPECT_THAT(AllowedCores(), ElementsAre(cores.front()));
  });
}

TEST(CpuCoresTest, ABackEndPinsNothingUnlessAsked) {
  const auto backend = MakeCpuBackend({.threads = 1});
  ASSERT_TRUE(backend.ok()) << backend.status();
  EXPECT_THAT((*backend)->pinned_cores(), IsEmpty());
  OnAnotherThread([&] {
    const std::vector<int32_t> before = AllowedCores();
    ASSERT_TRUE((*backend)->AdoptThread().ok());
    EXPECT_EQ(AllowedCores(), before);
  });
}

TEST(CpuCoresTest, TwoPinnedThreadsOnOneCoreAreRefused) {
  const int32_t num_cores = static_cast<int32_t>(UsableCores().size());
  if (num_cores >= ThreadPool::kThreadsMax) GTEST_SKIP() << "more cores than threads allowed";
  const auto backend = MakeCpuBackend({.threads = num_cores + 1, .pin_threads = true});
  EXPECT_EQ(backend.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(backend.status().message(), HasSubstr("pin_threads"));
}

}  // namespace
}  // namespace oriel
