#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/support/engine_harness.h"

namespace oriel {
namespace {

int32_t NumAllowedCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
}

// What the engine's own thread may run on while it steps, as seen from its clock.
int32_t AllowedCoresOfTheEngineThread(bool pin_threads) {
  const auto backend = MakeCpuBackend({.threads = 1, .pin_threads = pin_threads}).value();
  std::atomic<int32_t> seen{0};
  const auto clock = [&seen, caller = std::this_thread::get_id()] {
    if (std::this_thread::get_id() != caller) seen = NumAllowedCores();
    return absl::Now();
  };
  HarnessConfig harness;
  harness.engine.max_model_len = 512;
  harness.engine.window_tokens = 64;
  const auto engine = MakeTaggedEngine(harness, *backend, {.formats = {}, .clock = clock}).value();
  engine->Start();
  const auto stream = engine->Submit(SimpleRequest(1, 10, 4)).value();
  EXPECT_TRUE(engine->Drain(absl::Now() + absl::Seconds(60)));
  return seen;
}

TEST(EngineThreadTest, StaysOnOneCoreIfTheBackEndPinsItsThreads) {
  EXPECT_EQ(AllowedCoresOfTheEngineThread(true), 1);
}

TEST(EngineThreadTest, RunsAnywhereElse) {
  EXPECT_EQ(AllowedCoresOfTheEngineThread(false), NumAllowedCores());
}

}  // namespace
}  // namespace oriel
